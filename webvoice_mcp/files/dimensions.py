"""The dimensions of pictures, from their headers; nothing is decoded."""

import io
import struct

from webvoice_mcp.files import _jpeg, _png, _webp
from webvoice_mcp.files.kinds import GIF, JPEG, PNG, WEBP, sniff
from webvoice_mcp.files.pieces import MalformedPicture


def count_pixels(content: bytes) -> int | None:
    """Return width times height of a picture, None if it is not known."""
    file = io.BytesIO(content)
    kind = sniff(file)
    size: tuple[int, int] | None = None
    if kind is PNG:
        size = _png.dimensions(file)
    elif kind is JPEG:
        try:
            size = _jpeg.dimensions(file)
        except MalformedPicture:
            return None
    elif kind is WEBP:
        size = _webp.dimensions(file)
    elif kind is GIF:
        size = struct.unpack("<HH", content[6:10])
    return size[0] * size[1] if size else None
