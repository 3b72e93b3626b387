"""Pictures that the real engine draws."""

import io
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.media import LINK
from webvoice_mcp.sandbox.engines import EngineUnavailable, picture

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(not (find_spec("PIL") and find_spec("resvg_py")), reason="the extra is not installed"),
]

_SMALL = (256, 256)
_CLAIM = "WEBVOICE SANDBOX - procedural, not AI generated"
_SUBJECTS = (
    *("bicycle", "boat", "balloon", "lighthouse", "house", "tree", "cat", "dog", "car", "birds", "rocket", "planet"),
    *("portrait", "robot", "burger", "cup", "flower", "fish", "heart", "star"),
)
_SCENES = (
    "mountains",
    "hills",
    "city",
    "street",
    "forest",
    "lake",
    "city bay",
    "abstract",
    "rain",
    "snow",
    "space",
    "star",
)


def opened(data: bytes) -> Any:
    """Return the picture in a file, completely decoded."""
    from PIL import Image  # noqa: PLC0415 - of the extra, which may be missing

    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize(
    ("size", "kind", "name"),
    [
        ((301, 257), "png", "PNG"),
        ((256, 2048), "jpeg", "JPEG"),
        ((2048, 256), "webp", "WEBP"),
    ],
)
def test_a_picture_has_the_requested_size_and_kind(size: tuple[int, int], kind: str, name: str) -> None:
    image = opened(picture.render("hills", size, kind=kind))
    assert (image.size, image.format, image.mode) == (size, name, "RGB")


def test_metadata_name_the_sandbox() -> None:
    png = opened(picture.render("hills", _SMALL))
    assert png.text == {"Software": "webvoice-mcp sandbox:procedural-1", "Comment": _CLAIM}
    for kind in ("jpeg", "webp"):
        exif = opened(picture.render("hills", _SMALL, kind=kind)).getexif()
        assert dict(exif) == {0x0131: "webvoice-mcp sandbox:procedural-1", 0x010E: _CLAIM}
    assert opened(picture.render("hills", _SMALL, kind="jpeg")).info["comment"] == _CLAIM.encode()


def test_the_mark_is_written_across_the_bottom() -> None:
    image = opened(picture.render("white snow", (1024, 1024)))
    foot = [sum(image.getpixel((x, 1002))) for x in range(1024)]
    assert min(foot) < 200
    assert max(foot[20:560]) > 600  # the letters


def test_a_picture_depends_only_on_prompt_and_seed() -> None:
    first = [picture.render("a quiet lake", _SMALL, seed=seed) for seed in (None, 0, 1, 2**64, -1)]
    again = [picture.render("a quiet lake", _SMALL, seed=seed) for seed in (None, 0, 1, 2**64, -1)]
    assert first == again
    assert len({*first, picture.render("a quiet pond", _SMALL)}) == 6


def test_pictures_can_be_drawn_in_several_threads() -> None:
    prompts = ["city at night", "forest in the rain", "portrait", "abstract"] * 3
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda prompt: picture.render(prompt, _SMALL), prompts))
    assert together == [picture.render(prompt, _SMALL) for prompt in prompts]


@pytest.mark.parametrize("light", ["noon", "midnight"])
def test_each_scene_gives_its_own_picture(light: str) -> None:
    drawn = {picture.draw(f"{scene} {light}", _SMALL, 1).tobytes() for scene in _SCENES}
    assert len(drawn) == len(_SCENES)


def test_each_subject_gives_its_own_picture() -> None:
    drawn = {picture.draw(f"{subject} by the sea", _SMALL).tobytes() for subject in (*_SUBJECTS, "xyzzy")}
    assert len(drawn) == len(_SUBJECTS) + 1
    assert len({picture.draw(subject, _SMALL).tobytes() for subject in _SUBJECTS}) == len(_SUBJECTS)


def test_unknown_words_still_give_different_pictures() -> None:
    assert len({picture.render("xyzzy", _SMALL, seed=seed) for seed in range(20)}) == 20


def _share_of(image: Any, channel: int) -> float:
    from PIL import ImageStat  # noqa: PLC0415 - of the extra, which may be missing

    mean = ImageStat.Stat(image).mean
    return float(mean[channel] / sum(mean))


@pytest.mark.parametrize("prompt", ["a {} portrait", "{} hills in the morning"])
def test_the_name_of_a_colour_changes_the_subject_or_the_sky(prompt: str) -> None:
    red, blue = (picture.draw(prompt.format(colour), _SMALL, 3) for colour in ("red", "blue"))
    assert _share_of(red, 0) > _share_of(blue, 0)
    assert _share_of(blue, 2) > _share_of(red, 2)


def test_references_are_shown_and_a_stand_in_is_marked() -> None:
    links = [LINK] * 6  # four fit
    one, many = (picture.render("hills", (512, 512), references=shown) for shown in (links[:1], links))
    assert (
        len({one, many, picture.render("hills", (512, 512)), picture.render("hills", (512, 512), references=[])}) == 3
    )
    assert picture.stand_in(LINK).tobytes() != picture.draw(LINK, (1024, 1024)).tobytes()


@pytest.mark.parametrize("prompt", ["日本の山\x00\n\t\x01b", "W" * 9000])
def test_any_prompt_can_be_written_beside_the_mark(prompt: str) -> None:
    for size in (_SMALL, (2048, 256)):
        assert opened(picture.render(prompt, size)).size == size


def test_a_missing_drawing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(EngineUnavailable, match=r"resvg-py is not installed"):
        picture.draw("hills", _SMALL)


@given(st.text(max_size=40), st.one_of(st.none(), st.integers()))
@settings(deadline=None, max_examples=20)
def test_any_prompt_and_seed_give_a_picture(prompt: str, seed: int | None) -> None:
    assert picture.draw(prompt, _SMALL, seed).size == _SMALL
