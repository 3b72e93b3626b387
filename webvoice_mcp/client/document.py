"""Strict parsing of JSON documents, and positions in a document that is still arriving."""

import json
import math
import re
from typing import Any

from webvoice_mcp.errors import InvalidResponse

MAX_DEPTH = 64  # brackets open at once
_MAX_PARTS = 200_000  # brackets and commas; a parsed value takes many times the memory of its text

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # possessive, so that an endless string is scanned only once

# strict=False allows raw line breaks in strings, which JSON forbids but which are harmless in base64.
_DECODER = json.JSONDecoder(strict=False)

_OPENING = {b"}": ord("{"), b"]": ord("[")}


class JsonPosition:
    """A position in a JSON document, by which media strings are recognized.

    A media string is the value of a media member (a member of the outermost object whose name is in `fields`), or a
    string in an array that is such a value.

    Attributes:
        field: name of the media member that the position is in, "" if it is in none.
        index: number of commas passed in the member's array.
    """

    def __init__(self, fields: frozenset[str]) -> None:
        self.field = ""
        self.index = 0
        self._fields = fields
        # A character takes up to two escapes of six bytes.
        self._max_key = max((12 * len(field) for field in fields), default=0)
        self._seen: set[str] = set()
        self._open = bytearray()
        self._in_value = False  # in a member of the outermost object, between its colon and its comma
        self._has_string = False  # a string was found since the last comma

    @property
    def is_at_key(self) -> bool:
        """True if a string that begins here is a key of the outermost object."""
        return not self._in_value and self._open == b"{"

    @property
    def is_at_media(self) -> bool:
        """True if a string that begins here is a media string."""
        return bool(self.field) and not self._has_string and (self._open == b"{" or self._open == b"{[")

    @property
    def name(self) -> str:
        """The media string's name for messages, such as `audio` or `images[1]`."""
        return self.field if self._open == b"{" else f"{self.field}[{self.index}]"

    @property
    def is_outside(self) -> bool:
        """True if no bracket is open."""
        return not self._open

    def pass_token(self, token: bytes) -> None:
        """Move past a bracket, comma or colon.

        Raises:
            InvalidResponse: the brackets do not match, or too many are open.
        """
        if token in _OPENING:
            if not self._open or self._open.pop() != _OPENING[token]:
                raise not_json_error()
        elif token in b"{[":
            self._open += token
            if len(self._open) > MAX_DEPTH:
                raise _too_deep_error()
        elif self._open == b"{":
            self._in_value = token == b":"
            if token == b",":
                self.field, self.index, self._has_string = "", 0, False
        elif token == b"," and self._open == b"{[":
            self.index, self._has_string = self.index + 1, False

    def enter_media(self) -> None:
        """Move into a media string. The next one can begin only after a comma."""
        self._has_string = True

    def pass_key(self, key: bytes) -> None:
        """Move past a key of the outermost object, given as it is written between its quotation marks.

        Raises:
            InvalidResponse: a media member occurs twice.
        """
        if len(key) > self._max_key:
            return
        try:
            name = unescape(key)
        except ValueError:
            return  # `parse_json` will refuse the document
        if name in self._seen:
            raise InvalidResponse(f"The answer has {name} twice.")
        if name in self._fields:
            self._seen.add(name)
            self.field = name


def parse_json(text: bytes, *, keep_surrogates: bool = False) -> Any:
    """Parse a JSON document into values that can be written as JSON again.

    NaN and infinities become None, and lone surrogates become U+FFFD. A byte order mark is skipped.

    Args:
        text: the document in UTF-8.
        keep_surrogates: True to keep lone surrogates, because their other halves may be in the next document.

    Raises:
        InvalidResponse: it is not UTF-8, not JSON, nested deeper than `MAX_DEPTH`, or has too many parts.
    """
    if _count_parts(text) > _MAX_PARTS and _count_parts(_STRING.sub(b"", text)) > _MAX_PARTS:
        raise InvalidResponse("The answer has too many parts.")
    try:
        document = json.loads(text.decode("utf-8-sig"), parse_float=_parse_float, parse_constant=lambda _: None)
    except UnicodeDecodeError:
        raise InvalidResponse("The answer is not UTF-8.") from None
    except json.JSONDecodeError:
        raise not_json_error() from None
    except RecursionError:
        raise _too_deep_error() from None
    except ValueError:  # Python limits the digits of an integer
        raise InvalidResponse("The answer has a number with too many digits.") from None
    _check_depth(document, MAX_DEPTH)
    return replace_surrogates(document) if not keep_surrogates and b"\\ud" in text.lower() else document


def replace_surrogates(value: Any) -> Any:
    """Return a JSON value with U+FFFD for each lone surrogate. A surrogate pair becomes one character."""
    match value:
        case str():
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case list():
            return [replace_surrogates(item) for item in value]
        case dict():
            return {replace_surrogates(key): replace_surrogates(item) for key, item in value.items()}
        case _:
            return value


def unescape(raw: bytes) -> str:
    """Return the text of a JSON string, given as it is written between its quotation marks.

    Raises:
        ValueError: it is not UTF-8, or has an escape that JSON does not know.
    """
    text: str = _DECODER.decode(f'"{raw.decode()}"')
    return text


def not_json_error() -> InvalidResponse:
    """Return the error for an answer that is not JSON."""
    return InvalidResponse("The answer is not JSON. Check WEBVOICE_BASE_URL, or try again later.")


def _count_parts(text: bytes) -> int:
    return sum(text.count(mark) for mark in b",[{")


def _too_deep_error() -> InvalidResponse:
    return InvalidResponse("The answer is nested too deeply.")


def _check_depth(value: Any, left: int) -> None:
    if isinstance(value, dict | list):
        if not left:
            raise _too_deep_error()
        for item in value.values() if isinstance(value, dict) else value:
            _check_depth(item, left - 1)


def _parse_float(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None
