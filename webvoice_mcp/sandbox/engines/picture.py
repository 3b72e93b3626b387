"""Procedural pictures: a poster drawn from the words of a prompt. There is no model, and nothing was learned."""

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from random import Random
from typing import Any

from webvoice_mcp.sandbox.engines import abstract, land, raster, sky, town
from webvoice_mcp.sandbox.engines.canvas import Canvas, Scene, pillow
from webvoice_mcp.sandbox.engines.objects import THINGS, Thing
from webvoice_mcp.sandbox.engines.palette import choose

PROVIDER = "sandbox:procedural-1"

Part = Callable[[Scene], None]

# Parts of a picture, in the order in which they are drawn, and the words that call for them.
_PARTS: dict[Part, str] = {
    sky.planets: "space galaxy planet planets cosmos universe nebula spazio astronaut",
    sky.aurora: "aurora borealis polar northern",
    land.mountains: "mountain mountains alps peak peaks alpine montagna montagne snow snowy winter ice",
    land.dunes: "desert dune dunes sahara deserto canyon",
    land.hills: "hill hills field fields meadow valley countryside colline campagna prato landscape spring",
    town.city: "city skyline downtown cyberpunk neon metropolis bay marina harbor harbour alley citta rooftop office",
    town.street: "street village town road square market piazza strada houses",
    land.water: "sea ocean lake bay marina harbor harbour river water beach coast island boat ship sailboat yacht sail"
    " lighthouse waves mare lago fiume spiaggia barca faro reflection reflections",
    land.forest: "forest woods jungle pines firs trees foresta bosco camping",
}
_BY_CHANCE: tuple[tuple[Part, ...], ...] = (
    (land.mountains,),
    (land.hills,),
    (land.mountains, land.water),
    (land.dunes,),
    (land.forest,),
    (town.city, land.water),
)
_ABSTRACT = frozenset(("abstract", "geometric", "pattern", "logo", "icon", "bauhaus", "mosaic", "shapes", "astratto"))
_RAIN = frozenset(("rain", "rainy", "storm", "pioggia"))
_SNOW = frozenset(("snow", "snowy", "snowfall", "blizzard", "neve"))
_MOST_THINGS = 3
_WORDS_FROM = 4000  # characters of a prompt
_MOST_INSETS = 4  # that fit into a row


def paint(
    prompt: str,
    size: tuple[int, int],
    *,
    seed: int | None = None,
    kind: str = "png",
    references: Sequence[str] = (),
) -> bytes:
    """A picture file; the same arguments give the same bytes.

    Args:
        seed: another one gives another picture; without one the prompt alone decides.
        kind: "png", "jpeg" or "webp".
        references: addresses of pictures to go by. They are not fetched; small stand-ins in a corner show them.

    Raises EngineUnavailable.
    """
    picture = draw_with_references(prompt, size, seed, references)
    raster.sign(picture, raster.PROCEDURAL, _note(prompt))
    return raster.encode(picture, kind, PROVIDER)


def draw(prompt: str, size: tuple[int, int], seed: int | None = None) -> Any:
    """The picture itself, without the sandbox's mark."""
    words = _words(prompt[:_WORDS_FROM])
    rng = Random(f"{seed}\n{prompt}")  # noqa: S311 - chance for a picture, not for a secret
    scene = Scene(Canvas(size), choose(words, rng), rng, size[1] * 0.62)
    things = list(dict.fromkeys(THINGS[word] for word in words if word in THINGS))[:_MOST_THINGS]
    if not _ABSTRACT.isdisjoint(words):
        abstract.geometry(scene)
    elif things and things[0].close and not _called(words):
        abstract.stage(scene)
        _place(scene, things[0], 0)
    else:
        _landscape(scene, words, things)
    return scene.canvas.image


def draw_with_references(prompt: str, size: tuple[int, int], seed: int | None, references: Sequence[str]) -> Any:
    """As `draw`, with a small stand-in in a corner for each address of a picture to go by."""
    picture = draw(prompt, size, seed)
    for number, address in enumerate(references[:_MOST_INSETS]):
        _inset(picture, address, number)
    return picture


def stand_in(address: str) -> Any:
    """A picture in the place of one at an address, which is not fetched; it says so itself."""
    picture = draw(address, (1024, 1024))
    raster.label(picture, f"STAND-IN for {_note(address, 36)}")
    return picture


def _landscape(scene: Scene, words: Collection[str], things: list[Thing]) -> None:
    parts = _called(words) or list(scene.rng.choice(_BY_CHANCE))
    if town.street in parts:
        scene.horizon = scene.canvas.height * 0.72
    if parts == [sky.planets]:
        scene.horizon = scene.canvas.height
    sky.sky(scene)
    sky.luminary(scene, high=town.street in parts)
    if not scene.palette.dark:
        sky.clouds(scene)
    for part in parts:
        part(scene)
    if land.water in parts and any(thing.ashore for thing in things):
        land.shore(scene)
    for number, thing in enumerate(things):
        _place(scene, thing, number)
    for weather, names in ((sky.rain, _RAIN), (sky.snowfall, _SNOW)):
        if not names.isdisjoint(words):
            weather(scene)


def _called(words: Collection[str]) -> list[Part]:
    return [part for part, names in _PARTS.items() if not set(names.split()).isdisjoint(words)]


def _place(scene: Scene, thing: Thing, number: int) -> None:
    canvas = scene.canvas
    across = 0.5 if thing.close else (0.5, 0.24, 0.78)[number] + scene.rng.uniform(-0.06, 0.06)
    side = canvas.unit * thing.size
    canvas.place(thing.draw, scene.palette.accent, canvas.width * across, canvas.height * thing.foot, side)


def _inset(picture: Any, address: str, number: int) -> None:
    image, unit = pillow("Image"), min(picture.size)
    side, edge = round(unit * 0.17), max(2, round(unit * 0.008))
    small = draw(address, (256, 256)).resize((side, side), image.Resampling.LANCZOS)
    frame = image.new("RGB", (side + 2 * edge, side + 2 * edge), (250, 246, 236))
    frame.paste(small, (edge, edge))
    step = side + 4 * edge
    picture.paste(frame, (picture.width - step * (number + 1), 2 * edge))


def _words(prompt: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", prompt.lower())
    return re.findall(r"[a-z]+", "".join(each for each in plain if not unicodedata.combining(each)))


def _note(text: str, longest: int = 60) -> str:
    """What a picture's font can write of a text, shortened."""
    plain = " ".join("".join(each if each.isascii() and each.isprintable() else " " for each in text).split())
    return plain if len(plain) <= longest else plain[: longest - 3].rstrip() + "..."
