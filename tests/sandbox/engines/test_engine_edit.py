"""Pictures that the real engine reads and edits."""

import io
import struct
import zlib
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.engines.test_engine_picture import opened
from tests.sandbox.media import LINK, picture
from webvoice_mcp.sandbox.engines import InvalidInput, edit, raster
from webvoice_mcp.sandbox.engines import picture as drawing

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(not (find_spec("PIL") and find_spec("resvg_py")), reason="the extra is not installed"),
]

_SIZE = (320, 256)
_PROMPTS = (
    "Replace the background with a city",
    "blur it",
    "flip it",
    "as a cartoon",
    "pencil sketch",
    "pixel art",
    "black and white",
    "vintage sepia",
    "brighter",
    "darker",
    "put a border around it",
    "tint it #FF8800",
    "make it purple",
    'add the text "Hello"',
    "sepia sketch",
    "something that no filter knows",
)


def _scene() -> bytes:
    return drawing.render("A red bicycle on a street", (400, 300), kind="jpeg")


def _header(width: int, height: int, rows: bytes = b"") -> bytes:
    """Return a small PNG file whose header declares this size."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    packed = b"IDAT" + zlib.compress(rows)
    chunks = [
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (body, packed)
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _edited(colour: str, prompt: str) -> tuple[int, int, int]:
    """Return the colour of a pixel in a picture of one colour after an edit."""
    pixel: tuple[int, int, int] = opened(edit.edit([picture(colour=colour)], prompt, _SIZE)).getpixel((40, 60))
    return pixel


def test_each_change_always_gives_its_own_picture() -> None:
    scene = _scene()
    made = [edit.edit([scene], prompt, _SIZE) for prompt in _PROMPTS]
    assert [edit.edit([scene], prompt, _SIZE) for prompt in _PROMPTS] == made
    assert len(set(made)) == len(_PROMPTS)
    assert {opened(file).size for file in made} == {_SIZE}


def test_colour_brightness_and_grey_change_as_requested() -> None:
    red, green, blue = _edited("grey", "#ff0000")
    assert red > 180 > 80 > green == blue
    red, green, blue = _edited("grey", "make it blue")
    assert blue > 180 > 80 > green == red
    assert _edited("rgb(64, 64, 64)", "brighter") > (64, 64, 64) > _edited("rgb(64, 64, 64)", "darker")
    assert len(set(_edited("#ff8040", "black and white"))) == 1


def test_a_colour_can_be_drawn_after_it_was_a_tint() -> None:
    before = drawing.render("a tomato heart", _SIZE)
    edit.edit([before], "make it tomato", _SIZE)
    assert drawing.render("a tomato heart", _SIZE) == before


def test_a_flip_swaps_left_and_right() -> None:
    halves = [picture(colour="red"), picture(colour="blue")]
    image = opened(edit.edit(halves, "flip it", _SIZE))
    assert [image.getpixel((x, 100)) for x in (10, 310)] == [(0, 0, 255), (255, 0, 0)]


@pytest.mark.parametrize("count", [1, 4])
def test_up_to_four_pictures_share_the_page(count: int) -> None:
    colours = ["#ff0000", "#00ff00", "#0000ff", "#ffff00"][:count]
    image = opened(edit.edit([picture(colour=colour) for colour in colours], "flip", _SIZE))
    seen = {image.getpixel((x, y)) for x in range(0, 320, 10) for y in range(0, 240, 10)}
    assert len(seen) == count


def test_an_address_gets_a_stand_in_and_is_not_fetched() -> None:
    first = edit.edit([LINK], "sepia", _SIZE)
    assert first == edit.edit([LINK], "sepia", _SIZE) != edit.edit([f"{LINK}?2"], "sepia", _SIZE)


def test_the_seed_chooses_the_new_background() -> None:
    scene = _scene()
    prompts = ("replace the background", "sepia")
    changed = [edit.edit([scene], text, _SIZE, seed=1) != edit.edit([scene], text, _SIZE, seed=2) for text in prompts]
    assert changed == [True, False]


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "1"), ("JPEG", "CMYK"), ("WEBP", "RGB"), ("GIF", "P")])
def test_accepted_kinds_are_read_in_all_colour_modes(kind: str, mode: str) -> None:
    from PIL import Image  # noqa: PLC0415 - of the extra, which may be missing

    file = io.BytesIO()
    Image.new(mode, (30, 20)).save(file, kind)
    assert (raster.read(file.getvalue()).size, raster.read(file.getvalue()).mode) == ((30, 20), "RGB")


def test_a_picture_is_turned_upright_and_transparency_becomes_white() -> None:
    from PIL import Image  # noqa: PLC0415 - of the extra, which may be missing

    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held on its side
    assert raster.read(picture((60, 40), "JPEG", exif=turned)).size == (40, 60)
    file = io.BytesIO()
    Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(file, "PNG")
    assert raster.read(file.getvalue()).getpixel((5, 5)) == (255, 255, 255)


def test_a_large_picture_is_scaled_down_first() -> None:
    assert raster.read(picture((6000, 3000))).size == (2560, 1280)


@pytest.mark.parametrize(("width", "height"), [(8001, 8000), (15_000, 15_000)])
def test_a_small_file_with_very_many_pixels_is_refused(width: int, height: int) -> None:
    with pytest.raises(InvalidInput, match="more than 64 million pixels"):
        raster.read(_header(width, height))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", id="eps"),
        pytest.param(_header(50, 50, bytes(20)), id="png that ends early"),
        pytest.param(b"\xff\xd8\xff\xe0" + bytes(40), id="start of a jpeg"),
    ],
)
def test_files_other_than_accepted_pictures_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="Send PNG, JPEG, WebP or GIF"):
        edit.edit([data], "sepia", _SIZE)


@given(st.binary(max_size=300), st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]), st.integers(0, 400))
@settings(deadline=None)
def test_any_bytes_are_read_or_refused(noise: bytes, kind: str, at: int) -> None:
    whole = picture((9, 7), kind)
    for data in (noise, whole[:at] + noise, whole[:at] + noise + whole[at + len(noise) :]):
        seen: Any = None
        try:
            seen = raster.read(data)
        except InvalidInput:
            continue
        assert seen.mode == "RGB"
