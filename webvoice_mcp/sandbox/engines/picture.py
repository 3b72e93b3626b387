"""Procedural pictures: a poster drawn from the words of a prompt. There is no model, and nothing was learned."""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from random import Random
from string import Template
from typing import Any, NamedTuple

from webvoice_mcp.sandbox.engines import load, raster, scenery
from webvoice_mcp.sandbox.engines.palette import choose
from webvoice_mcp.sandbox.engines.raster import pillow

PROVIDER = "sandbox:procedural-1"

_UNITS = 1000  # of the shorter side, in which scenery is measured
_MAX_PROMPT_CHARACTERS = 4000
_MAX_SUBJECTS = 3
_MAX_INSETS = 4
_SUBJECT = re.compile(r'<symbol id="(\w+)" viewBox="[^"]*" data-words="([^"]*)" data-place="(\S+) (\S+?)( alone)?">')
_ABSTRACT = "abstract geometric pattern logo icon mosaic shapes bauhaus"
_BY_CHANCE = ("mountains", "hills", "mountains lake", "hills lake", "forest", "city bay")


class _Subject(NamedTuple):
    """A template that stands in front; its size and foot are shares of the shorter side and of the height.

    `alone`: it is shown on a plain ground unless the prompt names a landscape.
    """

    template: str
    size: float
    foot: float
    alone: bool


def paint(
    prompt: str, size: tuple[int, int], *, seed: int | None = None, kind: str = "png", references: Sequence[str] = ()
) -> bytes:
    """Return a picture file; the same arguments give the same bytes.

    Args:
        seed: another one gives another picture; without one the prompt alone decides.
        kind: "png", "jpeg" or "webp".
        references: addresses of pictures to go by. They are not fetched; small stand-ins in a corner show them.

    Raises EngineUnavailable.
    """
    picture = draw_with_references(prompt, size, seed, references)
    raster.sign(picture, raster.PROCEDURAL, prompt)
    return raster.encode(picture, kind, PROVIDER)


def draw(prompt: str, size: tuple[int, int], seed: int | None = None) -> Any:
    """Return the picture itself, without the sandbox's mark."""
    image, resvg = pillow("Image"), load("resvg_py", "resvg-py")
    svg = _compose(prompt, size, Random(f"{seed}\n{prompt}"))  # noqa: S311 - chance for a picture, not for a secret
    return image.open(io.BytesIO(resvg.svg_to_bytes(svg_string=svg, skip_system_fonts=True))).convert("RGB")


def draw_with_references(prompt: str, size: tuple[int, int], seed: int | None, references: Sequence[str]) -> Any:
    """Return the picture with a small stand-in in a corner for each address of a picture to go by."""
    picture, side, edge = draw(prompt, size, seed), round(min(size) * 0.17), max(2, round(min(size) * 0.008))
    for number, address in enumerate(references[:_MAX_INSETS]):
        framed = pillow("ImageOps").expand(draw(address, (side, side)), edge, "#faf6ec")
        picture.paste(framed, (picture.width - (side + 4 * edge) * (number + 1), 2 * edge))
    return picture


def stand_in(address: str) -> Any:
    """Return a picture in the place of one at an address, which is not fetched; it says so itself."""
    picture = draw(address, (1024, 1024))
    raster.label(picture, f"STAND-IN for {address}")
    return picture


def _compose(prompt: str, size: tuple[int, int], rng: Random) -> str:
    words = re.findall(r"[a-z]+", prompt[:_MAX_PROMPT_CHARACTERS].lower())
    template, known = _templates()
    subjects = list(dict.fromkeys(known[word] for word in words if word in known))[:_MAX_SUBJECTS]
    palette = choose(words, rng, has_subject=bool(subjects))
    width, height = (_UNITS * side / min(size) for side in size)
    land = _called(scenery.LAND, words)
    staged = bool(subjects) and not land and (subjects[0].alone or bool(_called({"logo icon": 1}, words)))
    if not land and "planet" not in {subject.template for subject in subjects}:
        land = _called(scenery.LAND, rng.choice(_BY_CHANCE).split())
    has_water, horizon = scenery.water in land, height * (0.6 if land else 1)
    scene = scenery.Scene(width, height, horizon, horizon if has_water else height, palette, rng)
    if staged or _called({_ABSTRACT: 1}, words):
        body = scenery.stage(scene) if staged else scenery.geometry(scene)
    else:
        view = "".join(part(scene) for part in (scenery.sky, *land) if part is not scenery.water)
        body = f'<g id="view">{view}</g>{scenery.water(scene) if has_water else ""}'
    for number, subject in enumerate(subjects[: 1 if staged else None]):
        side = subject.size * _UNITS * (0.7 if number else 1)
        x = width * (0.5 if staged else (0.5, 0.22, 0.78)[number] + rng.uniform(-0.06, 0.06))
        body += scenery.use(subject.template, x - side / 2, height * subject.foot, side, f'color="{palette["accent"]}"')
    body += "".join(part(scene) for part in _called(scenery.WEATHER, words))
    sides = {"pixels_wide": size[0], "pixels_high": size[1], "wide": f"{width:.2f}", "high": f"{height:.2f}"}
    return template.substitute(palette, **sides, body=body)


def _called(parts: Mapping[str, Any], words: Iterable[str]) -> list[Any]:
    """The parts that at least one of the words calls for."""
    return [part for names, part in parts.items() if not set(names.split()).isdisjoint(words)]


@cache
def _templates() -> tuple[Template, dict[str, _Subject]]:
    """The SVG document to fill in, and its subjects by the words that call for them."""
    svg = files("webvoice_mcp.sandbox.engines").joinpath("drawings.svg").read_text("utf-8")
    subjects = {
        word: _Subject(template, float(size), float(foot), bool(alone))
        for template, words, size, foot, alone in _SUBJECT.findall(svg)
        for word in words.split()
    }
    return Template(svg), subjects
