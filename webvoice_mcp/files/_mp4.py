"""MP4 files: a tree of boxes. The tracks tell audio from video; the brand often does not."""

from collections.abc import Iterator
from typing import BinaryIO, Literal, NamedTuple

from webvoice_mcp.files._bytes import read_at, size_of

_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B "})
_GENERIC_BRANDS = frozenset({b"avc1", b"dash", b"isom", b"mp41", b"mp42", b"mp71", b"M4V ", b"MSNV"})

_MAX_BOXES = 1000  # per level; a hostile file may have millions, so that reading takes long


class _Box(NamedTuple):
    type: bytes
    start: int  # position of its content
    end: int


def brand(file: BinaryIO) -> Literal["audio", "generic", ""]:
    """Return the meaning of the file's brand, "" for another format made of boxes or a damaged file."""
    first = next(_boxes(file, 0, size_of(file)), None)
    name = read_at(file, first.start, 4) if first else b""
    if name in _AUDIO_BRANDS:
        return "audio"
    # iso2 to iso9 are later versions of isom.
    if name in _GENERIC_BRANDS or (name[:3] == b"iso" and name[3:4].isdigit()):
        return "generic"
    return ""


def track_types(file: BinaryIO) -> frozenset[bytes]:
    """Return the types of the file's tracks, such as b"soun" and b"vide"."""
    movie = next(_children(file, _Box(b"", 0, size_of(file)), b"moov"), None)
    return frozenset(_types_in(file, movie)) if movie else frozenset()


def _types_in(file: BinaryIO, movie: _Box) -> Iterator[bytes]:
    for track in _children(file, movie, b"trak"):
        media = next(_children(file, track, b"mdia"), None)
        handler = next(_children(file, media, b"hdlr"), None) if media else None
        if handler:
            yield read_at(file, handler.start + 8, 4)


def _children(file: BinaryIO, parent: _Box, wanted: bytes) -> Iterator[_Box]:
    return (box for box in _boxes(file, parent.start, parent.end) if box.type == wanted)


def _boxes(file: BinaryIO, position: int, end: int) -> Iterator[_Box]:
    for _ in range(_MAX_BOXES):
        header = read_at(file, position, 16)
        if position + 8 > end or len(header) < 8:
            return
        size, start = int.from_bytes(header[:4], "big"), position + 8
        if size == 1:  # the size has 64 bits, after the type
            size, start = int.from_bytes(header[8:], "big"), position + 16
        elif size == 0:  # the box reaches to the end
            size = end - position
        if position + size < start or position + size > end:
            return
        yield _Box(header[4:8], start, position + size)
        position += size
