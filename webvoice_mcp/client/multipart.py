"""A multipart/form-data body that is streamed and yet knows its length beforehand (RFC 7578)."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import anyio

from webvoice_mcp.errors import DiskError

_QUOTED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})  # as browsers do


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file as a part of a form.

    Attributes:
        field: name of the form's field.
        name: file name as the receiver is told.
        mime_type: of the content.
        size: bytes that `chunks` adds up to.
        chunks: reads the content from its start, each time it is called.
    """

    field: str
    name: str
    mime_type: str
    size: int
    chunks: Callable[[], AsyncIterator[bytes]]


class Multipart:
    """A form of text fields and files. Each iteration reads the files anew, so a body can be sent again.

    While a block is being sent the next one is read. An iteration that is left early must be closed (`aclose`), as the
    HTTP client does: then nothing reads on.

    Attributes:
        content_type: value of the Content-Type header.
        length: value of the Content-Length header, in bytes.
    """

    def __init__(self, fields: Mapping[str, str], parts: Sequence[FilePart]) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._fields = b"".join(_head(boundary, name) + _encoded(value) + b"\r\n" for name, value in fields.items())
        self._parts = [(_file_head(boundary, part), part) for part in parts]
        self._end = _encoded(f"--{boundary}--\r\n")
        self.length = len(self._fields) + len(self._end) + sum(len(head) + part.size + 2 for head, part in self._parts)

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        """The body in blocks.

        Raises:
            DiskError: a file has not the size it had.
        """
        before = self._fields
        for head, part in self._parts:
            yield before + head
            async with aclosing(_one_ahead(part.chunks())) as blocks:
                left = part.size
                async for block in blocks:
                    left -= len(block)
                    if left < 0:
                        break
                    yield block
            if left:
                raise DiskError(f"{part.name} changed while it was being sent. Try again when it is complete.")
            before = b"\r\n"
        yield before + self._end


def _head(boundary: str, field: str, more: str = "") -> bytes:
    return _encoded(f'--{boundary}\r\nContent-Disposition: form-data; name="{field.translate(_QUOTED)}"{more}\r\n\r\n')


def _file_head(boundary: str, part: FilePart) -> bytes:
    more = f'; filename="{part.name.translate(_QUOTED)}"\r\nContent-Type: {part.mime_type}'
    return _head(boundary, part.field, more)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")  # half a surrogate pair has no UTF-8


async def _one_ahead(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The chunks, each one read while its predecessor is in use."""
    # A task each: a generator may not pause inside a task group, whose scope would then be its user's, too.
    following = asyncio.ensure_future(anext(chunks, None))
    try:
        while (chunk := await following) is not None:
            following = asyncio.ensure_future(anext(chunks, None))
            yield chunk
    finally:
        following.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.gather(following, return_exceptions=True)
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
