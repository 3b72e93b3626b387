"""Saved pictures handed to the model as image content, as far as hosts let them through."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import anyio
import anyio.to_thread
from mcp.types import ImageContent

from webvoice_mcp.files import SavedFile

_ALL_BYTES = 700 * 1024  # of an answer's pictures together; hosts refuse answers over 1 MiB, base64 adds a third
_SIDE = 1024  # pixels of a picture that had to be made smaller
_QUALITIES = (85, 70, 50)
_SHOWN_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})

# Made once and not anyio's own: stdin and stdout live on that one.
_threads = anyio.CapacityLimiter(2)


class Pictures:
    """Makes image content of files; nothing where the settings say so."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled

    async def of(self, files: Sequence[SavedFile]) -> tuple[ImageContent, ...]:
        """Content for as many of these files as fit; one that does not is left to its link.

        A picture that is too large is made smaller where Pillow is installed.
        """
        shown: list[ImageContent] = []
        left = _ALL_BYTES
        for number, file in enumerate(files if self._enabled else ()):
            share = left // (len(files) - number)
            found = await anyio.to_thread.run_sync(_content, file, share, limiter=_threads)
            if found:
                data, mime_type = found
                left -= len(data)
                shown.append(ImageContent(data=base64.b64encode(data).decode(), mime_type=mime_type))
        return tuple(shown)


def _content(file: SavedFile, most: int) -> tuple[bytes, str] | None:
    if file.mime_type not in _SHOWN_TYPES:
        return None
    try:
        if file.size_bytes > most:
            return _smaller(Path(file.path), most)
        return Path(file.path).read_bytes(), file.mime_type
    except OSError:  # moved away meanwhile; the picture is paid for and the answer says where it was
        return None


def _smaller(path: Path, most: int) -> tuple[bytes, str] | None:
    try:
        from PIL import Image  # noqa: PLC0415 - optional, and heavy
    except ImportError:
        return None
    try:
        with Image.open(path) as image:
            image.thumbnail((_SIDE, _SIDE))
            small = image.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=quality)
        if buffer.tell() <= most:
            return buffer.getvalue(), "image/jpeg"
    return None
