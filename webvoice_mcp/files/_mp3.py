"""MP3 files: frames of MPEG audio layer III, with tags or junk before, between and after them."""

import re
from functools import cache
from typing import NamedTuple

from webvoice_mcp.files._bytes import Readable, read_at, size_of

_MPEG_1, _MPEG_2, _MPEG_25 = 3, 2, 0  # 1 is reserved
_LAYER_III = 1
_KBITS_MPEG_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_MPEG_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SAMPLE_RATES = {
    _MPEG_1: (44100, 48000, 32000),
    _MPEG_2: (22050, 24000, 16000),
    _MPEG_25: (11025, 12000, 8000),
}

_MAX_TAGS = 8
_MAX_JUNK_BYTES = 64 * 1024  # before the first frame
_BLOCK_BYTES = 1024 * 1024
_RATES = b"".join(b"\\x%02x-\\x%02x" % (rate, rate + 11) for rate in range(0, 0xF0, 0x10))  # bit rate and sample rate
_HEADER = re.compile(rb"\xff(?=[\xe2-\xe7\xf2-\xf7\xfa-\xff][%b])" % _RATES)  # of layers I, II and III
_MAX_FRAME_SECONDS = 0.144  # of any layer
_TOLERANCE = 0.05


class _Frame(NamedTuple):
    size: int
    stream: tuple[int, int]  # version and sample rate, the same in all frames of one stream


class _Stated(NamedTuple):
    frames: int | None
    size: int | None  # bytes


def skip_tags(file: Readable) -> int:
    """Return the position after the ID3 and APE tags at the start of the file and the zero bytes that pad them."""
    position = 0
    for _ in range(_MAX_TAGS):
        size = _tag_size(read_at(file, position, 32))
        if not size:
            break
        position += size
    if position:
        padding = read_at(file, position, _MAX_JUNK_BYTES)
        position += len(padding) - len(padding.lstrip(b"\x00"))
    return position


def is_mp3(file: Readable, start: int) -> bool:
    """Return True if frames of one stream follow each other.

    At `start`, or after zero bytes, two frames are enough, and one if the file ends after it. After other junk, at most
    64 KiB, it must be three.
    """
    # One frame header is weak evidence: UTF-16 text starts with FF FE, and AAC starts with the same eleven bits.
    window = read_at(file, start, _MAX_JUNK_BYTES + 3)
    zeros = len(window) - len(window.lstrip(b"\x00"))
    return _is_stream(file, start + zeros, 2) or any(
        _is_stream(file, start + found.start(), 3) for found in _HEADER.finditer(window)
    )


def seconds(file: Readable) -> float | None:
    """Return how long all frames play, None if that is not certain within 5 %.

    It is not certain if the header of the first frame says something else, or if there are many bytes that another
    decoder could take for frames.
    """
    tags_end = skip_tags(file)
    total, frames, end = 0.0, 0, 0
    first: int | None = None
    position, strays = _next_frames(file, 0, tags_end)  # from 0: some decoders ignore the size that a tag states
    while position is not None and (frame := _frame_at(file, position)):
        if first is None or first < tags_end:
            first = position
        end, run = _walk(file, position, frame)
        frames += run
        total += run * _frame_seconds(frame)
        position, more = _next_frames(file, end, tags_end)
        strays += more
    if first is None or strays * _MAX_FRAME_SECONDS > _TOLERANCE * total:
        return None
    stated = _stated(read_at(file, first, 200))
    if stated is None:
        return total
    is_true = _is_near(stated.frames, frames, 3) and _is_near(stated.size, end - first, 3000)
    return total * (frames - 1) / frames if is_true else None  # the frame with the header is not played


def _tag_size(tag: bytes) -> int:
    """Return the total size of the ID3v2 or APE tag with this header, 0 if it is not a tag's header."""
    if len(tag) == 32 and tag.startswith(b"APETAGEX"):
        return 32 + int.from_bytes(tag[12:16], "little")
    if len(tag) < 10 or tag[:3] != b"ID3" or not 2 <= tag[3] <= 4 or max(tag[6:10]) > 0x7F:
        return 0
    size = tag[6] << 21 | tag[7] << 14 | tag[8] << 7 | tag[9]
    footer = 10 if tag[3] == 4 and tag[5] & 0x10 else 0
    return 10 + size + footer


