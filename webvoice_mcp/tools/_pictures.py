"""Saved pictures handed to the model as image content, as far as hosts let them through."""

import base64
import io
from collections.abc import Sequence

import anyio
import anyio.to_thread
from mcp.types import ImageContent

from webvoice_mcp.errors import DiskError
from webvoice_mcp.files import SavedFile, read_back

_ALL_BYTES = 700 * 1024  # of an answer's pictures together; hosts refuse answers over 1 MiB, base64 adds a third
_MOST_READ = 64 * 1024**2  # bytes of one picture that are looked at to make it smaller
_SIDE = 1024  # pixels of a picture that had to be made smaller
_QUALITIES = (85, 70, 50)
_SHOWN_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})


class Pictures:
    """Makes image content of files; nothing where the settings say so."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._thread = anyio.CapacityLimiter(1)  # never anyio's own limiter: stdin and stdout live on it

    async def of(self, files: Sequence[SavedFile]) -> tuple[ImageContent, ...]:
        """Content for as many of these files as fit; one that does not is left to its link.

        Where they do not fit together, a large one is made smaller, as far as Pillow is installed.
        """
        pictures = [each for each in files if self._enabled and each.mime_type in _SHOWN_TYPES]
        fit_together = sum(each.size_bytes for each in pictures) <= _ALL_BYTES
        shown: list[ImageContent] = []
        left = _ALL_BYTES
        for number, file in enumerate(pictures):
            share = left if fit_together else left // (len(pictures) - number)
            found = await anyio.to_thread.run_sync(_content, file, share, limiter=self._thread)
            if found:
                data, mime_type = found
                left -= len(data)
                shown.append(ImageContent(data=base64.b64encode(data).decode(), mime_type=mime_type))
        return tuple(shown)


def _content(file: SavedFile, most: int) -> tuple[bytes, str] | None:
    if file.size_bytes > _MOST_READ:
        return None
    try:
        content = read_back(file)
    except DiskError:  # moved away meanwhile; the picture is paid for and the answer says where it was
        return None
    return (content, file.mime_type) if len(content) <= most else _smaller(content, most)


def _smaller(content: bytes, most: int) -> tuple[bytes, str] | None:
    try:
        from PIL import Image  # noqa: PLC0415 - optional, and heavy

        with Image.open(io.BytesIO(content)) as image:
            image.thumbnail((_SIDE, _SIDE))
            small = image.convert("RGB")
        for quality in _QUALITIES:
            buffer = io.BytesIO()
            small.save(buffer, "JPEG", quality=quality)
            if buffer.tell() <= most:
                return buffer.getvalue(), "image/jpeg"
    except Exception:  # noqa: BLE001 - no Pillow, or any of its errors: a picture that was paid for becomes no crash
        return None
    return None
