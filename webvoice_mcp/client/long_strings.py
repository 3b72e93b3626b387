"""Reading of a JSON document whose long strings may be pictures, so that none of them is held in memory.

Short strings stay in the document. A long one is unescaped in pieces and passed to a scanner, which decodes what is a
picture; what remains of it is put back into the parsed document.
"""

import codecs
import re
import secrets
from collections.abc import Callable
from typing import Any

from webvoice_mcp.client.data_links import LinkScanner, Scanned, StringScanner, begin_string
from webvoice_mcp.client.document import not_json_error, replace_surrogates, unescape
from webvoice_mcp.client.pictures import Pictures
from webvoice_mcp.client.splitter import find_closing_quote
from webvoice_mcp.errors import InvalidResponse

LONG_BYTES = 16 << 10
"""A string of more bytes is long."""

_UNITS = re.compile(rb"(?:[^\\]++|\\u[0-9a-fA-F]{4}|\\[^u])*+", re.DOTALL)
_MAX_ESCAPE_BYTES = 6
_MAX_KEY_BYTES = 64  # of the names that matter here


class LongStrings:
    """Takes a JSON document in pieces, and keeps it without its pictures."""

    def __init__(self, pictures: Pictures, limit: int, *, content: LinkScanner | None = None) -> None:
        """Begin a document.

        Args:
            pictures: the answer's pictures.
            limit: the most bytes besides pictures.
            content: scans `content`, if a link may go on in the next document.
        """
        self._pictures = pictures
        self._limit = limit
        self._content = content
        self._rest = bytearray()
        self._step: Callable[[LongStrings, bytes, int], int] = LongStrings._read_between
        self._is_escaped = False
        self._start = 0  # offset in `_rest` of the current string
        self._string = ""  # the last short string, which may be a key
        self._key = ""
        self._mark = f"long-{secrets.token_hex(16)}-"
        self._texts: dict[str, Scanned | None] = {}  # None for a picture
        self._size = 0  # characters of all long strings that remain
        self._scanner: StringScanner
        self._pieces: list[str] = []
        self._raw = b""  # the beginning of an escape
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> None:
        """Take the next piece.

        Raises:
            InvalidResponse: the document is too large, or has an escape that JSON does not know.
        """
        offset = 0
        while offset < len(data):
            offset = self._step(self, data, offset)
        if len(self._rest) + self._size > self._limit:
            raise too_large_error(self._limit)

    def finish(self) -> bytes:
        """Return the document, with a mark in place of each long string. A string that did not end is left open."""
        return bytes(self._rest)

    def restore(self, document: Any) -> Any:
        """Return the parsed document with what remains of its long strings."""
        if not self._texts:
            return document
        match document:
            case str():
                return self._texts.get(document, document)
            case list():
                return [self.restore(item) for item in document]
            case dict():
                return {name: self.restore(item) for name, item in document.items()}
            case _:
                return document

    # A step reads `data` from an offset and returns the offset at which the next step, `self._step`, continues.

    def _read_between(self, data: bytes, offset: int) -> int:
        quote = data.find(b'"', offset)
        if quote < 0:
            self._rest += data[offset:]
            return len(data)
        self._rest += data[offset:quote]
        if self._rest[-64:].rstrip().endswith(b":"):
            self._key = self._string
        self._rest += b'"'
        self._start = len(self._rest)
        self._step = LongStrings._read_short
        return quote + 1

    def _read_short(self, data: bytes, offset: int) -> int:
        stop = min(len(data), offset + LONG_BYTES + 1 - (len(self._rest) - self._start))
        quote, self._is_escaped = find_closing_quote(data, offset, stop, is_escaped=self._is_escaped)
        if quote >= 0:
            self._rest += data[offset : quote + 1]
            if len(self._rest) - self._start < _MAX_KEY_BYTES:
                self._string = self._rest[self._start : -1].decode("utf-8", "replace")
            self._step = LongStrings._read_between
            return quote + 1
        self._rest += data[offset:stop]
        if len(self._rest) - self._start > LONG_BYTES:
            head = bytes(self._rest[self._start :])
            del self._rest[self._start :]
            self._begin_long(head)
        return stop

    def _begin_long(self, raw: bytes) -> None:
        head = self._unescape(raw)
        if self._content and self._key == "content":
            self._scanner, rest = self._content, head
        else:
            self._scanner, rest = begin_string(self._key, head, self._pictures)
        self._keep(self._scanner.feed(rest))
        self._step = LongStrings._read_long

    def _read_long(self, data: bytes, offset: int) -> int:
        quote, self._is_escaped = find_closing_quote(data, offset, len(data), is_escaped=self._is_escaped)
        self._keep(self._scanner.feed(self._unescape(data[offset : quote if quote >= 0 else len(data)])))
        if quote < 0:
            return len(data)
        if self._raw:
            raise not_json_error()
        self._keep(self._decoder.decode(b"", final=True))
        self._decoder.reset()
        if self._scanner is not self._content:
            self._keep(self._scanner.finish())
        mark = f"{self._mark}{len(self._texts)}-"
        text = Scanned(replace_surrogates("".join(self._pieces)))
        self._texts[mark] = None if self._scanner.is_picture else text
        self._pieces.clear()
        self._rest += mark.encode() + b'"'
        self._step = LongStrings._read_between
        return quote + 1

    def _keep(self, text: str) -> None:
        if text:
            self._pieces.append(text)
            self._size += len(text)

    def _unescape(self, raw: bytes) -> str:
        """Return the text of a piece of a JSON string; an escape that is not complete waits for the next piece."""
        raw = self._raw + raw
        self._raw = b""
        if b"\\" in raw:
            match = _UNITS.match(raw)
            end = match.end() if match else 0
            raw, self._raw = raw[:end], raw[end:]
            if len(self._raw) >= _MAX_ESCAPE_BYTES:
                raise not_json_error()
        text = self._decoder.decode(raw)
        if "\\" not in text:
            return text
        try:
            return unescape(text.encode())
        except ValueError:
            raise not_json_error() from None


def too_large_error(limit: int) -> InvalidResponse:
    """Return the error for an answer with more than `limit` bytes besides pictures."""
    return InvalidResponse(f"The service's answer is larger than {limit >> 20} MiB and was discarded.")
