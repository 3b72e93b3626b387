"""Exif metadata: the orientation is read from it, and written as its only field."""

import struct
from typing import Literal

from webvoice_mcp.files._bytes import Readable, read_at

_ORIENTATION = 0x0112
_SHORT = 3
_MAX_FIELDS = 1000


def orientation(file: Readable, start: int, end: int) -> int:
    """Return the orientation that the Exif data in this range state: 2 to 8, or 1 if there is none or it is unknown."""
    if read_at(file, start, 6) == b"Exif\x00\x00":
        start += 6
    head = read_at(file, start, 8)
    order: Literal["little", "big"] = "little" if head[:2] == b"II" else "big"
    if len(head) < 8 or head[:4] not in {b"II*\x00", b"MM\x00*"}:
        return 1
    position = start + int.from_bytes(head[4:], order)
    count = int.from_bytes(read_at(file, position, 2), order)
    fields = read_at(file, position + 2, min(12 * min(count, _MAX_FIELDS), max(0, end - position - 2)))
    for offset in range(0, len(fields) - 11, 12):
        tag, kind = (int.from_bytes(fields[offset + part : offset + part + 2], order) for part in (0, 2))
        if tag == _ORIENTATION and kind == _SHORT:
            value = int.from_bytes(fields[offset + 8 : offset + 10], order)
            return value if 2 <= value <= 8 else 1
    return 1


def with_orientation(value: int) -> bytes:
    """Return Exif data, without a prefix, that state this orientation and nothing else."""
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, _ORIENTATION, _SHORT, 1, value, 0, 0)
