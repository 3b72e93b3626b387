"""Frames of MP3 files (MPEG audio layer III), and the tags and header frames among them."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from webvoice_mcp.files._bytes import Readable, read_at, size_of

MPEG_1, MPEG_2, MPEG_25 = 3, 2, 0  # as in the headers; 1 is reserved

KBITS = {
    MPEG_1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    MPEG_2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    MPEG_25: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""The bit rates of each version, in the order of their indexes, which begin with 1."""

_SAMPLE_RATES = {MPEG_1: (44100, 48000, 32000), MPEG_2: (22050, 24000, 16000), MPEG_25: (11025, 12000, 8000)}
_LAYER_III = 1
_MONO = 3
_MAX_TAGS = 8
_MAX_JUNK_BYTES = 64 * 1024  # before the first frame
_MAX_OLD_LYRICS_BYTES = 5100  # of version 1, as its specification limits it
_MAX_LYRICS_BYTES = 1_000_000  # of version 2, whose size has six digits
_FIRST_BLOCK_BYTES = 8 * 1024  # small, for a file may have many short runs of frames; then doubled
_BLOCK_BYTES = 1024 * 1024
_RATES = b"".join(b"\\x%02x-\\x%02x" % (rate, rate + 11) for rate in range(0, 0xF0, 0x10))  # bit rate and sample rate

SYNC = re.compile(rb"\xff(?=[\xe2-\xe7\xf2-\xf7\xfa-\xff][%b])" % _RATES)
"""The first byte of a possible header of layers I, II and III."""


class Header(NamedTuple):
    """The header of a frame.

    Attributes:
        size: bytes of the frame, the header's four included.
        stream: version and sample rate, the same in all frames of one stream.
        channels: 1 or 2.
        kbits: bit rate.
        side_start: position of the side information in the frame: 4, or 6 after a checksum.
    """

    size: int
    stream: tuple[int, int]
    channels: int
    kbits: int
    side_start: int

    @property
    def samples(self) -> int:
        """The samples of a frame, in each channel."""
        return 1152 if self.stream[0] == MPEG_1 else 576

    @property
    def seconds(self) -> float:
        """The length of a frame in seconds."""
        return self.samples / self.stream[1]

    @property
    def side_size(self) -> int:
        """The bytes of the side information, which says where the frame's data begin."""
        if self.stream[0] == MPEG_1:
            return 17 if self.channels == 1 else 32
        return 9 if self.channels == 1 else 17

    @property
    def kind(self) -> tuple[int, int, int]:
        """Version, sample rate and channels, which must be the same in all frames of one file."""
        return (*self.stream, self.channels)


class Frame(NamedTuple):
    """A frame of an open file.

    Attributes:
        header: its header.
        data: the whole frame.
    """

    header: Header
    data: bytes


class Stated(NamedTuple):
    """Facts about the file in the header frame of an encoder.

    Attributes:
        frames: number of frames without the header frame, None if it does not say.
        size: bytes from the header frame to the last frame, None if it does not say.
    """

    frames: int | None
    size: int | None


def parse_header(head: bytes) -> Header | None:
    """Return the header that these bytes begin with, None if it is not one of layer III with a bit rate."""
    return _parse(head[:4]) if head[:1] == b"\xff" else None


@lru_cache(maxsize=4096)
def _parse(head: bytes) -> Header | None:
    if len(head) < 4 or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    index, rate = head[2] >> 4, head[2] >> 2 & 3
    if version not in _SAMPLE_RATES or layer != _LAYER_III or head[3] & 3 == 2:
        return None
    if index in {0, 15} or rate == 3:  # index 0 means "free": the frame's size is unknown
        return None
    hertz, kbits = _SAMPLE_RATES[version][rate], KBITS[version][index - 1]
    size = (144 if version == MPEG_1 else 72) * 1000 * kbits // hertz + (head[2] >> 1 & 1)
    channels = 1 if head[3] >> 6 == _MONO else 2
    return Header(size, (version, hertz), channels, kbits, 4 if head[1] & 1 else 6)


def header_at(file: Readable, position: int) -> Header | None:
    """Return the header at a position, None if none is there."""
    return parse_header(read_at(file, position, 4))


def skip_tags(file: Readable) -> int:
    """Return the position after the tags at the start of the file and the zero bytes that pad them.

    Known are ID3, APE and Lyrics3, several of them in a row too.
    """
    position = 0
    for _ in range(_MAX_TAGS):
        size = _tag_size(read_at(file, position, 32)) or _lyrics_size(file, position)
        if not size:
            break
        position += size
    if position:
        padding = read_at(file, position, _MAX_JUNK_BYTES)
        position += len(padding) - len(padding.lstrip(b"\x00"))
    return position


def sound_end(file: Readable, start: int) -> int:
    """Return the position before the tags at the end of the file (ID3, APE and Lyrics3), at least `start`."""
    end = size_of(file)
    for _ in range(_MAX_TAGS):
        size = _last_tag_size(file, end)
        if not 0 < size <= end - start:
            break
        end -= size
    return max(start, end)


def first_frame(file: Readable, start: int) -> int | None:
    """Return the position of the first of frames of one stream that follow each other, None if there is none.

    At `start`, or after zero bytes, two frames are enough, and one if only tags follow it. After other junk, at most
    64 KiB, it must be three.
    """
    # One frame header is weak evidence: UTF-16 text starts with FF FE, and AAC starts with the same eleven bits.
    window = read_at(file, start, _MAX_JUNK_BYTES + 3)
    zeros = len(window) - len(window.lstrip(b"\x00"))
    if begins_frames(file, start + zeros, 2):
        return start + zeros
    positions = (start + found.start() for found in SYNC.finditer(window))
    return next((position for position in positions if begins_frames(file, position, 3)), None)


