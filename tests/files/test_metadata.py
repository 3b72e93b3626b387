"""Pictures are sent without position, camera and owner; what is seen of them stays as it is."""

import io
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from tests.files.actions import read, refused_input
from tests.files.samples import GIF_BYTES, JPEG_BYTES, PNG_BYTES, WEBP_BYTES
from tests.support import MakeSettings, ScriptedTransport, answer, base64_text, connected, fields, form
from webvoice_mcp.errors import UnsupportedMedia
from webvoice_mcp.files import Files, count_pixels, pieces
from webvoice_mcp.files.kinds import sniff
from webvoice_mcp.files.metadata import without_metadata
from webvoice_mcp.files.pieces import MalformedPicture, Piece

pytestmark = pytest.mark.usefixtures("made_out")

SECRET = b"SECRET-OWNER"
GPS = 0x8825
ORIENTATION = 0x0112
TAIL = b"\xff\xd9" + SECRET


def exif(orientation: int | None = None) -> Image.Exif:
    data = Image.Exif()
    data[0x013B] = SECRET.decode()  # artist
    if orientation is not None:
        data[ORIENTATION] = orientation
    data[GPS] = {1: "N", 2: (47.0, 22.0, 11.0), 3: "E", 4: (8.0, 32.0, 30.0)}
    return data


def picture(form: str, orientation: int | None = None, mode: str = "RGB", **options: Any) -> bytes:
    """Return a picture with metadata of every kind that Pillow can write."""
    file = io.BytesIO()
    image = Image.effect_noise((37, 23), 60).convert(mode)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if form == "PNG":
        info = PngInfo()
        info.add_text("Author", SECRET.decode())
        info.add_itxt("XML:com.adobe.xmp", SECRET.decode())
        info.add_text("Comment", SECRET.decode(), zip=False)
        options["pnginfo"] = info
    else:
        options["xmp"] = b"<x:xmpmeta>" + SECRET
    if form == "JPEG":
        options["comment"] = SECRET
    image.save(file, form, exif=exif(orientation), icc_profile=profile, **options)
    return file.getvalue()


def sent(content: bytes) -> bytes:
    """Return what is sent of a picture."""
    file = io.BytesIO(content)
    kind = sniff(file)
    assert kind is not None
    return joined(content, without_metadata(file, kind))


def joined(content: bytes, parts: tuple[Piece, ...]) -> bytes:
    return b"".join(piece if isinstance(piece, bytes) else content[piece.start : piece.end] for piece in parts)


def same_picture(one: bytes, other: bytes) -> bool:
    with Image.open(io.BytesIO(one)) as first, Image.open(io.BytesIO(other)) as second:
        frames = range(getattr(first, "n_frames", 1))
        assert len(frames) == getattr(second, "n_frames", 1)
        return first.info.get("icc_profile") == second.info.get("icc_profile") and all(
            frame_of(first, number) == frame_of(second, number) for number in frames
        )


def frame_of(image: Image.Image, number: int) -> tuple[str, bytes]:
    image.seek(number)
    return image.mode, image.tobytes()


FORMS = {
    "JPEG": {"form": "JPEG"},
    "progressive JPEG": {"form": "JPEG", "progressive": True},
    "grey JPEG": {"form": "JPEG", "mode": "L"},
    "CMYK JPEG": {"form": "JPEG", "mode": "CMYK"},
    "JPEG with restarts": {"form": "JPEG", "restart_marker_blocks": 1},
    "PNG": {"form": "PNG"},
    "PNG with a palette": {"form": "PNG", "mode": "P"},
    "PNG with transparency": {"form": "PNG", "mode": "RGBA"},
    "animated PNG": {"form": "PNG", "save_all": True, "append_images": [Image.new("RGB", (37, 23), "red")]},
    "WebP": {"form": "WEBP"},
    "lossless WebP": {"form": "WEBP", "lossless": True},
    "WebP with transparency": {"form": "WEBP", "mode": "RGBA"},
    "animated WebP": {"form": "WEBP", "save_all": True, "append_images": [Image.new("RGB", (37, 23), "red")]},
}


@pytest.mark.parametrize("options", FORMS.values(), ids=FORMS)
def test_a_picture_loses_its_metadata_and_nothing_else(options: dict[str, Any]) -> None:
    for orientation in (None, 1, 6, 9):
        before = picture(orientation=orientation, **options)
        after = sent(before)
        assert SECRET in before
        assert SECRET not in after
        assert same_picture(before, after)
        with Image.open(io.BytesIO(after)) as image:
            assert dict(image.getexif()) == ({ORIENTATION: 6} if orientation == 6 else {})
        assert sent(after) == after  # nothing more is to be taken out


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_without_metadata_is_sent_as_it_is(form: str) -> None:
    file = io.BytesIO()
    Image.effect_noise((37, 23), 60).save(file, form)
    content = file.getvalue()
    assert without_metadata(io.BytesIO(content), _kind(content)) == ((0, len(content)),)


