"""Colours for the procedural pictures: which ones a prompt's words ask for."""

import colorsys
from collections.abc import Collection
from dataclasses import dataclass
from random import Random

Colour = tuple[int, int, int]

_HUE_SHIFT = 0.03  # of the colour circle, either way: pictures of one mood differ a little


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a picture.

    Attributes:
        sky: from the top down to the horizon.
        far, near: of the land, which fades with distance.
        light: of sun, moon and lamps.
        accent: of what stands in front.
    """

    sky: tuple[Colour, ...]
    far: Colour
    near: Colour
    light: Colour
    accent: Colour

    @property
    def dark(self) -> bool:
        """Whether lamps burn and stars shine."""
        return sum(self.sky[0]) < 190


# Sky in four steps, far and near land, light, accent.
_MOODS = {
    "dusk": "1e1c4f 5d3b88 dc6579 ffbe78 8d4f86 1c1335 ffe8b4 f2545b",
    "dawn": "6483b8 b3a7d2 f5c3b8 ffe6c3 a893b8 2f3259 fff5da e4706a",
    "day": "3b8ccb 7cbfe6 bfe3ee f8f1d8 86b3bd 1c4a4a fff8df e63946",
    "night": "050a1e 0d1a44 213670 5068a0 3a4d86 060a1b f4efd8 f6bd60",
    "neon": "0a0422 2a0b52 7c1478 ff4f86 55206f 0a041d ffb3dc 19e0e0",
    "storm": "26303a 475662 7f8e96 c3cac6 7c8a92 1d262d eef0e6 d9a441",
    "winter": "5b84b1 98b7d6 d3e2ee faf5ee a5bdd6 34506f fffdf4 c8553d",
    "forest": "a9c6ad c9dcc0 e4ecd2 f8f3dc 9bb79b 12372a fff6d5 d96c3b",
    "desert": "d96b3c ee9d5b f8cb8c fdeccd d78a55 5f2a24 fff3d2 2a7f8e",
    "autumn": "c97b4a e5a768 f3cf9a fbeeda c98d62 45202a fff1cf b3372c",
    "space": "02030f 0a0a2c 241a52 563a86 3c2d6e 04040f f0e6ff ff8f5a",
    "spring": "8ec5d6 bfe0df f3dfe0 fdf3e3 a9c9ae 2f5d50 fffbe8 ef6f8e",
}
_MOOD_WORDS = {
    "dusk": "sunset dusk evening twilight afterglow tramonto sera",
    "dawn": "dawn sunrise morning misty mist fog alba pastel watercolor romantic soft",
    "day": "day sunny summer noon sky blue beach sole estate spiaggia bright",
    "night": "night midnight moon moonlight aurora northern starry stars stelle notte luna dark",
    "neon": "neon cyberpunk synthwave futuristic vaporwave cyber futuro",
    "storm": "storm rain rainy thunder cloudy overcast grey gray noir pioggia tempesta",
    "winter": "winter snow snowy ice frozen arctic neve inverno cold",
    "forest": "forest jungle woods foresta bosco green garden",
    "desert": "desert dune dunes canyon deserto sahara golden",
    "autumn": "autumn fall leaves autunno october vintage coffee",
    "space": "space galaxy cosmos planet planets nebula spazio astronaut rocket universe",
    "spring": "spring flower flowers blossom cherry primavera fiore fiori",
}
_MOOD_OF = {word: mood for mood, words in _MOOD_WORDS.items() for word in words.split()}

_NAMED = {
    "red": "d7263d",
    "rosso": "d7263d",
    "rossa": "d7263d",
    "orange": "f18f01",
    "yellow": "f5c945",
    "giallo": "f5c945",
    "green": "3a9d5d",
    "verde": "3a9d5d",
    "teal": "17828f",
    "blue": "2660a4",
    "blu": "2660a4",
    "purple": "7b4bb0",
    "violet": "7b4bb0",
    "pink": "f178a0",
    "gold": "d9a441",
    "brown": "7a4b32",
    "black": "20222b",
    "white": "f6f3ea",
}


def choose(words: Collection[str], rng: Random) -> Palette:
    """The palette for a prompt's words; for words that say nothing of colour, one of them by chance."""
    moods = [_MOOD_OF[word] for word in words if word in _MOOD_OF]
    # The first word decides, but night falls whatever else is said: "a sunny street at night".
    mood = next((each for each in ("neon", "night", "dusk") if each in moods), moods[0] if moods else "")
    shift = rng.uniform(-_HUE_SHIFT, _HUE_SHIFT)
    *sky, far, near, light, accent = (
        _turned(rgb(each), shift) for each in _MOODS[mood or rng.choice(list(_MOODS))].split()
    )
    named = [rgb(_NAMED[word]) for word in words if word in _NAMED]
    return Palette(tuple(sky), far, near, light, named[0] if named else accent)


def rgb(text: str) -> Colour:
    """A colour from six hexadecimal digits."""
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """A colour between two; `share` is the second's, from 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def ramp(colours: tuple[Colour, ...], at: float) -> Colour:
    """The colour at a place, from 0 to 1, on the way through some colours."""
    place = min(max(at, 0.0), 1.0) * (len(colours) - 1)
    step = min(int(place), len(colours) - 2)
    return mix(colours[step], colours[step + 1], place - step)


def _turned(colour: Colour, shift: float) -> Colour:
    hue, saturation, value = colorsys.rgb_to_hsv(*(each / 255 for each in colour))
    red, green, blue = (round(each * 255) for each in colorsys.hsv_to_rgb((hue + shift) % 1, saturation, value))
    return red, green, blue
