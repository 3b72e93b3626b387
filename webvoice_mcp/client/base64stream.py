"""Base64 that arrives in pieces as the inside of a JSON string, decoded as it comes.

Every honest spelling is taken: the standard and the URL-safe alphabet, with or without padding, with white space and
line breaks anywhere, any character written as a JSON escape. Anything else is refused. Bits left over in the last
character are ignored, as the standard library does.
"""

import binascii
import re
from collections.abc import Callable

import pybase64

from webvoice_mcp.client.document import unescaped
from webvoice_mcp.errors import InvalidResponse

Write = Callable[[bytes], None]
"""Takes the next decoded bytes, all of them."""

_STANDARD = bytes.maketrans(b"-_", b"+/")
_WHITE = b" \t\r\n"
_PADDING = ord("=")

_UNFINISHED_ESCAPE = re.compile(rb"\\(?:u.{0,3})?\Z", re.DOTALL)


class Base64Decoder:
    """Decodes base64 text in pieces of any size; keeps at most three characters back.

    Attributes:
        size: bytes written so far.
    """

    def __init__(self, write: Write, name: str) -> None:
        self.size = 0
        self._write = write
        self._name = name
        self._carry = b""
        self._plain = True  # until a piece turns out to have white space or the URL-safe alphabet
        self._ended = False

    def feed(self, text: bytes | memoryview) -> None:
        """Decode the next piece.

        Raises:
            InvalidResponse: it is not base64, or goes on after its padding.
        """
        if not self._plain or self._ended:
            text = _normal(text)
        if self._ended:
            if text:
                raise self._not_base64()
            return
        if self._carry:
            text = b"".join((self._carry, text))
        quads = len(text) & ~3
        try:
            decoded = pybase64.b64decode(memoryview(text)[:quads], validate=True)
        except binascii.Error:
            if not self._plain:
                raise self._not_base64() from None
            self._plain, self._carry = False, b""
            self.feed(text)
            return
        self._carry = bytes(text[quads:])
        self._put(decoded)
        if quads and text[quads - 1] == _PADDING:
            rest, self._carry, self._ended = self._carry, b"", True
            self.feed(rest)

    def finish(self) -> None:
        """Decode what was kept back.

        Raises:
            InvalidResponse: it ends within a group of four characters, or there was nothing at all.
        """
        rest = _normal(self._carry)
        if len(rest) == 1 or _PADDING in rest:
            raise InvalidResponse(f"The base64 of {self._name} is cut short.")
        try:
            self._put(pybase64.b64decode(rest + b"=" * (-len(rest) % 4), validate=True))
        except binascii.Error:
            raise self._not_base64() from None
        if not self.size:
            raise InvalidResponse(f"The base64 of {self._name} is empty.")

    def _put(self, decoded: bytes) -> None:
        if decoded:
            self._write(decoded)
            self.size += len(decoded)

    def _not_base64(self) -> InvalidResponse:
        return not_base64(self._name)


class Base64String:
    """The raw inside of a JSON string: undoes the escapes and decodes the base64."""

    def __init__(self, write: Write, name: str) -> None:
        self._decoder = Base64Decoder(write, name)
        self._name = name
        self._unfinished = b""  # an escape that the end of a piece cut in two

    def feed(self, data: bytes, start: int, stop: int) -> None:
        """Take `data[start:stop]`, in which there is no quotation mark.

        Raises:
            InvalidResponse: it is not base64.
        """
        if not self._unfinished and data.find(b"\\", start, stop) < 0:
            self._decoder.feed(memoryview(data)[start:stop])
            return
        raw = self._unfinished + data[start:stop]
        cut = _UNFINISHED_ESCAPE.search(raw, max(0, len(raw) - 5))
        if cut:
            raw, self._unfinished = raw[: cut.start()], raw[cut.start() :]
        else:
            self._unfinished = b""
        self._decoder.feed(self._unescaped(raw))

    def finish(self) -> int:
        """End the string; returns how many bytes it held.

        Raises:
            InvalidResponse: it was cut short or empty.
        """
        if self._unfinished:
            raise not_base64(self._name)
        self._decoder.finish()
        return self._decoder.size

    def _unescaped(self, raw: bytes) -> bytes:
        # An escaped backslash is no base64; looked for first, since in `\\/` the slash is not the escaped one.
        if b"\\\\" in raw:
            raise not_base64(self._name)
        raw = raw.replace(b"\\/", b"/")
        if b"\\" not in raw:
            return raw
        try:
            return unescaped(raw).encode("ascii")
        except ValueError:  # no such escape, or not ASCII
            raise not_base64(self._name) from None


def not_base64(name: str) -> InvalidResponse:
    """The error for a medium that is something else than base64."""
    return InvalidResponse(f"What the answer has as {name} is not base64.")


def _normal(text: bytes | memoryview) -> bytes:
    return bytes(text).translate(_STANDARD, _WHITE)
