"""A JSON body with files in it as base64, streamed, that knows its length beforehand."""

import base64
import json
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Any

from webvoice_mcp.client.multipart import FilePart
from webvoice_mcp.errors import DiskError


class JsonBody:
    """A document in which some strings are the base64 of files. Each iteration reads the files anew.

    Attributes:
        content_type: value of the Content-Type header.
        length: value of the Content-Length header, in bytes.
    """

    content_type = "application/json"

    def __init__(self, document: Callable[[Callable[[FilePart], str]], Mapping[str, Any]]) -> None:
        """Build the document.

        Args:
            document: makes it; is given a function that takes a file and gives the string that stands for it.
        """
        mark = secrets.token_hex(16)
        self._parts: list[FilePart] = []

        def standing_for(part: FilePart) -> str:
            self._parts.append(part)
            return mark

        text = json.dumps(document(standing_for), ensure_ascii=False, separators=(",", ":"))
        self._between = [each.encode("utf-8", "replace") for each in text.split(mark)]
        encoded = sum((part.size + 2) // 3 * 4 for part in self._parts)
        self.length = sum(map(len, self._between)) + encoded

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        """The body in blocks.

        Raises:
            DiskError: a file has not the size it had.
        """
        yield self._between[0]
        for part, after in zip(self._parts, self._between[1:], strict=True):
            async with aclosing(_encoded(part)) as blocks:
                async for block in blocks:
                    yield block
            yield after


async def _encoded(part: FilePart) -> AsyncGenerator[bytes, None]:
    left, carry = part.size, b""
    chunks: AsyncIterator[bytes] = part.chunks()
    async for chunk in chunks:
        left -= len(chunk)
        data = carry + chunk if carry else chunk
        whole = len(data) - len(data) % 3  # what is left over goes in front of the next block
        carry = data[whole:]
        yield base64.b64encode(data[:whole])
    if left:
        raise DiskError(f"{part.name} changed while it was being sent. Try again when it is complete.")
    yield base64.b64encode(carry)
