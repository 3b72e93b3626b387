"""A multipart/form-data body (RFC 7578). It is streamed from files, and its length is known in advance.

This is our own code, because httpx2's multipart encoder reads files synchronously and would block the event loop.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import anyio

from webvoice_mcp.errors import DiskError

_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})  # as browsers do


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file in a form.

    Attributes:
        field: name of the form's field.
        name: file name to send to the service.
        mime_type: media type of the content.
        size: length of the content in bytes.
        chunks: returns a new iterator over the whole content at each call.
    """

    field: str
    name: str
    mime_type: str
    size: int
    chunks: Callable[[], AsyncIterator[bytes]]


class Multipart:
    """A form of text fields and files. Each iteration reads the files again, so a body can be sent again.

    The next block is read while one is being sent. Code that stops an iteration early must call `aclose`, as the HTTP
    client does, to end the reading.

    Attributes:
        content_type: value of the Content-Type header.
        length: value of the Content-Length header, in bytes.
    """

    def __init__(self, fields: Mapping[str, str], files: Sequence[FormFile]) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._fields = b"".join(_head(boundary, name) + _encode(value) + b"\r\n" for name, value in fields.items())
        self._files = [(_file_head(boundary, file), file) for file in files]
        self._end = _encode(f"--{boundary}--\r\n")
        self.length = len(self._fields) + len(self._end) + sum(len(head) + file.size + 2 for head, file in self._files)

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        """Iterate over the body in blocks.

        Raises:
            DiskError: a file's content is longer or shorter than its `size`.
        """
        before = self._fields
        for head, file in self._files:
            yield before + head
            async with aclosing(_read_ahead(file.chunks())) as blocks:
                left = file.size
                async for block in blocks:
                    left -= len(block)
                    if left < 0:
                        break
                    yield block
            if left:
                raise DiskError(f"{file.name} changed while it was being sent. Try again when it is complete.")
            before = b"\r\n"
        yield before + self._end


def _head(boundary: str, field: str, more: str = "") -> bytes:
    return _encode(f'--{boundary}\r\nContent-Disposition: form-data; name="{field.translate(_ESCAPES)}"{more}\r\n\r\n')


def _file_head(boundary: str, file: FormFile) -> bytes:
    more = f'; filename="{file.name.translate(_ESCAPES)}"\r\nContent-Type: {file.mime_type}'
    return _head(boundary, file.field, more)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "replace")  # a lone surrogate cannot be encoded


async def _read_ahead(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Iterate over the chunks, reading the next one while the last is in use."""
    # One task for each chunk: a task group must not be open while a generator yields.
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
