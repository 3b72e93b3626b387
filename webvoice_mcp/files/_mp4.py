"""MP4: a tree of boxes; what a file is depends on the tracks in it more than on its brand."""

from collections.abc import Iterator
from typing import BinaryIO, Literal, NamedTuple

from webvoice_mcp.files._bytes import at, length

_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B "})
_GENERIC_BRANDS = frozenset({b"avc1", b"dash", b"isom", b"mp41", b"mp42", b"mp71", b"M4V ", b"MSNV"})

_MOST_BOXES = 1000  # of one level; a file made to be slow has millions


class _Box(NamedTuple):
    type: bytes
    start: int  # of what is in it
    end: int


def brand(file: BinaryIO) -> Literal["audio", "generic", ""]:
    """What the file says that it is; "" for another format built of such boxes, or a broken one."""
    first = next(_boxes(file, 0, length(file)), None)
    name = at(file, first.start, 4) if first else b""
    if name in _AUDIO_BRANDS:
        return "audio"
    # iso2 to iso9 are later editions of isom.
    if name in _GENERIC_BRANDS or (name[:3] == b"iso" and name[3:4].isdigit()):
        return "generic"
    return ""


def tracks(file: BinaryIO) -> frozenset[bytes]:
    """The types of the tracks: b"soun", b"vide" and the like."""
    movie = next(_children(file, _Box(b"", 0, length(file)), b"moov"), None)
    return frozenset(_track_types(file, movie)) if movie else frozenset()


def _track_types(file: BinaryIO, movie: _Box) -> Iterator[bytes]:
    for track in _children(file, movie, b"trak"):
        media = next(_children(file, track, b"mdia"), None)
        handler = next(_children(file, media, b"hdlr"), None) if media else None
        if handler:
            yield at(file, handler.start + 8, 4)


def _children(file: BinaryIO, parent: _Box, wanted: bytes) -> Iterator[_Box]:
    return (box for box in _boxes(file, parent.start, parent.end) if box.type == wanted)


def _boxes(file: BinaryIO, position: int, end: int) -> Iterator[_Box]:
    for _ in range(_MOST_BOXES):
        header = at(file, position, 16)
        if position + 8 > end or len(header) < 8:
            return
        size, start = int.from_bytes(header[:4], "big"), position + 8
        if size == 1:  # too long for 32 bits
            size, start = int.from_bytes(header[8:], "big"), position + 16
        elif size == 0:  # up to the end
            size = end - position
        if position + size < start or position + size > end:
            return
        yield _Box(header[4:8], start, position + size)
        position += size
