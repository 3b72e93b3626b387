import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.files.samples import (
    FLAC_BYTES,
    FRAME,
    GIF_BYTES,
    JPEG_BYTES,
    MP3_BYTES,
    PNG_BYTES,
    WEBP_BYTES,
    box,
    mp4_bytes,
    wav_bytes,
)
from webvoice_mcp.files.kinds import FLAC, GIF, JPEG, M4A, MP3, MP4, PNG, TEXT, WAV, WEBP, Kind, sniff

ID3 = b"ID3\x04\x00\x00\x00\x00\x00\x05hello"
ID3_WITH_FOOTER = b"ID3\x04\x00\x10\x00\x00\x00\x05hello3DI\x04\x00\x10\x00\x00\x00\x05"
PADDED_FRAME = b"\xff\xfb\x92\x00" + bytes(414)  # a byte longer
MPEG_2_FRAME = b"\xff\xf3\x40\x00" + bytes(100)  # 32 kbit/s, 22.05 kHz
MPEG_25_FRAME = b"\xff\xe3\x44\x00" + bytes(188)  # 32 kbit/s, 12 kHz
ADTS_FRAME = b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)


def kind_of(content: bytes) -> Kind | None:
    return sniff(io.BytesIO(content))


def tag(size: bytes, *, version: int = 4, flags: int = 0) -> bytes:
    """An ID3 tag of that size (4 × 7 bits), full of bytes that are no sound."""
    length = int("".join(f"{byte:07b}" for byte in size), 2)
    return b"ID3" + bytes([version, 0, flags]) + size + b"\xee" * length


def movie(handler: bytes) -> bytes:
    return mp4_bytes(b"isom", handler).partition(box(b"mdat", bytes(100)))[2]


def wave_with(*chunks: bytes) -> bytes:
    return b"RIFF\xff\xff\xff\xffWAVE" + b"".join(chunks)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (MP3, MP3_BYTES),
        (MP3, FRAME),
        (MP3, FRAME + b"TAG" + bytes(125)),
        (MP3, ID3 + MP3_BYTES),
        (MP3, ID3 + bytes(1000) + MP3_BYTES),
        (MP3, ID3_WITH_FOOTER + MP3_BYTES),
        (MP3, ID3 + ID3 + MP3_BYTES),
        (MP3, ID3 * 8 + MP3_BYTES),
        (MP3, ID3 + bytes(64 * 1024) + MP3_BYTES),
        (MP3, tag(b"\x00\x00\x00\x7f", version=2) + FRAME),
        (MP3, tag(b"\x00\x00\x00\x05", version=3, flags=0x10) + FRAME),  # which has no footer
        (MP3, tag(b"\x00\x00\x00\x05", flags=0xEF) + FRAME),
        (MP3, tag(b"\x01\x02\x7f\x04") + FRAME),
        (MP3, PADDED_FRAME * 2),
        (MP3, MPEG_2_FRAME * 2),
        (MP3, MPEG_25_FRAME * 2),
        (WAV, wav_bytes()),
        (WAV, wave_with(b"JUNK\x03\x00\x00\x00abc\x00", b"fmt \x10\x00\x00\x00")),
        (FLAC, FLAC_BYTES),
        (FLAC, ID3 + FLAC_BYTES),
        (FLAC, FLAC_BYTES.replace(b"\x80", b"\x00")),
        (M4A, mp4_bytes(b"M4A ")),
        (M4A, mp4_bytes(b"M4B ", b"soun")),
        (M4A, mp4_bytes(b"isom", b"soun")),
        (M4A, mp4_bytes(b"iso5", b"text", b"soun")),
        (MP4, mp4_bytes(b"mp42", b"soun", b"vide")),
        (MP4, mp4_bytes(b"M4V ", b"vide")),
        (PNG, PNG_BYTES),
        (JPEG, JPEG_BYTES),
        (JPEG, b"\xff\xd8\xff\xc0" + bytes(20)),
        (WEBP, WEBP_BYTES),
        (GIF, GIF_BYTES),
        (GIF, b"GIF87a\x01\x00\x01\x00\x00\x00\x00," + bytes(10)),
        (GIF, b"GIF89a\x01\x00\x01\x00\xf7\x00\x00" + bytes(3 * 256) + b";"),
        (TEXT, b"Hello\r\n\tworld"),
        (TEXT, "Привет".encode()),
        (TEXT, b"ab" + "€".encode() * 50_000),  # a character lies across the place where the look ends
    ],
)
def test_a_kind_is_known_by_its_bytes(kind: Kind, content: bytes) -> None:
    assert kind_of(content) is kind


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        "Hello".encode("utf-16"),  # begins with FF FE, nearly a frame
        ADTS_FRAME * 3,
        b"\xff\xfb\x00\x00" * 200,  # free bit rate: the length cannot be known
        b"\xff\xfb\xf0\x00" * 200,  # no such bit rate
        b"\xff\xfb\x9c\x00" * 200,  # no such sample rate
        b"\xff\xeb\x90\x00" * 200,  # no such version
        b"\xff\xfb\x90\x02" * 200,  # no such emphasis
        (b"\xfe" + FRAME[1:]) * 2,
        (b"\xff\x1b" + FRAME[2:]) * 2,  # three of the eleven bits are missing
        FRAME + b"\x00" * 10,
        FRAME + b"\xff\xfb\x94\x00" + bytes(380),  # another sample rate
        FRAME + b"TAG",
        b"\xff\xfb",
        ID3,
        b"ID3\x04\x00\x00\x00\x00\x00\x85" + MP3_BYTES,  # a size that no tag can have
        b"ID3\x04\x00\x00\x00\x00\x00\x80" + bytes(128) + MP3_BYTES,
        tag(b"\x00\x00\x00\x05", version=1) + MP3_BYTES,
        tag(b"\x00\x00\x00\x05", version=5) + MP3_BYTES,
        ID3 + bytes(64 * 1024 + 1) + MP3_BYTES,
        ID3 * 9 + MP3_BYTES,
        b"fLaC\x01\x00\x00\x22" + bytes(34),
        wave_with(),
        b"RIFF\xff\xff\xff\xffAVI fmt \x10\x00\x00\x00",
        b"RIFX\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00",
        wave_with(b"junk\x00\x00\x00\x00" * 40, b"fmt \x10\x00\x00\x00"),
        mp4_bytes(b"heic", b"soun"),
        mp4_bytes(b"qt  ", b"soun"),
        mp4_bytes(b"isox", b"soun"),
        mp4_bytes(b"isom"),
        mp4_bytes(b"isom", b"text"),
        box(b"ftyp", b"isom", bytes(4)),
        box(b"ftyp", b"isom", bytes(4)) + box(b"moov", box(b"trak"), box(b"trak", box(b"mdia"))),
        box(b"ftyp", b"isom", bytes(4)) + b"\x00\x00\x00\x04moov",
        box(b"ftyp", b"isom", bytes(4)) + b"\x7f\x00\x00\x00moov",
        box(b"ftyp", b"isom", bytes(4)) + box(b"free") * 1000 + box(b"moov"),
        b"\x00\x00\x00\x02ftypM4A ",
        mp4_bytes(b"isom", b"soun")[:-1],
        box(b"ftyp", b"isom", bytes(4)) + b"\x00\x00\x00\x01mdat\x01" + bytes(6) + b"\x10" + movie(b"soun"),
        b"\x89PNG\r\n\x1a\nno picture",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xbf" + bytes(20),
        b"RIFF\x1a\x00\x00\x00WEBP\x00\x00\x00\x00",
        b"caf\xe9 in Latin-1",
        b"\xe9" + b"a" * 70_000,
        b"cut in the middle of \xe2\x82",
        b"\xff\xfb\x90\x00" + bytes(10),
        b"text with \x1b an escape",
    ],
)
def test_what_only_looks_like_a_kind_is_not_taken_for_it(content: bytes) -> None:
    assert kind_of(content) is None


