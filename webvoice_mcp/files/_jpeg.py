"""JPEG files: segments, of which some hold the picture and others data about it."""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from webvoice_mcp.files import _exif
from webvoice_mcp.files._bytes import Readable, read_at, size_of
from webvoice_mcp.files.pieces import MAX_PARTS, MalformedPicture, Piece, Pieces

_SOI, _EOI, _SOS, _APP1, _APP13, _COM = 0xD8, 0xD9, 0xDA, 0xE1, 0xED, 0xFE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the segments that state width and height
_SHOWN = frozenset({*range(0xC0, 0xD0), *range(0xD9, 0xE0), 0xF7, 0xF8})
# Segments of applications that change the picture's look.
_JFIF = 0xE0
_APPLICATIONS = {_JFIF: b"JFIF\x00", 0xE2: b"ICC_PROFILE\x00", 0xEE: b"Adobe"}
_LENGTHS = {b"JFIF\x00": 14, b"Adobe": 12}  # of their content without previews and additions
_EXIF = b"Exif\x00"
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without content
_MARKER = re.compile(rb"\xff(?=[\x01-\xfe])")
_MARKER_IN_DATA = re.compile(rb"\xff(?=[\xc0-\xcf\xd8-\xfe])")  # FF 00 is data, and D0 to D7 restart the decoder
_FIRST_BLOCK_BYTES, _BLOCK_BYTES = 256, 1024 * 1024


class _Segment(NamedTuple):
    marker: int
    start: int  # position of the marker
    end: int  # position after the content, and after the picture's data if they follow
    is_whole: bool


def pieces(file: Readable) -> tuple[Piece, ...]:
    """Return what is to be sent of a picture: all that a decoder needs to show it, and its orientation.

    Bytes between segments, where there should be none, are left out; decoders skip them. So is all that is after the
    end.

    Raises:
        MalformedPicture: it cannot be told apart from the rest.
    """
    size, found = size_of(file), Pieces()
    found.keep(0, 2)
    has_exif = shows = False
    for segment in _segments(file, size):
        if segment.marker in _SHOWN:
            found.keep(segment.start, min(segment.end, size))
            shows = shows or (segment.marker == _SOS and segment.is_whole)
            continue
        if name := _name_that_shows(file, segment):
            _keep_application(found, segment, _LENGTHS.get(name))
            continue
        if segment.is_whole or segment.marker in {_APP1, _APP13, _COM}:
            found.drop()
        if has_exif or not _is_exif(file, segment):
            continue
        has_exif = True  # readers take the first one
        if (turned := _exif.orientation(file, segment.start + 4, segment.end)) != 1:
            content = b"Exif\x00\x00" + _exif.with_orientation(turned)
            found.add(struct.pack(">BBH", 0xFF, _APP1, 2 + len(content)) + content)
    return found.finish(size, shows=shows)


def dimensions(file: Readable) -> tuple[int, int] | None:
    """Return width and height in pixels, None if they are unknown."""
    for segment in _segments(file, size_of(file)):
        if segment.marker in _FRAMES and segment.is_whole:
            height, width = struct.unpack(">HH", read_at(file, segment.start + 5, 4).ljust(4, b"\x00"))
            return width, height
        if segment.marker in {_SOS, _EOI}:
            break
    return None


def _name_that_shows(file: Readable, segment: _Segment) -> bytes:
    """Return the name of an application's segment that changes the picture's look, b"" for others."""
    name = _APPLICATIONS.get(segment.marker, b"")
    return name if name and segment.is_whole and _name(file, segment).startswith(name) else b""


def _keep_application(found: Pieces, segment: _Segment, length: int | None) -> None:
    """Keep a segment, or the first bytes of its content: a preview of the picture may follow them."""
    if length is None or segment.end - segment.start <= 4 + length:
        found.keep(segment.start, segment.end)
        return
    found.add(struct.pack(">BBH", 0xFF, segment.marker, 2 + length))
    found.keep(segment.start + 4, segment.start + 4 + length - 2 * (segment.marker == _JFIF))
    if segment.marker == _JFIF:
        found.add(bytes(2))  # width and height of the preview


def _name(file: Readable, segment: _Segment) -> bytes:
    return read_at(file, segment.start + 4, min(16, max(0, segment.end - segment.start - 4)))


def _is_exif(file: Readable, segment: _Segment) -> bool:
    return segment.marker == _APP1 and _name(file, segment).startswith(_EXIF)


def _segments(file: Readable, size: int) -> Iterator[_Segment]:
    """Yield the segments after the first marker, up to the end of the picture or one that is damaged.

    Raises:
        MalformedPicture: there are too many.
    """
    position = 2
    for _ in range(MAX_PARTS):
        position = _find(file, _MARKER, position, size)
        head = read_at(file, position, 4)
        if len(head) < 2:
            return
        marker, length = head[1], int.from_bytes(head[2:].ljust(2, b"\x00"), "big")
        if marker in _ALONE:
            position += 2
            continue
        if marker in {_SOI, _EOI}:  # another start ends the picture, too
            if marker == _EOI:
                yield _Segment(marker, position, position + 2, is_whole=True)
            return
        end = position + 2 + length
        is_whole = end <= size
        if length < 2:
            return
        if marker == _SOS and is_whole:
            end = _find(file, _MARKER_IN_DATA, end, size)
        yield _Segment(marker, position, end, is_whole)
        if not is_whole:
            return
        position = end
    raise MalformedPicture


def _find(file: Readable, pattern: re.Pattern[bytes], position: int, size: int) -> int:
    """Return the next position where the pattern, of two bytes, matches; `size` if there is none."""
    block_bytes = _FIRST_BLOCK_BYTES
    while len(block := read_at(file, position, block_bytes)) > 1:
        if found := pattern.search(block):
            return position + found.start()
        position += len(block) - 1
        block_bytes = min(2 * block_bytes, _BLOCK_BYTES)
    return size
