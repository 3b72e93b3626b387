"""The length of M4A files, from their tables of samples."""

import math
import sys
from array import array
from collections.abc import Iterator
from typing import NamedTuple

from webvoice_mcp.files._bytes import Readable, read_at
from webvoice_mcp.files._mp4 import Box, boxes, children, find, find_only, track_type, tracks, whole

_BLOCK_BYTES = 1024 * 1024
_TOLERANCE = 0.05
_SLACK_SECONDS = 0.25  # encoders add a few frames
_SLACK_BYTES = 4096
_MAX_EDITS = 1000
_ENTRY_HEADER_BYTES = {0: 28, 1: 44, 2: 64}  # of the description of a sound track, by its version
_AAC_IN_ESDS = frozenset({0x40, 0x66, 0x67, 0x68})
_AAC_TYPES = frozenset({1, 2, 3, 4, 5, 29})  # with 1024 samples in a frame, or 960
_AAC_FREQUENCIES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


class _Sizes(NamedTuple):
    samples: int
    total: int  # bytes


class _Codec(NamedTuple):
    frame: int  # samples in a frame
    frequency: int


def seconds(file: Readable) -> float | None:
    """Return how long the frames play; None if that is not certain within 5 %, or another part says otherwise.

    Known are AAC and ALAC in files that are not fragmented.
    """
    movie = find_only(file, whole(file), b"moov")
    if movie is None or find(file, movie, b"mvex"):
        return None
    bytes_in_tables = 0
    lengths = [_duration(file, find(file, movie, b"mvhd"))]
    for track in tracks(file):
        table = find_only(file, track, b"mdia", b"minf", b"stbl")
        sizes = _sizes(file, find_only(file, table, b"stsz")) if table else None
        if table is None or sizes is None or _is_edited(file, track, movie, max(lengths)):
            return None
        bytes_in_tables += sizes.total
        if track_type(file, track) == b"soun":
            lengths += _lengths(file, track, table, sizes)
    data = sum(box.end - box.start for box in children(file, whole(file), b"mdat"))
    longest, shortest = max(lengths), min(lengths)
    if len(lengths) == 1 or not math.isfinite(longest):
        return None
    if longest - shortest > max(_SLACK_SECONDS, _TOLERANCE * longest):
        return None
    if abs(bytes_in_tables - data) > max(_SLACK_BYTES, _TOLERANCE * data):
        return None
    return longest


def _lengths(file: Readable, track: Box, table: Box, sizes: _Sizes) -> list[float]:
    """Return what the parts of a track say about its length; infinity where they say nothing."""
    header = find(file, track, b"mdia", b"mdhd")
    codec = _codec(file, find_only(file, table, b"stsd"))
    count, ticks = _times(file, find_only(file, table, b"stts"))
    scale = _time_scale(file, header)
    return [
        _duration(file, header),
        ticks / scale if scale and count == sizes.samples else math.inf,
        sizes.samples * codec.frame / codec.frequency if codec else math.inf,
    ]


def _is_edited(file: Readable, track: Box, movie: Box, length: float) -> bool:
    """Return True if the track's list of edits makes it play for longer, as by playing a part several times."""
    edits = find(file, track, b"edts", b"elst")
    if edits is None:
        return False
    head = read_at(file, edits.start, 8)
    width = 8 if head[:1] == b"\x01" else 4  # of a duration; its position has the same width, and its rate 4 bytes
    size = 2 * width + 4
    count = int.from_bytes(head[4:], "big")
    if count > _MAX_EDITS or edits.start + 8 + count * size > edits.end:
        return True
    entries = read_at(file, edits.start + 8, count * size)
    ticks = sum(int.from_bytes(entries[start : start + width], "big") for start in range(0, count * size, size))
    scale = _time_scale(file, find(file, movie, b"mvhd"))
    return not scale or ticks / scale > length * (1 + _TOLERANCE) + _SLACK_SECONDS


def _duration(file: Readable, header: Box | None) -> float:
    scale = _time_scale(file, header)
    if header is None or not scale:
        return math.inf
    has_64_bits = read_at(file, header.start, 1) == b"\x01"
    start, size = (24, 8) if has_64_bits else (16, 4)
    return int.from_bytes(read_at(file, header.start + start, size), "big") / scale