@pytest.mark.parametrize(
    "content", [b"GIF89a", b"GIF89a is a picture format", b"RIFF....WAVEs are great", b"ID3 tags", b"fLaC"]
)
def test_a_text_about_media_is_a_text(content: bytes) -> None:
    assert kind_of(content) is TEXT


def test_the_boxes_of_an_mp4_file_may_be_of_64_bits_or_reach_to_the_end() -> None:
    start = box(b"ftyp", b"isom", bytes(4))
    long_data = b"\x00\x00\x00\x01mdat" + (116).to_bytes(8, "big") + bytes(100)
    short = movie(b"soun")
    long = b"\x00\x00\x00\x01moov" + (len(short) + 8).to_bytes(8, "big") + short[8:]
    open_ended = b"\x00\x00\x00\x00" + short[4:]

    assert kind_of(start + long_data + open_ended) is M4A
    assert kind_of(start + long) is M4A


@pytest.mark.parametrize(
    "content",
    [
        box(b"ftyp", b"isom", bytes(4)) + box(b"mdat", bytes(5_000_000)) + box(b"moov"),
        ID3 + MP3_BYTES + bytes(5_000_000),
        ID3 + bytes(5_000_000),
        b"a" * 5_000_000,
    ],
)
def test_a_large_file_is_told_from_a_few_pieces(content: bytes) -> None:
    class Counted(io.BytesIO):
        total = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.total += len(data)
            return data

    file = Counted(content)
    sniff(file)

    assert file.total < 150_000


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"RIFF0000WAVE", b"\x00\x00\x00\x10ftypisom", b"ID3\x04", b"\xff\xfb"]),
)
def test_no_bytes_break_it(content: bytes, start: bytes) -> None:
    kind = kind_of(start + content)

    assert kind is None or kind.mime_type


@given(st.text(alphabet=st.characters(exclude_categories=["C"]), min_size=1))
def test_text_is_text_in_any_language(text: str) -> None:
    assert kind_of(b"\n" + text.encode()) is TEXT
