"""Decompression of answers in gzip and deflate, in little memory whatever follows the compressed data.

httpx2's decoder keeps everything behind the first member of a gzip file in memory, and does not decode it.
"""

import zlib
from collections.abc import AsyncIterator

import httpx2

from webvoice_mcp.client.checkpoint import Checkpointer

_GZIP = zlib.MAX_WBITS | 16
_RAW = -zlib.MAX_WBITS
_FORMATS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (zlib.MAX_WBITS, _RAW)}  # deflate has two forms in use
_GZIP_MAGIC = 0x1F  # the first byte of a member
_MAX_INPUT_BYTES = 16 << 10  # given to zlib at once: it copies what follows a member
_MAX_OUTPUT_BYTES = 1 << 20


def decompressed(response: httpx2.Response) -> httpx2.Response:
    """Return a response whose body is decompressed while it is read; other codings are left to httpx2.

    Reading the body raises `httpx2.DecodingError` if it is not in the format that its header names.
    """
    formats = _FORMATS.get(response.headers.get("content-encoding", "").strip().lower())
    if not formats:
        return response
    described = {"content-encoding", "content-length"}  # these describe the compressed body
    return httpx2.Response(
        response.status_code,
        headers=[(name, value) for name, value in response.headers.multi_items() if name not in described],
        stream=_Inflated(response, formats),
        request=response.request,
        extensions=response.extensions,
    )


class _Inflated(httpx2.AsyncByteStream):
    def __init__(self, response: httpx2.Response, formats: tuple[int, ...]) -> None:
        self._response = response
        self._formats = formats

    async def __aiter__(self) -> AsyncIterator[bytes]:
        inflater, checkpointer = _Inflater(self._formats), Checkpointer()
        async for received in self._response.aiter_raw():
            for start in range(0, len(received), _MAX_INPUT_BYTES):
                rest = received[start : start + _MAX_INPUT_BYTES]
                while rest:
                    piece, rest = inflater.inflate(rest)
                    await checkpointer.checkpoint()  # members may be empty, and then nobody else does this
                    if piece:
                        yield piece
        while piece := inflater.inflate(b"")[0]:
            yield piece

    async def aclose(self) -> None:
        await self._response.aclose()


class _Inflater:
    """Decompresses the members of a gzip file, or deflate data, one after another."""

    def __init__(self, formats: tuple[int, ...]) -> None:
        self._format, *self._others = formats
        self._zlib = zlib.decompressobj(self._format)
        self._has_ended = False

    def inflate(self, data: bytes) -> tuple[bytes, bytes]:
        """Return a decompressed piece, and the data to pass to the next call. Data behind the last member are dropped.

        Raises:
            httpx2.DecodingError: the data are damaged, or in another format.
        """
        if data and self._zlib.eof and not self._has_ended:
            self._has_ended = self._format != _GZIP or data[0] != _GZIP_MAGIC
            self._zlib = zlib.decompressobj(self._format)
        if self._has_ended:
            return b"", b""
        others, self._others = self._others, []
        try:
            piece = self._zlib.decompress(data, _MAX_OUTPUT_BYTES)
        except zlib.error as error:
            if not others:
                raise httpx2.DecodingError(str(error)) from error
            self._format = others[0]
            self._zlib = zlib.decompressobj(self._format)
            return b"", data
        return piece, self._zlib.unconsumed_tail or self._zlib.unused_data