def begins_frames(file: Readable, position: int, least: int) -> bool:
    """Return True if so many frames of one stream are there; where two are asked for, one before the end is enough."""
    first = frame = header_at(file, position)
    for _ in range(least - 1):
        if not frame or not first or frame.stream != first.stream:
            return False
        position += frame.size
        frame = header_at(file, position)
        if not frame and least == 2:
            return position <= size_of(file) and position == sound_end(file, position)
    return bool(frame and first and frame.stream == first.stream)


def frames(file: Readable, start: int, end: int) -> Iterator[Frame]:
    """Yield the whole frames between two positions, also those after junk. Little of the file is in memory at a time.

    Frames that differ from those before them in version, sample rate or channels count only if two follow each other,
    or if nothing comes after them.
    """
    kind: tuple[int, int, int] | None = None
    position: int | None = start
    size = _FIRST_BLOCK_BYTES
    while position is not None:
        block = read_at(file, position, min(size, max(0, end - position)))
        offset = 0
        while (header := parse_header(block[offset : offset + 4])) and offset + header.size <= len(block):
            if header.kind != kind and not begins_frames(file, position + offset, 2):
                break
            kind = header.kind
            yield Frame(header, block[offset : offset + header.size])
            offset += header.size
        if offset:
            position, size = position + offset, min(2 * size, _BLOCK_BYTES)
        else:
            position, size = next_frames(file, position + 1, end), _FIRST_BLOCK_BYTES


def next_frames(file: Readable, position: int, end: int) -> int | None:
    """Return the next position with two frames, or with one before the end, None if there is none."""
    size = _FIRST_BLOCK_BYTES
    while len(block := read_at(file, position, min(size, max(0, end - position)))) > 2:
        for found in SYNC.finditer(block):
            if begins_frames(file, position + found.start(), 2):
                return position + found.start()
        position, size = position + len(block) - 2, min(2 * size, _BLOCK_BYTES)
    return None


def is_header_frame(frame: bytes) -> bool:
    """Return True if a frame is no sound, but an encoder's header: Xing, Info or VBRI."""
    header = parse_header(frame)
    # An encoder leaves the side information of this frame empty. That of sound is empty only if the frame is silent.
    return header is not None and stated(frame) is not None and not any(frame[header.side_start : 4 + header.side_size])


def stated(frame: bytes) -> Stated | None:
    """Return what the first frame says about the file, None if it is an ordinary frame. 200 bytes of it are enough."""
    header = parse_header(frame)
    if header is None:
        return None
    if frame[36:40] == b"VBRI":
        return Stated(_number(frame, 50), _number(frame, 46))
    start = 4 + header.side_size  # also after a checksum
    if frame[start : start + 4] not in {b"Xing", b"Info"}:
        return None
    flags, position = _number(frame, start + 4), start + 8
    count = _number(frame, position) if flags & 1 else None
    size = _number(frame, position + (4 if flags & 1 else 0)) if flags & 2 else None
    return Stated(count, size)


def _number(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 4], "big")


def _tag_size(tag: bytes) -> int:
    """Return the total size of the ID3v2 or APE tag with this header, 0 if it is not a tag's header."""
    if len(tag) == 32 and tag.startswith(b"APETAGEX"):
        return 32 + int.from_bytes(tag[12:16], "little")
    if len(tag) < 10 or tag[:3] != b"ID3" or not 2 <= tag[3] <= 4 or max(tag[6:10]) > 0x7F:
        return 0
    footer = 10 if tag[3] == 4 and tag[5] & 0x10 else 0
    return 10 + _id3_size(tag) + footer


def _id3_size(tag: bytes) -> int:
    return tag[6] << 21 | tag[7] << 14 | tag[8] << 7 | tag[9]


def _lyrics_size(file: Readable, position: int) -> int:
    """Return the size of the Lyrics3 tag at a position, 0 if there is none."""
    if read_at(file, position, 11) != b"LYRICSBEGIN":
        return 0
    text = read_at(file, position, _MAX_LYRICS_BYTES)
    found = re.search(rb"LYRICSEND|[0-9]{6}LYRICS200", text)
    return found.end() if found else 0


def _last_tag_size(file: Readable, end: int) -> int:
    """Return the size of the tag that ends at a position, 0 if there is none."""
    if end >= 128 and read_at(file, end - 128, 3) == b"TAG":
        return 128
    tail = read_at(file, max(0, end - 32), min(32, end))
    if len(tail) == 32 and tail.startswith(b"APETAGEX"):
        has_header = tail[23] & 0x80
        return int.from_bytes(tail[12:16], "little") + (32 if has_header else 0)
    if tail[-10:-7] == b"3DI" and max(tail[-4:]) <= 0x7F:
        return 20 + _id3_size(tail[-10:])
    if tail.endswith(b"LYRICS200") and tail[-15:-9].isdigit():
        return 15 + int(tail[-15:-9])
    if tail.endswith(b"LYRICSEND"):
        length = min(_MAX_OLD_LYRICS_BYTES + 20, end)
        begin = read_at(file, end - length, length).rfind(b"LYRICSBEGIN")
        return 0 if begin < 0 else length - begin
    return 0
