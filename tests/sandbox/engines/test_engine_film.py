"""Films that the real engine makes."""

import io
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.media import LINK, Film, decode_film, picture
from webvoice_mcp.sandbox.engines import InvalidInput, film
from webvoice_mcp.sandbox.engines.film import FilmInput

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(
        not (find_spec("av") and find_spec("PIL") and find_spec("resvg_py")), reason="the extra is not installed"
    ),
]

_COMMENT = "WEBVOICE SANDBOX - procedural, not AI generated (sandbox:ken-burns-1)"
_LINES = 120  # small, so that the tests are fast


def _shades(data: bytes) -> list[float]:
    """Return the brightness of each frame."""
    av: Any = import_module("av")
    stat: Any = import_module("PIL.ImageStat")
    with av.open(io.BytesIO(data)) as container:
        return [stat.Stat(frame.to_image().convert("L")).mean[0] for frame in container.decode(video=0)]


def _loudness(data: bytes) -> list[int]:
    """Return the loudest sample in each frame of the sound."""
    av: Any = import_module("av")
    with av.open(io.BytesIO(data)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono")
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return [max(map(abs, memoryview(bytes(frame.planes[0])).cast("h")[: frame.samples])) for frame in frames]


@pytest.mark.parametrize("seconds", [2, 15])
def test_a_film_has_exactly_the_requested_length(seconds: int) -> None:
    silent, sounding = (film.render(FilmInput("a lake"), seconds, _LINES, 1.0, sound=sound) for sound in (False, True))
    codec, frames = ("h264", "yuv420p"), seconds * 24
    assert decode_film(silent) == Film((120, 120), codec, seconds, frames, None, _COMMENT, indexed=True)
    assert decode_film(sounding) == Film((120, 120), codec, seconds, frames, ("aac", seconds), _COMMENT, indexed=True)


@pytest.mark.parametrize(
    ("lines", "ratio", "size"),
    [
        (720, 16 / 9, (1280, 720)),
        (1080, 9 / 16, (1080, 1920)),
        (720, 50.0, (1680, 720)),
    ],
)
def test_the_frame_size_comes_from_lines_and_ratio(lines: int, ratio: float, size: tuple[int, int]) -> None:
    assert film.frame_size(lines, ratio) == size


@given(st.sampled_from([720, 1080]), st.floats(1e-3, 1e3))
def test_sides_of_a_frame_are_even(lines: int, ratio: float) -> None:
    width, height = film.frame_size(lines, ratio)
    assert (width % 2, height % 2, min(width, height)) == (0, 0, lines)


@pytest.mark.parametrize(
    ("source", "size"),
    [(None, (214, 120)), (LINK, (120, 120)), ("upright", (120, 180))],
)
def test_without_a_ratio_the_film_has_the_pictures_own(source: str | None, size: tuple[int, int]) -> None:
    given_in = picture((40, 60)) if source == "upright" else source
    made = film.render(FilmInput("a lake", given_in), 2, _LINES, None, sound=False)
    assert decode_film(made).size == size


def test_the_same_input_gives_the_same_film() -> None:
    film_input = FilmInput("a lake", seed=4)
    first = film.render(film_input, 2, _LINES, 1.0, sound=True)
    assert first == film.render(film_input, 2, _LINES, 1.0, sound=True)
    assert first != film.render(film_input._replace(seed=5), 2, _LINES, 1.0, sound=True)
    assert first != film.render(film_input._replace(references=(LINK,)), 2, _LINES, 1.0, sound=True)


def test_the_film_shows_the_picture_that_was_sent() -> None:
    shades = _shades(film.render(FilmInput("night", picture(colour="white")), 2, _LINES, 1.0, sound=False))
    assert len(shades) == 48
    assert min(shades) > 215  # white except for the mark


def test_the_last_picture_fades_in_towards_the_end() -> None:
    shades = _shades(film.render(FilmInput("", picture(colour="white"), last=LINK), 2, _LINES, 1.0, sound=False))
    assert min(shades[:28]) > 215
    assert shades[47] < shades[40] < shades[34] < shades[28]


def test_the_sound_fades_in_and_out() -> None:
    loud = _loudness(film.render(FilmInput("a lake"), 5, _LINES, 1.0, sound=True))
    assert max(loud[0], loud[-1]) < 600 < 3000 < max(loud[40:80]) < 20_000


def test_bytes_other_than_a_picture_are_refused() -> None:
    with pytest.raises(InvalidInput, match="Send PNG, JPEG, WebP or GIF"):
        film.render(FilmInput("a lake", b"no picture"), 2, _LINES, None, sound=False)
