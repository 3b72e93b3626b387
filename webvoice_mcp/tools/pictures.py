"""Saved pictures as image content for the model, as far as hosts accept them and can show them."""

import base64
from collections.abc import Sequence

from mcp.types import ImageContent

from webvoice_mcp.errors import DiskError
from webvoice_mcp.files import SavedFile, count_pixels, read_back
from webvoice_mcp.storage.threads import WorkerThreads
from webvoice_mcp.studio.pictures import scaled_down

_MAX_BYTES = 700 * 1024  # for all pictures of an answer: hosts refuse answers over 1 MiB, and base64 adds a third
_MAX_READ_BYTES = 64 * 1024**2  # a larger picture is not scaled down
_MAX_PIXELS = 40_000_000  # a picture with more is not shown: it takes a gigabyte of memory, here or in the host
_MAX_SCANS = 32  # of a JPEG: ten are usual, and each takes as much time as the whole picture
_JPEG_START = b"\xff\xd8"
_JPEG_SCAN = b"\xff\xda"
_SHOWN_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})


async def image_content(files: Sequence[SavedFile]) -> tuple[ImageContent, ...]:
    """Return content for as many of the pictures as fit.

    If they do not all fit, a large one is scaled down, provided that Pillow is installed and that decoding takes little
    time and memory, or else left out. One of over 40 million pixels is always left out.
    """
    pictures = [file for file in files if file.mime_type in _SHOWN_TYPES]
    all_fit = sum(file.size_bytes for file in pictures) <= _MAX_BYTES
    threads = WorkerThreads(1)
    shown: list[ImageContent] = []
    left = _MAX_BYTES
    for number, file in enumerate(pictures):
        share = left if all_fit else left // (len(pictures) - number)
        if content := await threads.run(_content, file, share):
            data, mime_type = content
            left -= len(data)
            shown.append(ImageContent(data=base64.b64encode(data).decode(), mime_type=mime_type))
    return tuple(shown)


def _content(file: SavedFile, limit: int) -> tuple[bytes, str] | None:
    if file.size_bytes > _MAX_READ_BYTES:
        return None
    try:
        content = read_back(file)
    except DiskError:  # moved since; the answer still says where it was saved
        return None
    pixels = count_pixels(content)
    if pixels is not None and pixels > _MAX_PIXELS:
        return None
    if len(content) <= limit:
        return content, file.mime_type
    is_cheap = not content.startswith(_JPEG_START) or content.count(_JPEG_SCAN) <= _MAX_SCANS
    return scaled_down(content, limit, _MAX_PIXELS) if pixels and is_cheap else None
