"""MP4 files: a tree of boxes. The tracks tell audio from video; the brand often does not."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from webvoice_mcp.files._bytes import Readable, read_at, size_of

_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B "})
_GENERIC_BRANDS = frozenset({b"avc1", b"dash", b"isom", b"mp41", b"mp42", b"mp71", b"M4V ", b"MSNV"})
_QUICKTIME = b"qt  "
_FILM = frozenset({b"vide", b"auxv"})
_STILLS = frozenset({b"jpeg", b"png "})  # codecs

_MAX_BOXES = 1000  # per level; a hostile file may have millions, so that reading takes long


class Box(NamedTuple):
    """A box.

    Attributes:
        type: four characters.
        start: position of its content.
        end: position after its content.
    """

    type: bytes
    start: int
    end: int


def brand(file: Readable) -> Literal["audio", "generic", "other", ""]:
    """Return the meaning of the file's brand, "" for QuickTime or a damaged file."""
    first = next(boxes(file, 0, size_of(file)), None)
    name = read_at(file, first.start, 4) if first else b""
    if name in _AUDIO_BRANDS:
        return "audio"
    # iso2 to iso9 are later versions of isom.
    if name in _GENERIC_BRANDS or (name[:3] == b"iso" and name[3:4].isdigit()):
        return "generic"
    return "other" if len(name) == 4 and name != _QUICKTIME else ""


def has_sound(file: Readable) -> bool:
    """Return True if one of the tracks is sound."""
    return any(track_type(file, track) == b"soun" for track in tracks(file))


def has_film(file: Readable) -> bool:
    """Return True if one of the tracks is a film. The pictures of an audiobook's chapters are none."""
    has_stills = brand(file) == "audio"
    return any(
        track_type(file, track) in _FILM and not (has_stills and _codec(file, track) in _STILLS)
        for track in tracks(file)
    )


def tracks(file: Readable) -> Iterator[Box]:
    """Yield the boxes of the tracks."""
    movie = find(file, whole(file), b"moov")
    return children(file, movie, b"trak") if movie else iter(())


def track_type(file: Readable, track: Box) -> bytes:
    """Return the type of a track, b"" if it has none."""
    handler = find(file, track, b"mdia", b"hdlr")
    return read_at(file, handler.start + 8, 4) if handler else b""


def _codec(file: Readable, track: Box) -> bytes:
    """Return the type of the first description of a track's samples, b"" if there is none."""
    descriptions = find(file, track, b"mdia", b"minf", b"stbl", b"stsd")
    return read_at(file, descriptions.start + 12, 4) if descriptions else b""


def whole(file: Readable) -> Box:
    """Return the file as a box."""
    return Box(b"", 0, size_of(file))


def find(file: Readable, parent: Box, *path: bytes) -> Box | None:
    """Return the first box at this path below `parent`, None if there is none."""
    found: Box | None = parent
    for name in path:
        found = next(children(file, found, name), None) if found else None
    return found


def find_only(file: Readable, parent: Box, *path: bytes) -> Box | None:
    """Return the box at this path below `parent`, None if there is none, or several: readers differ in which counts."""
    found: Box | None = parent
    for name in path:
        alike = list(children(file, found, name)) if found else []
        found = alike[0] if len(alike) == 1 else None
    return found


def children(file: Readable, parent: Box, wanted: bytes) -> Iterator[Box]:
    """Yield the boxes of this type that are directly in `parent`."""
    return (box for box in boxes(file, parent.start, parent.end) if box.type == wanted)


def boxes(file: Readable, position: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two positions, up to the first that is damaged."""
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
        yield Box(header[4:8], start, position + size)
        position += size
