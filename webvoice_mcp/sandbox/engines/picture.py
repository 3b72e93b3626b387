"""Draws pictures by rules from the words of a prompt; there is no model."""

import io
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from random import Random
from string import Template
from typing import Any, NamedTuple

from webvoice_mcp.sandbox.engines import load, raster, scenery
from webvoice_mcp.sandbox.engines.palette import choose
from webvoice_mcp.sandbox.engines.raster import pillow

PROVIDER = "sandbox:procedural-1"

_MAX_INSETS = 4
_LAND, _STAGE, _SPACE = range(3)  # the ground that a subject stands on: the third number of data-place
_SYMBOL = re.compile(r'<symbol id="(\w+)" viewBox="0 0 (\d+) (\d+)" data-words="([^"]+)" data-(place|rows)="([^"]+)"')
_WATER = "sea ocean lake bay harbor river water beach coast boat ship sailboat yacht lighthouse waves"
_TILES = "abstract geometric pattern logo icon mosaic shapes bauhaus"
_WEATHER = {
    "rain rainy storm": ("l-9 42", "#dce8ff", 0.25),
    "snow snows snowy snowfall blizzard": ("h0", "#ffffff", 0.9),
}
_RANDOM_SCENES = ("mountains", "hills", "mountains lake", "hills lake", "forest", "city bay")


class _Symbol(NamedTuple):
    """A template that is used for certain words of a prompt; drawings.svg explains its numbers."""

    name: str
    ratio: float
    is_land: bool
    numbers: tuple[float, ...]


def render(
    prompt: str, size: tuple[int, int], *, seed: int | None = None, kind: str = "png", references: Sequence[str] = ()
) -> bytes:
    """Return a picture file. The same arguments give the same bytes.

    Args:
        seed: each seed gives another picture of the same prompt.
        kind: "png", "jpeg" or "webp".
        references: addresses of reference pictures. They are not fetched; small stand-ins in a corner represent them.

    Raises:
        EngineUnavailable: a package is missing.
    """
    picture = draw_with_references(prompt, size, seed, references)
    raster.add_banner(picture, raster.PROCEDURAL, prompt)
    return raster.encode(picture, kind, PROVIDER)


def draw(prompt: str, size: tuple[int, int], seed: int | None = None) -> Any:
    """Return the picture as a Pillow image, without the sandbox's mark."""
    image, resvg = pillow("Image"), load("resvg_py", "resvg-py")
    svg = _compose(prompt, size, Random(f"{seed}\n{prompt}".encode(errors="replace")))  # noqa: S311 - not a secret
    return image.open(io.BytesIO(resvg.svg_to_bytes(svg_string=svg, skip_system_fonts=True))).convert("RGB")


def draw_with_references(prompt: str, size: tuple[int, int], seed: int | None, references: Sequence[str]) -> Any:
    """Return the picture with a small stand-in in a corner for each reference's address."""
    picture, side, edge = draw(prompt, size, seed), round(min(size) * 0.17), max(2, round(min(size) * 0.008))
    for number, address in enumerate(references[:_MAX_INSETS]):
        framed = pillow("ImageOps").expand(draw(address, (side, side)), edge, "#faf6ec")
        picture.paste(framed, (picture.width - (side + 4 * edge) * (number + 1), 2 * edge))
    return picture


def stand_in(address: str) -> Any:
    """Return a picture that stands for the one at an address, which is not fetched. A banner on it says so."""
    picture = draw(address, (1024, 1024))
    raster.add_banner(picture, f"STAND-IN for {address}", at_bottom=False)
    return picture


def _compose(prompt: str, size: tuple[int, int], rng: Random) -> str:
    template, known = _template()
    words = re.findall(r"[a-z]+", prompt.lower())
    subjects = dict.fromkeys(known[word] for word in words if word in known and not known[word].is_land)
    palette = choose(words, rng, has_subject=bool(subjects))
    ground = next((subject.numbers[2] for subject in subjects), _LAND)
    if _has_any(words, _WATER) or any(known[word].is_land for word in words if word in known):
        ground = _LAND
    elif ground == _LAND:
        words += rng.choice(_RANDOM_SCENES).split()
    width, height = (1000 * side / min(size) for side in size)
    has_water, horizon = _has_any(words, _WATER), height * (1 if ground == _SPACE else 0.6)
    scene = scenery.Scene(width, height, horizon, horizon if has_water else height, palette, rng)
    if ground == _STAGE:
        body = scenery.stage(scene)
    elif _has_any(words, _TILES):
        body = scenery.tiles(scene)
    else:
        named = {known[word] for word in words if word in known}
        land = [symbol for symbol in dict.fromkeys(known.values()) if symbol.is_land and symbol in named]
        view = "".join(scenery.rows(scene, symbol.name, symbol.ratio, symbol.numbers) for symbol in land)
        body = f'<g id="view">{scenery.sky(scene)}{view}</g>{scenery.water(scene) if has_water else ""}'
    for (name, _, _, (share, foot, _)), x in zip(subjects, (0.5, 0.2, 0.8), strict=False):
        left = width * (x + rng.uniform(-0.05, 0.05) * (ground != _STAGE)) - share * 500
        body += scenery.use(name, left, height * foot, share * 1000, palette["accent"])
    weather = [strokes for names, strokes in _WEATHER.items() if _has_any(words, names)]
    body += "".join(scenery.strokes(scene, *strokes) for strokes in weather)
    sides = {"pixels_wide": size[0], "pixels_high": size[1], "wide": f"{width:.2f}", "high": f"{height:.2f}"}
    return template.substitute(palette, **sides, body=body)


def _has_any(words: Sequence[str], names: str) -> bool:
    return not set(names.split()).isdisjoint(words)


@cache
def _template() -> tuple[Template, dict[str, _Symbol]]:
    """Return the SVG document to fill in, and its symbols by the words that they are used for."""
    svg = files("webvoice_mcp.sandbox.engines").joinpath("drawings.svg").read_text("utf-8")
    known: dict[str, _Symbol] = {}
    for name, width, height, words, kind, numbers in _SYMBOL.findall(svg):
        symbol = _Symbol(name, int(width) / int(height), kind == "rows", tuple(map(float, numbers.split())))
        known |= dict.fromkeys(words.split(), symbol)
    return Template(svg), known
