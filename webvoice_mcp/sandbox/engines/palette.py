"""Chooses the colours of a picture by the words of its prompt."""

from collections.abc import Sequence
from random import Random

from webvoice_mcp.sandbox.engines import load

# Words that name a mood, and its colours in the order of _NAMES: the sky from the top to the horizon, far and near
# land, light, subject. If a prompt names several moods, the first in this table is used.
_NAMES = ("top", "middle", "low", "far", "near", "light", "accent")
_MOODS = {
    "neon cyberpunk synthwave futuristic vaporwave": "#0a0422 #7c1478 #ff4f86 #55206f #0a041d #ffb3dc #19e0e0",
    "space galaxy cosmos planet nebula astronaut rocket": "#02030f #1b1446 #563a86 #3c2d6e #04040f #f0e6ff #ff8f5a",
    "night midnight moon moonlight aurora stars dark": "#050a1e #16265a #5068a0 #3a4d86 #060a1b #f4efd8 #f6bd60",
    "sunset dusk evening twilight afterglow golden": "#2b2463 #c4567f #ffbe78 #8d4f86 #1c1335 #ffe8b4 #f2545b",
    "storm rain rainy thunder cloudy overcast noir": "#2c3a52 #7189a6 #d3dbe0 #7f93aa #1e2a3d #f1f3ec #d9a441",
    "winter snow snows snowy snowfall ice arctic cold": "#5b84b1 #a9c6de #faf5ee #a5bdd6 #34506f #fffdf4 #c8553d",
    "desert dune dunes canyon sahara": "#d96b3c #f2b072 #fdeccd #d78a55 #5f2a24 #fff3d2 #2a7f8e",
    "autumn fall leaves vintage coffee": "#c97b4a #ecbb85 #fbeeda #c98d62 #45202a #fff1cf #b3372c",
    "spring blossom cherry flower flowers": "#8ec5d6 #d9dfdf #fdf3e3 #a9c9ae #2f5d50 #fffbe8 #ef6f8e",
    "dawn sunrise morning mist misty fog watercolor": "#6483b8 #d3b7c8 #ffe6c3 #a893b8 #2f3259 #fff5da #e4706a",
    "forest jungle woods garden": "#a9c6ad #d6e2c9 #f8f3dc #9bb79b #12372a #fff6d5 #d96c3b",
    "day sunny summer noon beach sea ocean": "#3b8ccb #9cd0e8 #f8f1d8 #86b3bd #1c4a4a #fff8df #e63946",
}


def choose(words: Sequence[str], rng: Random, *, has_subject: bool) -> dict[str, str]:
    """Return hexadecimal colours by their names in drawings.svg.

    A colour that the words name becomes the subject's colour or, without a subject, the sky's.
    """
    moods = [mood for names, mood in _MOODS.items() if not set(words).isdisjoint(names.split())]
    palette = dict(zip(_NAMES, (moods or rng.sample(list(_MOODS.values()), 1))[0].split(), strict=True))
    colours = load("PIL.ImageColor", "pillow")  # its table has text for a colour, and numbers after the first use
    known = ["#" + bytes(colours.getrgb(word)).hex() for word in words if word in colours.colormap]
    named = [mix(colour, "#80604c", 0.2) for colour in known]
    if named and has_subject:
        palette["accent"] = named[0]
    elif named:
        palette["middle"], palette["low"] = mix(palette["middle"], named[0], 0.6), mix(palette["low"], named[-1], 0.6)
    return palette | {"lamp": palette["light"] if is_dark(palette) else mix(palette["middle"], palette["near"], 0.6)}


def mix(first: str, second: str, share: float) -> str:
    """Return a colour between two; `share` is the part of the second, from 0 to 1."""
    pairs = zip(bytes.fromhex(first[1:]), bytes.fromhex(second[1:]), strict=True)
    return "#" + bytes(round(one + (other - one) * share) for one, other in pairs).hex()


def is_dark(palette: dict[str, str]) -> bool:
    """True if the sky is dark enough for stars and lamps."""
    return sum(bytes.fromhex(palette["top"][1:])) < 190
