"""A JSON document seen from outside: where in it a string lies, and what it says in the end."""

import json
import math
import re
from typing import Any

from webvoice_mcp.errors import InvalidResponse

MAX_DEPTH = 64  # brackets open at once
_MAX_PARTS = 200_000  # brackets and commas: each may be a value, which takes many times the bytes it is written in

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # possessive: one that never ends is gone through once

# strict=False: a raw line break in a string is no JSON, yet in base64 it does no harm.
_DECODER = json.JSONDecoder(strict=False)

_PARTNER = {b"}": ord("{"), b"]": ord("[")}


class Place:
    """Where in a document we are: just enough to know a string member of the outermost object, or of its array.

    Attributes:
        field: the wanted member that we are in the value of, else empty.
        index: how many commas we are into its array.
    """

    def __init__(self, fields: frozenset[str]) -> None:
        self.field = ""
        self.index = 0
        self._fields = fields
        self._longest = max((12 * len(field) for field in fields), default=0)  # each character as two escapes
        self._seen: set[str] = set()
        self._open = bytearray()
        self._in_value = False  # of the outermost object: after the colon, before the comma
        self._taken = False  # the string that may stand here has been

    @property
    def at_key(self) -> bool:
        """Whether a string that begins here is a key of the outermost object."""
        return not self._in_value and self._open == b"{"

    @property
    def at_medium(self) -> bool:
        """Whether a string that begins here is a wanted one."""
        return bool(self.field) and not self._taken and (self._open == b"{" or self._open == b"{[")

    @property
    def name(self) -> str:
        """The wanted string that we are in, for a message."""
        return self.field if self._open == b"{" else f"{self.field}[{self.index}]"

    @property
    def is_outside(self) -> bool:
        """Whether every bracket is closed."""
        return not self._open

    def pass_by(self, token: bytes) -> None:
        """Go past a bracket, comma or colon.

        Raises:
            InvalidResponse: the brackets do not match, or are too deep.
        """
        if token in _PARTNER:
            if not self._open or self._open.pop() != _PARTNER[token]:
                raise not_json()
        elif token in b"{[":
            self._open += token
            if len(self._open) > MAX_DEPTH:
                raise _too_deep()
        elif self._open == b"{":
            self._in_value = token == b":"
            if token == b",":
                self.field, self.index, self._taken = "", 0, False
        elif token == b"," and self._open == b"{[":
            self.index, self._taken = self.index + 1, False

    def take(self) -> None:
        """Go into a wanted string; there is no second one before the next comma."""
        self._taken = True

    def enter(self, key: bytes) -> None:
        """Go past a key of the outermost object, given as it is written between the quotation marks.

        Raises:
            InvalidResponse: a wanted member comes a second time.
        """
        if len(key) > self._longest:
            return
        try:
            name = unescaped(key)
        except ValueError:
            return  # the whole document will be refused
        if name in self._seen:
            raise InvalidResponse(f"The answer has {name} twice.")
        if name in self._fields:
            self._seen.add(name)
            self.field = name


def parsed(text: bytes, *, halves: bool = False) -> Any:
    """The document as `json.loads` reads it, but free of what could not be written as JSON again.

    NaN and infinities become None, lone surrogates U+FFFD. A byte order mark is skipped.

    Args:
        halves: leave lone surrogates alone, where the other half of a pair may come with the next document.

    Raises:
        InvalidResponse: it is not UTF-8, not JSON, nested deeper than `MAX_DEPTH`, or of very many parts.
    """
    if _parts(text) > _MAX_PARTS and _parts(_STRING.sub(b"", text)) > _MAX_PARTS:
        raise InvalidResponse("The answer has more parts than any answer needs.")
    try:
        document = json.loads(text.decode("utf-8-sig"), parse_float=_finite, parse_constant=lambda _: None)
    except UnicodeDecodeError:
        raise InvalidResponse("The answer is not UTF-8.") from None
    except json.JSONDecodeError:
        raise not_json() from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # Python's limit for the digits of a whole number
        raise InvalidResponse("The answer has a number with too many digits.") from None
    _check_depth(document, MAX_DEPTH)
    return whole(document) if not halves and b"\\ud" in text.lower() else document


def whole(value: Any) -> Any:
    """A value of a document with U+FFFD for each half of a surrogate pair that stands alone."""
    match value:
        case str():
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case list():
            return [whole(each) for each in value]
        case dict():
            return {whole(key): whole(each) for key, each in value.items()}
        case _:
            return value


def unescaped(raw: bytes) -> str:
    """What the raw inside of a JSON string says.

    Raises:
        ValueError: it is not UTF-8, or has an escape that JSON does not know.
    """
    text: str = _DECODER.decode(f'"{raw.decode()}"')
    return text


def not_json() -> InvalidResponse:
    """The error for an answer that no JSON parser would take."""
    return InvalidResponse("The answer is not JSON. Try again later; WEBVOICE_BASE_URL may be wrong.")


def _parts(text: bytes) -> int:
    return sum(text.count(mark) for mark in b",[{")


def _too_deep() -> InvalidResponse:
    return InvalidResponse("The answer is nested too deep.")


def _check_depth(value: Any, left: int) -> None:
    if isinstance(value, dict | list):
        if not left:
            raise _too_deep()
        for each in value.values() if isinstance(value, dict) else value:
            _check_depth(each, left - 1)


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None