def test_what_follows_the_end_of_a_picture_is_not_sent() -> None:
    for name in ("JPEG", "PNG", "WEBP"):
        content = picture(name)
        assert sent(content + SECRET * 100) == sent(content)
    trailer = picture("JPEG")
    assert sent(trailer + trailer) == sent(trailer)  # as phones append previews and films


def test_other_kinds_and_plain_pictures_are_sent_as_they_are() -> None:
    for content in (GIF_BYTES, JPEG_BYTES, PNG_BYTES, WEBP_BYTES, PNG_BYTES[:-12], JPEG_BYTES[:-2]):
        assert sent(content) == content


def test_a_stump_without_a_picture_is_sent_as_it_is() -> None:
    damaged = [b"\xff\xd8\xff\xe0" + size + bytes(20) for size in (b"", b"\x7f\xff")]
    for content in (PNG_BYTES[:40], *damaged):
        assert sent(content) == content


def test_previews_inside_the_headers_of_a_jpeg_are_left_out() -> None:
    plain = JPEG_BYTES[20:]
    jfif = b"JFIF\x00\x01\x02\x00\x00\x48\x00\x48"
    adobe = b"Adobe\x00\x64\x00\x00\x00\x00\x01"
    for name, kept in ((b"\x03\x01", jfif + b"\x00\x00"), (b"", jfif[:9])):
        content = jfif + name + SECRET if name else jfif[:9]
        assert sent(b"\xff\xd8" + segment(0xE0, content) + plain) == b"\xff\xd8" + segment(0xE0, kept) + plain
    for content in (adobe, adobe + SECRET):
        assert sent(b"\xff\xd8" + segment(0xEE, content) + plain) == b"\xff\xd8" + segment(0xEE, adobe) + plain


def orientation_alone(value: int) -> bytes:
    """Return Exif data whose only field is the orientation."""
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, value, 0, 0)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(("first", "second", "shown"), [(1, 6, 1), (8, 3, 8)])
def test_of_several_orientations_the_first_counts(name: str, first: int, second: int, shown: int) -> None:
    data = [orientation_alone(turned) for turned in (first, second)]
    content = {
        "JPEG": JPEG_BYTES[:2] + b"".join(segment(0xE1, b"Exif\x00\x00" + item) for item in data) + JPEG_BYTES[2:],
        "PNG": PNG_BYTES[:33] + b"".join(png_chunk(b"eXIf", item) for item in data) + PNG_BYTES[33:],
        "WEBP": riff((b"VP8X", bytes(10)), (b"VP8 ", b"ab"), *((b"EXIF", item) for item in data)),
    }[name]
    found = [turned for turned in range(2, 9) if orientation_alone(turned) in sent(content)]
    assert found == [turned for turned in [shown] if turned != 1]


def _kind(content: bytes) -> Any:
    return sniff(io.BytesIO(content))


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def jpeg_segments(content: bytes) -> Iterator[bytes]:
    """Yield the segments before the scan."""
    position = 2
    while content[position + 1] != 0xDA:
        end = position + 2 + int.from_bytes(content[position + 2 : position + 4], "big")
        yield content[position:end]
        position = end


PLAIN = b""
_file = io.BytesIO()
Image.effect_noise((37, 23), 60).save(_file, "JPEG")
PLAIN = _file.getvalue()

DAMAGED = {name: picture(name, 6) for name in ("JPEG", "PNG", "WEBP")}

METADATA = [
    segment(0xE1, b"Exif\x00\x00" + SECRET),
    segment(0xE1, b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xff" + SECRET),
    segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + SECRET),
    segment(0xE1, b"http://ns.adobe.com/xmp/extension/\x00" + SECRET),
    segment(0xED, b"Photoshop 3.0\x00" + SECRET),
    segment(0xE0, b"JFXX\x00" + SECRET),
    segment(0xE2, b"MPF\x00" + SECRET),
    segment(0xE2, b"FPXR\x00" + SECRET),
    segment(0xEE, b"Other" + SECRET),
    segment(0xEF, SECRET),
    segment(0xFE, SECRET),
    segment(0xEB, b"JP" + SECRET),
    segment(0xF0, SECRET),
    b"\xff\xff\xff" + segment(0xFE, SECRET),
    SECRET,
    b"\xff\x01" + SECRET,
]


