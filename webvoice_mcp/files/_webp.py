"""WebP files: chunks, of which some hold the picture and others data about it."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from webvoice_mcp.files import _exif
from webvoice_mcp.files._bytes import Readable, read_at, size_of
from webvoice_mcp.files.pieces import MAX_PARTS, MalformedPicture, Piece, Pieces, Span, length_of

_SHOWN = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_PICTURES = frozenset({b"VP8 ", b"VP8L", b"ANMF"})
_EXIF_FLAG, _XMP_FLAG = 0x08, 0x04


class _Chunk(NamedTuple):
    type: bytes
    start: int
    end: int  # position after its content and padding


def pieces(file: Readable) -> tuple[Piece, ...]:
    """Return what is to be sent of a picture: the chunks that a decoder needs to show it, and its orientation.

    Raises:
        MalformedPicture: it cannot be told apart from the rest.
    """
    size, found = size_of(file), Pieces()
    turned, has_exif, shows, end = 1, False, False, 12
    for chunk in _chunks(file, size):
        end = chunk.end
        if chunk.type in _SHOWN:
            found.keep(chunk.start, min(end, size))
            shows = shows or (chunk.type in _PICTURES and end > chunk.start + 8)
            continue
        found.drop()
        if chunk.type == b"EXIF" and not has_exif:
            has_exif = True  # readers take the first one
            turned = _exif.orientation(file, chunk.start + 8, end)
    if not shows or (end >= size and not found.dropped):
        return found.finish(size, shows=False)  # as it is
    if turned != 1:
        data = _exif.with_orientation(turned)
        padding = b"\x00" * (end > size)
        found.add(padding + b"EXIF" + struct.pack("<I", len(data)) + data)
    return _with_header(file, found.finish(size, shows=True), has_exif=turned != 1)


def dimensions(file: Readable) -> tuple[int, int] | None:
    """Return width and height in pixels, None if they are unknown."""
    head = read_at(file, 12, 18).ljust(18, b"\x00")
    if head.startswith(b"VP8X"):
        return int.from_bytes(head[12:15], "little") + 1, int.from_bytes(head[15:18], "little") + 1
    if head.startswith(b"VP8L"):
        bits = int.from_bytes(head[9:13], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if head.startswith(b"VP8 "):
        width, height = struct.unpack("<HH", head[14:18])
        return width & 0x3FFF, height & 0x3FFF
    return None


def _chunks(file: Readable, size: int) -> Iterator[_Chunk]:
    """Yield the chunks up to the end that the file states, or up to one that is damaged.

    Raises:
        MalformedPicture: there are too many.
    """
    end = min(size, 8 + int.from_bytes(read_at(file, 4, 4), "little") + 1)
    position = 12
    for _ in range(MAX_PARTS):
        head = read_at(file, position, 8)
        if position + 8 > end or not head[:4].strip().isalnum():
            return
        length = int.from_bytes(head[4:], "little")
        chunk = _Chunk(head[:4], position, position + 8 + length + length % 2)
        yield chunk
        position = chunk.end
    raise MalformedPicture


def _with_header(file: Readable, kept: tuple[Piece, ...], *, has_exif: bool) -> tuple[Piece, ...]:
    """Return the pieces with the size that the file has now, and with the flags for what is in it now."""
    head = b"RIFF" + struct.pack("<I", 4 + length_of(kept)) + b"WEBP"
    first = kept[0]
    assert isinstance(first, Span), "a picture was kept"  # noqa: S101 - for mypy
    extended = bytearray(read_at(file, first.start, 9))
    if not extended.startswith(b"VP8X") or len(extended) < 9:
        return (head, *kept)
    extended[8] = extended[8] & ~(_EXIF_FLAG | _XMP_FLAG) | (_EXIF_FLAG if has_exif else 0)
    return (head + extended, Span(first.start + 9, first.end), *kept[1:])
