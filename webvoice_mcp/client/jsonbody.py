"""A JSON body with files as base64. It is streamed from the files, and its length is known in advance.

This is our own code, because JSON libraries need the whole base64 in memory.
"""

import base64
import json
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Any

from webvoice_mcp.client.multipart import FormFile
from webvoice_mcp.errors import DiskError


class JsonBody:
    """A JSON document in which some strings are the base64 of files. Each iteration reads the files again.

    Attributes:
        content_type: value of the Content-Type header.
        length: value of the Content-Length header, in bytes.
    """

    content_type = "application/json"

    def __init__(self, document: Callable[[Callable[[FormFile], str]], Mapping[str, Any]]) -> None:
        """Build the document.

        Args:
            document: returns the document; takes a function that returns a placeholder for a file's base64.
        """
        mark = secrets.token_hex(16)
        self._files: list[FormFile] = []

        def placeholder(file: FormFile) -> str:
            self._files.append(file)
            return mark

        text = json.dumps(document(placeholder), ensure_ascii=False, separators=(",", ":"))
        self._texts = [piece.encode("utf-8", "replace") for piece in text.split(mark)]
        encoded = sum((file.size + 2) // 3 * 4 for file in self._files)
        self.length = sum(map(len, self._texts)) + encoded

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        """Iterate over the body in blocks.

        Raises:
            DiskError: a file's content is longer or shorter than its `size`.
        """
        yield self._texts[0]
        for file, after in zip(self._files, self._texts[1:], strict=True):
            async with aclosing(_encode(file)) as blocks:
                async for block in blocks:
                    yield block
            yield after


async def _encode(file: FormFile) -> AsyncGenerator[bytes, None]:
    left, carry = file.size, b""
    chunks: AsyncIterator[bytes] = file.chunks()
    async for chunk in chunks:
        left -= len(chunk)
        data = carry + chunk if carry else chunk
        complete = len(data) - len(data) % 3  # a group of three bytes becomes four characters
        carry = data[complete:]
        yield base64.b64encode(data[:complete])
    if left:
        raise DiskError(f"{file.name} changed while it was being sent. Try again when it is complete.")
    yield base64.b64encode(carry)