@given(st.lists(st.tuples(st.sampled_from(METADATA), st.integers(1, 20)), max_size=20), st.data())
def test_metadata_are_found_wherever_they_are_in_a_jpeg(added: list[tuple[bytes, int]], data: st.DataObject) -> None:
    parts = list(jpeg_segments(PLAIN))
    rest = PLAIN[2 + sum(map(len, parts)) :]
    expected = b"\xff\xd8" + b"".join(parts) + rest
    for metadata, place in added:
        parts.insert(place, metadata)
    whole = b"\xff\xd8" + b"".join(parts) + rest
    assert sent(whole + data.draw(st.sampled_from([b"", SECRET, whole]))) == expected
    cut = whole[: data.draw(st.integers(4, len(whole)))]
    with suppress(MalformedPicture):
        if b"\xff\xda" in cut:
            assert SECRET not in sent(cut)
        else:  # nothing to show: it is sent if nothing in it is known as metadata
            assert sent(cut) == cut


def test_segments_between_the_scans_of_a_jpeg_are_left_out_too() -> None:
    file = io.BytesIO()
    Image.effect_noise((37, 23), 60).save(file, "JPEG", progressive=True)
    content = file.getvalue()
    second = content.index(b"\xff\xda", content.index(b"\xff\xda") + 2)
    assert sent(content[:second] + segment(0xFE, SECRET) + content[second:]) == content


def test_markers_without_content_are_skipped_and_another_start_ends_a_jpeg() -> None:
    assert sent(b"\xff\xd8\xff\xd0\xff\x01" + PLAIN[2:]) == PLAIN
    assert sent(PLAIN[:-2] + PLAIN) == PLAIN[:-2]


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@given(
    st.lists(st.tuples(st.sampled_from(b"tEXt zTXt iTXt eXIf tIME caBX prVt XXXX".split()), st.integers(1, 4))),
    st.integers(8, 10_000),
)
def test_metadata_are_found_wherever_they_are_in_a_png(added: list[tuple[bytes, int]], cut: int) -> None:
    header, data, end = PNG_BYTES[:33], PNG_BYTES[33:-12], PNG_BYTES[-12:]
    parts = [header, png_chunk(b"gAMA", b"1234"), data, end]
    expected = b"".join(parts)
    for name, place in sorted(added, key=lambda pair: -pair[1]):
        if place < 4:
            parts.insert(place, png_chunk(name, SECRET))
        else:
            parts.append(png_chunk(name, SECRET))
    whole = b"".join(parts)
    assert sent(whole) == expected
    with suppress(MalformedPicture):
        assert SECRET not in sent(whole[: max(40, cut)])


