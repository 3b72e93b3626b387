"""Pictures, drawn by the real engine."""

import io
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.media import LINK
from webvoice_mcp.sandbox.engines import picture, town
from webvoice_mcp.sandbox.engines.objects import THINGS

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(find_spec("PIL") is None, reason="the extra is not installed"),
]

_SMALL = (256, 256)
_CLAIM = "WEBVOICE SANDBOX - procedural, not AI generated"


def opened(data: bytes) -> Any:
    from PIL import Image  # noqa: PLC0415 - of the extra, which may be missing

    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("size", [(1024, 1024), (256, 1536), (1536, 256), (2048, 2048), (301, 257)])
@pytest.mark.parametrize(("kind", "name"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_a_picture_has_the_size_and_kind_that_was_asked_for(size: tuple[int, int], kind: str, name: str) -> None:
    image = opened(picture.paint("hills", size, kind=kind))
    assert (image.size, image.format, image.mode) == (size, name, "RGB")


def test_metadata_name_the_sandbox() -> None:
    png = opened(picture.paint("hills", _SMALL))
    assert png.text == {"Software": "webvoice-mcp sandbox:procedural-1", "Comment": _CLAIM}
    for kind in ("jpeg", "webp"):
        exif = opened(picture.paint("hills", _SMALL, kind=kind)).getexif()
        assert dict(exif) == {0x0131: "webvoice-mcp sandbox:procedural-1", 0x010E: _CLAIM}
    assert opened(picture.paint("hills", _SMALL, kind="jpeg")).info["comment"] == _CLAIM.encode()


def test_the_mark_is_written_across_the_foot() -> None:
    image = opened(picture.paint("white snow", (1024, 1024)))
    foot = [image.getpixel((x, 1002)) for x in range(1024)]
    assert min(sum(each) for each in foot) < 200
    assert max(sum(each) for each in foot[20:560]) > 600  # the letters


def test_prompt_and_seed_decide_alone() -> None:
    first = [picture.paint("a quiet lake", _SMALL, seed=seed) for seed in (None, 0, 1, 2**64, -1)]
    again = [picture.paint("a quiet lake", _SMALL, seed=seed) for seed in (None, 0, 1, 2**64, -1)]
    assert first == again
    assert len({*first, picture.paint("a quiet pond", _SMALL)}) == 6


def test_threads_do_not_disturb_each_other() -> None:
    prompts = ["city at night", "forest in the rain", "portrait", "abstract"] * 3
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda prompt: picture.paint(prompt, _SMALL), prompts))
    assert together == [picture.paint(prompt, _SMALL) for prompt in prompts]


@pytest.mark.parametrize("words", [*picture._PARTS.values(), "abstract", "storm", "snowfall", "blizzard at night"])
def test_every_part_is_drawn_in_its_light(words: str) -> None:
    for light in ("noon", "midnight", "neon"):
        assert opened(picture.paint(f"{words} {light}", _SMALL, seed=1)).size == _SMALL


@pytest.mark.parametrize("thing", sorted({thing.draw.__name__: word for word, thing in THINGS.items()}.values()))
def test_every_thing_changes_the_picture(thing: str) -> None:
    assert picture.draw(f"{thing} sea", _SMALL).tobytes() != picture.draw("xyzzy sea", _SMALL).tobytes()
    assert picture.draw(thing, _SMALL).size == _SMALL


def test_words_that_say_nothing_still_give_different_pictures() -> None:
    assert len({picture.paint("xyzzy", _SMALL, seed=seed) for seed in range(20)}) == 20


def test_words_with_accents_are_understood() -> None:
    assert picture._called(picture._words("Città al tramonto")) == [town.city]


def test_a_colours_name_colours_the_thing() -> None:
    red, blue = (picture.draw(f"{colour} bicycle on a street", (512, 512), 3) for colour in ("red", "blue"))
    assert (215, 38, 61) in [pixel for _, pixel in red.getcolors(2**18)]
    assert (38, 96, 164) in [pixel for _, pixel in blue.getcolors(2**18)]


def test_references_are_shown_small_and_a_stand_in_says_what_it_is() -> None:
    links = [LINK] * 6  # four fit
    one, many = (picture.paint("hills", (512, 512), references=each) for each in (links[:1], links))
    assert len({one, many, picture.paint("hills", (512, 512)), picture.paint("hills", (512, 512), references=[])}) == 3
    assert picture.stand_in(LINK).tobytes() != picture.draw(LINK, (1024, 1024)).tobytes()


@pytest.mark.parametrize("prompt", ["日本の山", "🙂", "\x00\x01", "a" * 9000, "W" * 30, " ".join(THINGS)])
def test_any_prompt_can_be_written_beside_the_mark(prompt: str) -> None:
    for size in (_SMALL, (1536, 256), (2048, 256)):
        assert opened(picture.paint(prompt, size)).size == size


@given(st.text(max_size=40), st.one_of(st.none(), st.integers()))
@settings(deadline=None, max_examples=30)
def test_any_prompt_and_seed_give_a_picture(prompt: str, seed: int | None) -> None:
    assert picture.draw(prompt, _SMALL, seed).size == _SMALL
