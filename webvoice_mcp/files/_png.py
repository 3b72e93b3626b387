"""PNG files: chunks, of which some hold the picture and others data about it."""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from webvoice_mcp.files import _exif
from webvoice_mcp.files._bytes import Readable, read_at, size_of
from webvoice_mcp.files.pieces import MAX_PARTS, MalformedPicture, Piece, Pieces

_SHOWN = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs sPLT acTL fcTL fdAT".split()
)


class _Chunk(NamedTuple):
    type: bytes
    start: int  # position of its length
    end: int  # position after its checksum


def pieces(file: Readable) -> tuple[Piece, ...]:
    """Return what is to be sent of a picture: the chunks that a decoder needs to show it, and its orientation.

    Raises:
        MalformedPicture: it cannot be told apart from the rest.
    """
    size, found = size_of(file), Pieces()
    found.keep(0, 8)
    has_exif = shows = False
    for chunk in _chunks(file):
        if chunk.type in _SHOWN:
            found.keep(chunk.start, min(chunk.end, size))
            shows = shows or (chunk.type == b"IDAT" and chunk.end > chunk.start + 12)
            continue
        found.drop()
        if chunk.type != b"eXIf" or has_exif:
            continue
        has_exif = True  # readers take the first one
        if (turned := _exif.orientation(file, chunk.start + 8, chunk.end - 4)) != 1:
            found.add(_with_checksum(b"eXIf" + _exif.with_orientation(turned)))
    return found.finish(size, shows=shows)


def dimensions(file: Readable) -> tuple[int, int]:
    """Return width and height in pixels."""
    width, height = struct.unpack(">II", read_at(file, 16, 8).ljust(8, b"\x00"))
    return width, height


def _chunks(file: Readable) -> Iterator[_Chunk]:
    """Yield the chunks up to the last one, or up to one that is damaged.

    Raises:
        MalformedPicture: there are too many.
    """
    position = 8
    for _ in range(MAX_PARTS):
        head = read_at(file, position, 8)
        if len(head) < 8 or not head[4:].isalpha():
            return
        chunk = _Chunk(head[4:], position, position + 12 + int.from_bytes(head[:4], "big"))
        yield chunk
        if chunk.type == b"IEND":
            return
        position = chunk.end
    raise MalformedPicture


def _with_checksum(chunk: bytes) -> bytes:
    return struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
