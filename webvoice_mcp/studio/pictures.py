"""Pictures made smaller, or saved in another format. Pillow and libheif are optional and imported at first use."""

import io
from typing import Any, BinaryIO

from webvoice_mcp.files.kinds import HEIC, JPEG, Kind
from webvoice_mcp.files.opened_file import Converted
from webvoice_mcp.studio._temporary import discard, open_temporary, temporary_disk
from webvoice_mcp.studio.decoder import DamagedError, TooLargeError

MAX_PIXELS = 64_000_000
"""Of a picture that is converted. Phones make up to 50 million; each takes about ten bytes of memory."""

_SIDE_PIXELS = 1024  # of a picture that was scaled down
_JPEG_QUALITIES = (85, 70, 50)
_SENT_QUALITY = 95
_DAMAGE = (OSError, SyntaxError, ValueError, RuntimeError, EOFError, MemoryError)  # what Pillow and libheif raise


class TooManyPixelsError(Exception):
    """Decoding the picture would take too much memory."""


def to_jpeg(file: BinaryIO, kind: Kind, max_bytes: int) -> Converted:
    """Return a HEIC or AVIF picture as JPEG, upright and without metadata; the colour profile stays. Blocks.

    Raises:
        ImportError: a package of the extra `media` is missing.
        TooManyPixelsError: it has more than `MAX_PIXELS`.
        TooLargeError: the JPEG has more than `max_bytes`.
        DamagedError: it cannot be decoded.
        DiskError: there is no room.
    """
    file.seek(0)
    buffer = io.BytesIO()
    try:
        picture = _opened(file, kind)
        if picture.width * picture.height > MAX_PIXELS:
            raise TooManyPixelsError
        profile = picture.info.get("icc_profile")
        _flat(picture).save(buffer, "JPEG", quality=_SENT_QUALITY, icc_profile=profile, exif=b"")
    except _DAMAGE as error:
        raise DamagedError from error
    if buffer.tell() > max_bytes:
        raise TooLargeError
    target = open_temporary()
    try:
        with temporary_disk():
            target.write(buffer.getbuffer())
            target.flush()
    except BaseException:
        discard(target)
        raise
    return Converted(target, JPEG)


def scaled_down(content: bytes, limit: int, max_pixels: int) -> tuple[bytes, str] | None:
    """Return a picture as a small JPEG of at most `limit` bytes, and its media type; None if that is not possible."""
    try:
        from PIL import Image  # noqa: PLC0415 - optional, and slow to import

        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > max_pixels:  # it may take the size from a later place than we do
                return None
            image.thumbnail((_SIDE_PIXELS, _SIDE_PIXELS))
            small = image.convert("RGB")
        for quality in _JPEG_QUALITIES:
            buffer = io.BytesIO()
            small.save(buffer, "JPEG", quality=quality)
            if buffer.tell() <= limit:
                return buffer.getvalue(), "image/jpeg"
    except Exception:  # noqa: BLE001 - no Pillow, or any of its errors: a paid picture must not end in a crash
        return None
    return None


def _opened(file: BinaryIO, kind: Kind) -> Any:
    """Return the picture, of which only the header has been read. No plugin is registered for all of Pillow."""
    if kind is HEIC:
        from pillow_heif import HeifImageFile  # noqa: PLC0415 - optional, and slow to import

        return HeifImageFile(file)  # type: ignore[no-untyped-call]  # it has no types
    from PIL import AvifImagePlugin  # noqa: PLC0415 - optional, and slow to import

    return AvifImagePlugin.AvifImageFile(file)


def _flat(picture: Any) -> Any:
    """Return the picture upright, and on white where it can be seen through."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - optional, and slow to import

    upright = ImageOps.exif_transpose(picture)
    if not upright.has_transparency_data:
        return upright.convert("RGB")
    ground = Image.new("RGBA", upright.size, "white")
    return Image.alpha_composite(ground, upright.convert("RGBA")).convert("RGB")
