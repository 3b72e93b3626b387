"""Decoding of base64 that arrives in pieces inside a JSON string.

Every correct spelling is accepted: the standard and the URL-safe alphabet, with or without padding, with white space
and line breaks anywhere, and with any character written as a JSON escape. Everything else is refused. Unused bits in
the last character are ignored, as in the standard library.
"""

import binascii
import re
from collections.abc import Callable

import pybase64

from webvoice_mcp.client.document import unescape
from webvoice_mcp.errors import InvalidResponse

Write = Callable[[bytes], None]
"""Takes the next decoded bytes and must consume all of them."""

_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_WHITE_SPACE = b" \t\r\n"
_PADDING = ord("=")

_UNFINISHED_ESCAPE = re.compile(rb"\\(?:u.{0,3})?\Z", re.DOTALL)


class Base64Decoder:
    """Decodes base64 text in pieces of any size, and holds back at most three characters.

    Attributes:
        size: bytes written so far.
    """

    def __init__(self, write: Write, name: str) -> None:
        self.size = 0
        self._write = write
        self._name = name
        self._carry = b""
        self._is_plain = True  # no piece so far has white space or the URL-safe alphabet
        self._is_padded = False  # the padding has arrived, so the text has ended

    def feed(self, text: bytes | memoryview) -> None:
        """Decode the next piece.

        Raises:
            InvalidResponse: the text is not base64, or continues after its padding.
        """
        if not self._is_plain or self._is_padded:
            text = _normalize(text)
        if self._is_padded:
            if text:
                raise self._not_base64_error()
            return
        if self._carry:
            text = b"".join((self._carry, text))
        complete = len(text) & ~3
        try:
            decoded = pybase64.b64decode(memoryview(text)[:complete], validate=True)
        except binascii.Error:
            if not self._is_plain:
                raise self._not_base64_error() from None
            self._is_plain, self._carry = False, b""
            self.feed(text)
            return
        self._carry = bytes(text[complete:])
        self._put(decoded)
        if complete and text[complete - 1] == _PADDING:
            rest, self._carry, self._is_padded = self._carry, b"", True
            self.feed(rest)

    def finish(self) -> None:
        """Decode the characters that were held back.

        Raises:
            InvalidResponse: the text ends within a group of four characters, or is empty.
        """
        rest = _normalize(self._carry)
        if len(rest) == 1 or _PADDING in rest:
            raise InvalidResponse(f"The base64 of {self._name} is cut short.")
        try:
            self._put(pybase64.b64decode(rest + b"=" * (-len(rest) % 4), validate=True))
        except binascii.Error:
            raise self._not_base64_error() from None
        if not self.size:
            raise InvalidResponse(f"The base64 of {self._name} is empty.")

    def _put(self, decoded: bytes) -> None:
        if decoded:
            self._write(decoded)
            self.size += len(decoded)

    def _not_base64_error(self) -> InvalidResponse:
        return not_base64_error(self._name)


class Base64String:
    """Decodes the raw content of a JSON string: first its escapes, then its base64."""

    def __init__(self, write: Write, name: str) -> None:
        self._decoder = Base64Decoder(write, name)
        self._name = name
        self._unfinished = b""  # the beginning of an escape that ends in the next piece

    def feed(self, data: bytes, start: int, stop: int) -> None:
        """Decode `data[start:stop]`, which must not contain a quotation mark.

        Raises:
            InvalidResponse: it is not base64.
        """
        if not self._unfinished and data.find(b"\\", start, stop) < 0:
            self._decoder.feed(memoryview(data)[start:stop])
            return
        raw = self._unfinished + data[start:stop]
        match = _UNFINISHED_ESCAPE.search(raw, max(0, len(raw) - 5))
        if match:
            raw, self._unfinished = raw[: match.start()], raw[match.start() :]
        else:
            self._unfinished = b""
        self._decoder.feed(self._unescape(raw))

    def finish(self) -> int:
        """End the string and return the number of decoded bytes.

        Raises:
            InvalidResponse: it was cut short or empty.
        """
        if self._unfinished:
            raise not_base64_error(self._name)
        self._decoder.finish()
        return self._decoder.size

    def _unescape(self, raw: bytes) -> bytes:
        # Refuse an escaped backslash before unescaping slashes, because in `\\/` the slash is not escaped.
        if b"\\\\" in raw:
            raise not_base64_error(self._name)
        raw = raw.replace(b"\\/", b"/")
        if b"\\" not in raw:
            return raw
        try:
            return unescape(raw).encode("ascii")
        except ValueError:  # an unknown escape, or not ASCII
            raise not_base64_error(self._name) from None


def not_base64_error(name: str) -> InvalidResponse:
    """Return the error for a media string that is not base64."""
    return InvalidResponse(f"The answer's {name} is not base64.")


def _normalize(text: bytes | memoryview) -> bytes:
    return bytes(text).translate(_TO_STANDARD, _WHITE_SPACE)