def test_only_the_first_orientation_counts() -> None:
    turned = png_chunk(b"eXIf", b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x03\x00\x00")
    content = PNG_BYTES[:33] + turned + turned.replace(b"\x00\x03\x00\x00", b"\x00\x06\x00\x00") + PNG_BYTES[33:]
    with Image.open(io.BytesIO(sent(content))) as image:
        assert image.getexif()[ORIENTATION] == 3


def riff(*chunks: tuple[bytes, bytes], size: int | None = None) -> bytes:
    content = b"".join(name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(content) if size is None else size) + b"WEBP" + content


TURNED = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x08\x00\x00\x00"


def test_the_sizes_and_flags_of_a_webp_fit_what_is_sent() -> None:
    shown = (b"VP8 ", b"123")
    extended = (b"VP8X", b"\x3c\x00\x00\x00" + bytes(6))
    clean = (b"VP8X", b"\x30\x00\x00\x00" + bytes(6))
    with_exif = (b"VP8X", b"\x38\x00\x00\x00" + bytes(6))
    kept = (b"EXIF", b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00")
    secret, xmp = (b"EXIF", SECRET), (b"XMP ", SECRET)
    samples = [
        (riff(shown), riff(shown)),
        (riff(shown, secret), riff(shown)),
        (riff(extended, shown, secret, xmp), riff(clean, shown)),
        (riff(extended, (b"EXIF", TURNED), shown, (b"EXIF", TURNED)), riff(with_exif, shown, kept)),
        (riff(extended, (b"EXIF", TURNED), shown)[:-1], riff(with_exif, shown, kept)),
        (riff(extended, shown) + SECRET, riff(clean, shown)),
        (riff(shown, (b"ABCD", SECRET), shown), riff(shown, shown)),
        (riff(shown) + bytes(8), riff(shown)),
    ]
    for content, expected in samples:
        assert sent(content) == expected


def test_a_damaged_picture_with_metadata_is_not_sent() -> None:
    samples = [
        b"\xff\xd8" + METADATA[0],
        b"\xff\xd8" + METADATA[0][:-3],
        PNG_BYTES[:33] + png_chunk(b"tEXt", SECRET),
        riff((b"VP8X", bytes(10)), (b"EXIF", SECRET), (b"VP8 ", b"")),
    ]
    for content in samples:
        with pytest.raises(MalformedPicture):
            sent(content)


@given(st.sampled_from(["JPEG", "PNG", "WEBP"]), st.integers(12, 500), st.binary(max_size=40), st.booleans())
def test_any_damaged_picture_is_sent_or_refused(name: str, position: int, noise: bytes, replaces: bool) -> None:
    whole = DAMAGED[name]
    content = whole[:position] + noise + whole[position + len(noise) * replaces :]
    if _kind(content) is not None:
        with suppress(MalformedPicture):
            assert len(sent(content)) <= len(content) + 100
        count_pixels(content)


def test_a_picture_of_too_many_parts_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("_jpeg", "_png", "_webp"):
        monkeypatch.setattr(f"webvoice_mcp.files.{module}.MAX_PARTS", 5)
    many = [
        b"\xff\xd8" + segment(0xFE, b"") * 6 + PLAIN[2:],
        PNG_BYTES[:33] + png_chunk(b"tEXt", b"") * 6 + PNG_BYTES[33:],
        riff((b"VP8X", bytes(10)), *[(b"EXIF", b"")] * 6),
    ]
    for content in many:
        with pytest.raises(MalformedPicture):
            sent(content)
    assert count_pixels(many[0]) is None

    monkeypatch.setattr("webvoice_mcp.files._jpeg.MAX_PARTS", 1000)
    monkeypatch.setattr(pieces, "_MAX_PIECES", 5)
    with pytest.raises(MalformedPicture):
        sent(b"\xff\xd8" + (segment(0xFE, b"") + segment(0xDD, b"12")) * 6 + PLAIN[2:])


def test_a_long_scan_is_followed_to_its_end() -> None:
    scan = b"\xff\xda\x00\x02" + b"\x01\xff\x00\xff\xd0\xff" * 700_000 + b"\x00\xff\xd9"
    content = b"\xff\xd8" + segment(0xFE, SECRET) + scan
    assert sent(content + SECRET) == b"\xff\xd8" + scan


# As it is sent


async def test_a_damaged_picture_is_refused_in_one_sentence(files: Files, out: Path) -> None:
    (out / "a.jpg").write_bytes(b"\xff\xd8" + METADATA[0])
    assert await refused_input(UnsupportedMedia, files, "a.jpg", "image") == (
        "audio_path: a.jpg is damaged, so that position, camera and owner cannot be taken out of it."
        " Save the picture anew with a picture program."
    )


async def test_the_service_gets_the_picture_without_its_position(make_settings: MakeSettings, out: Path) -> None:
    content = picture("JPEG", 6)
    (out / "a.jpg").write_bytes(content)
    edited = {"success": True, "image": base64_text(PNG_BYTES), "credits_used": 1}
    service = ScriptedTransport(answer(edited), answer(edited))
    async with connected(make_settings(), service) as client:
        for images in (["a.jpg"], ["a.jpg", "https://example.com/a.png"]):
            fields(await client.call_tool("webvoice_image_to_image", {"prompt": "x", "images": images}))
    parts = {name: part for name, *_, part in form(service.requests[0], service.bodies[0])}
    assert sent(content) in parts.values()
    assert base64_text(sent(content)).encode() in service.bodies[1]
    for request, body in zip(service.requests, service.bodies, strict=True):
        assert int(request.headers["content-length"]) == len(body)
    assert (out / "a.jpg").read_bytes() == content


async def test_a_large_picture_is_sent_in_blocks(files: Files, out: Path) -> None:
    data = png_chunk(b"IDAT", os.urandom(5 << 20))
    (out / "a.png").write_bytes(PNG_BYTES[:33] + png_chunk(b"tEXt", SECRET) + data + PNG_BYTES[-12:])
    assert await read(files, "a.png", "image") == PNG_BYTES[:33] + data + PNG_BYTES[-12:]


# Dimensions


def test_pixels_are_counted_without_decoding() -> None:
    def made(form: str, **options: Any) -> bytes:
        file = io.BytesIO()
        Image.new("RGB", (70, 30)).save(file, form, **options)
        return file.getvalue()

    pictures = {
        "PNG": made("PNG"),
        "JPEG": made("JPEG"),
        "progressive": made("JPEG", progressive=True),
        "GIF": made("GIF"),
        "WebP": made("WEBP"),
        "lossless": made("WEBP", lossless=True),
        "extended": made("WEBP", exif=exif()),
    }
    assert {name: count_pixels(content) for name, content in pictures.items()} == dict.fromkeys(pictures, 2100)
    jpegs = (JPEG_BYTES, b"\xff\xd8" + segment(0xFE, b"x"), b"\xff\xd8\xff\xda\x00\x02")
    unknown = (b"", b"text", *jpegs, riff((b"VP8", b"")).replace(b"VP8", b"VP8?"))
    assert [count_pixels(content) for content in unknown] == [None] * 6