def _parse_frame(header: bytes) -> _Frame | None:
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bit_rate, sample_rate = header[2] >> 4, header[2] >> 2 & 3
    if version not in _SAMPLE_RATES or layer != _LAYER_III or header[3] & 3 == 2:
        return None
    if bit_rate in {0, 15} or sample_rate == 3:  # bit rate 0 means "free": the frame's size is unknown
        return None
    hertz = _SAMPLE_RATES[version][sample_rate]
    bits_per_second = 1000 * (_KBITS_MPEG_1 if version == _MPEG_1 else _KBITS_MPEG_2)[bit_rate]
    size = (144 if version == _MPEG_1 else 72) * bits_per_second // hertz
    return _Frame(size + (header[2] >> 1 & 1), (version, hertz))


def _frame_at(file: Readable, position: int) -> _Frame | None:
    return _parse_frame(read_at(file, position, 4))


def _frame_seconds(frame: _Frame) -> float:
    version, hertz = frame.stream
    return (1152 if version == _MPEG_1 else 576) / hertz


def _is_stream(file: Readable, position: int, least: int) -> bool:
    """Return True if so many frames of one stream are there, or at least one and then the end of the file."""
    first = frame = _frame_at(file, position)
    for _ in range(least - 1):
        if not frame or not first or frame.stream != first.stream:
            return False
        position += frame.size
        frame = _frame_at(file, position)
        if not frame and least == 2:
            return position == size_of(file) or (
                read_at(file, position, 3) == b"TAG" and position + 128 == size_of(file)
            )
    return bool(frame and first and frame.stream == first.stream)


def _walk(file: Readable, position: int, frame: _Frame) -> tuple[int, int]:
    """Follow the frames of one stream; return the position after the last one, and how many there are."""
    sizes = _sizes(frame.stream)
    frames = 0
    while len(block := read_at(file, position, _BLOCK_BYTES)) > 2:
        offset = 0
        while size := sizes.get(block[offset : offset + 3]):
            offset += size
            frames += 1
        position += offset
        if offset + 3 <= len(block):
            break
    return position, frames


@cache
def _sizes(stream: tuple[int, int]) -> dict[bytes, int]:
    """Return the sizes of all frames of a stream, by the first three bytes of their headers."""
    headers = (bytes([0xFF, second, third, 0]) for second in range(0xE2, 0x100) for third in range(0x100))
    frames = {header[:3]: _parse_frame(header) for header in headers}
    return {header: frame.size for header, frame in frames.items() if frame and frame.stream == stream}


def _next_frames(file: Readable, position: int, tags_end: int) -> tuple[int | None, int]:
    """Return the next position with two frames, or with one at the end of the file, None if there is none.

    Also return the number of headers before it that begin no such frames, without those in the tags.
    """
    strays = 0
    while len(block := read_at(file, position, _BLOCK_BYTES)) > 2:
        for found in _HEADER.finditer(block):
            if _is_stream(file, position + found.start(), 2):
                return position + found.start(), strays
            strays += position + found.start() >= tags_end
        position += len(block) - 2
    return None, strays


def _stated(head: bytes) -> _Stated | None:
    """Return what the first frame says about the file, None if it is an ordinary frame."""
    if head[36:40] == b"VBRI":
        return _Stated(_number(head, 50), _number(head, 46))
    start = _header_offset(head)
    if head[start : start + 4] not in {b"Xing", b"Info"}:
        return None
    flags, position = _number(head, start + 4), start + 8
    frames = _number(head, position) if flags & 1 else None
    size = _number(head, position + (4 if flags & 1 else 0)) if flags & 2 else None
    return _Stated(frames, size)


def _header_offset(head: bytes) -> int:
    """Return the position of a Xing or Info header, which depends on the version and the channels."""
    is_mono = head[3] >> 6 == 3
    if head[1] >> 3 & 3 == _MPEG_1:
        return 21 if is_mono else 36
    return 13 if is_mono else 21


def _number(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 4], "big")


def _is_near(stated: int | None, found: int, least: int) -> bool:
    return stated is None or abs(stated - found) <= max(least, _TOLERANCE * found)