def _time_scale(file: Readable, header: Box | None) -> int:
    """Return the units in a second of a movie's or a track's header, 0 if that is unknown."""
    if header is None:
        return 0
    has_64_bits = read_at(file, header.start, 1) == b"\x01"
    return int.from_bytes(read_at(file, header.start + (20 if has_64_bits else 12), 4), "big")


def _sizes(file: Readable, box: Box | None) -> _Sizes | None:
    """Return the number of samples and the sum of their sizes."""
    if box is None:
        return None
    head = read_at(file, box.start, 12)
    size, count = int.from_bytes(head[4:8], "big"), int.from_bytes(head[8:12], "big")
    if size:
        return _Sizes(count, size * count)
    if box.start + 12 + 4 * count > box.end:
        return None
    return _Sizes(count, sum(sum(numbers) for numbers in _numbers(file, box.start + 12, count)))


def _times(file: Readable, box: Box | None) -> tuple[int, int]:
    """Return the number of samples and the sum of their durations, in units of the track."""
    if box is None:
        return 0, 0
    entries = int.from_bytes(read_at(file, box.start + 4, 4), "big")
    count = ticks = 0
    for numbers in _numbers(file, box.start + 8, 2 * min(entries, (box.end - box.start - 8) // 8)):
        count += sum(numbers[::2])
        ticks += sum(map(int.__mul__, numbers[::2], numbers[1::2]))
    return count, ticks


def _numbers(file: Readable, position: int, count: int) -> Iterator["array[int]"]:  # Python 3.11 cannot subscript it
    """Yield numbers of four bytes, an even number of them at a time if `count` is even."""
    end = position + 4 * count
    for start in range(position, end, _BLOCK_BYTES):
        numbers = array("I", read_at(file, start, min(_BLOCK_BYTES, end - start)))
        if sys.byteorder == "little":  # pragma: no branch - big-endian machines are rare
            numbers.byteswap()
        yield numbers


def _codec(file: Readable, descriptions: Box | None) -> _Codec | None:
    """Return the facts of the track's codec, None if it has another codec or several descriptions."""
    if descriptions is None or read_at(file, descriptions.start + 4, 4) != b"\x00\x00\x00\x01":
        return None
    entry = next(boxes(file, descriptions.start + 8, descriptions.end), None)
    if entry is None:
        return None
    version = int.from_bytes(read_at(file, entry.start + 8, 2), "big")
    inside = Box(entry.type, entry.start + _ENTRY_HEADER_BYTES.get(version, 28), entry.end)
    if entry.type == b"alac" and (box := find(file, inside, b"alac") or find(file, inside, b"wave", b"alac")):
        cookie = read_at(file, box.start + 4, 24)
        return _checked(int.from_bytes(cookie[:4], "big"), int.from_bytes(cookie[20:24], "big"))
    if entry.type == b"mp4a" and (box := find(file, inside, b"esds") or find(file, inside, b"wave", b"esds")):
        return _aac(read_at(file, box.start + 4, min(200, box.end - box.start - 4)))
    return None


def _checked(frame: int, frequency: int) -> _Codec | None:
    return _Codec(frame, frequency) if frame and frequency else None


def _aac(descriptors: bytes) -> _Codec | None:
    """Return the facts of an elementary stream's descriptor, if it is AAC."""
    stream = _descriptor(descriptors, 3)
    flags = stream[2] if len(stream) > 2 else 0
    if flags & 0xE0:  # further fields, which files do not have
        return None
    decoder = _descriptor(stream[3:], 4)
    if not decoder or decoder[0] not in _AAC_IN_ESDS:
        return None
    config = _descriptor(decoder[13:], 5)
    bits = int.from_bytes(config[:8].ljust(8, b"\x00"), "big")
    kind, index = bits >> 59, bits >> 55 & 15
    if kind not in _AAC_TYPES or index >= len(_AAC_FREQUENCIES) or len(config) < 2:
        return None
    has_extension = kind in {5, 29}
    is_short = bits >> (50 if not has_extension else 41) & 1
    return _Codec(960 if is_short else 1024, _AAC_FREQUENCIES[index])


def _descriptor(data: bytes, tag: int) -> bytes:
    """Return the content of the descriptor that the data begins with, b"" if it has another tag."""
    if data[:1] != bytes([tag]):
        return b""
    length, position = 0, 1
    while position < min(5, len(data)):
        byte = data[position]
        length, position = length << 7 | byte & 0x7F, position + 1
        if byte < 0x80:
            break
    return data[position : position + length]
