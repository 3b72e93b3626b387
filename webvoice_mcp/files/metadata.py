"""Pictures without data about their owner: what is sent of a picture, and what is left out."""

from webvoice_mcp.files import _jpeg, _png, _webp
from webvoice_mcp.files._bytes import Readable, size_of
from webvoice_mcp.files.kinds import JPEG, PNG, WEBP, Kind
from webvoice_mcp.files.pieces import Piece, Span

_PARTS = {JPEG: _jpeg.pieces, PNG: _png.pieces, WEBP: _webp.pieces}


def without_metadata(file: Readable, kind: Kind) -> tuple[Piece, ...]:
    """Return the pieces of a file that are sent: of JPEG, PNG and WebP what shows the picture, of others the whole.

    Position, camera, owner, comments and embedded previews are left out. The orientation and the colour profile stay,
    and the picture's data are not encoded anew.

    Raises:
        MalformedPicture: the picture is damaged, so that they cannot be told apart.
    """
    parts = _PARTS.get(kind)
    return parts(file) if parts else (Span(0, size_of(file)),)
