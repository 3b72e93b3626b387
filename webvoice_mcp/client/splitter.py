"""Splits a JSON answer as it arrives: media goes to sinks, decoded; all else becomes the document.

Only where strings begin and end, and how deep they lie, is worked out here. Everything but the media is kept, with
`null` in place of each medium, and read by the real JSON parser at the end, which judges the grammar.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from webvoice_mcp.client.base64stream import Base64String, Write
from webvoice_mcp.client.document import Place, not_json, parsed, unescaped
from webvoice_mcp.errors import InvalidResponse

__all__ = ["Medium", "Splitter", "Write"]

_HEAD_BYTES = 512  # of a media string, looked at to learn what it is
_LINK_BYTES = 64 << 10
_MOST_MEDIA = 64  # each one may hold a file open

_BEFORE_JSON = b"\xef\xbb\xbf \t\r\n"
_TOKEN = re.compile(rb'["{}\[\]:,]')
_BACKSLASH = ord("\\")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_WHITE_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_COMMA = re.compile(rb",|\\u002[cC]")


@dataclass(frozen=True, slots=True)
class Medium:
    """One medium of an answer.

    Attributes:
        field: the member it was found in.
        index: its place in the member's array, 0 where the member is no array.
        size: bytes written to its sink, 0 for a link.
        text: the link, where it came as one; nothing was written then.
    """

    field: str
    index: int
    size: int = 0
    text: str = ""


class Splitter:
    """Takes one JSON answer in pieces of any size; memory does not grow with the media.

    A medium is a string member of the outermost object whose name is in `fields`, or a string in such a member's
    array. It is base64, bare or as a `data:` URL, or an `http(s)` link of up to 64 KiB. A link stays in the document,
    and so does a blank string, which counts as no medium.

    `open_sink(field, index)` is called once for each base64 medium, before its first byte; what it or the sink raises
    passes through. `max_rest` is the most bytes there may be besides base64. After an error the splitter is of no
    further use, and what the sinks got is worthless.
    """

    def __init__(
        self,
        fields: frozenset[str],
        open_sink: Callable[[str, int], Write],
        *,
        max_rest: int = 1 << 20,
    ) -> None:
        self._open_sink = open_sink
        self._max_rest = max_rest
        self._rest = bytearray()
        self._place = Place(fields)
        self._media: list[Medium] = []
        self._step: Callable[[Splitter, bytes, int], int] = Splitter._between
        self._start = 0  # where in the rest the present key or link begins
        self._escaped = False  # whether the next byte belongs to a backslash before it
        self._head = bytearray()
        self._base64: Base64String

    def feed(self, data: bytes) -> None:
        """Take the next piece.

        Raises:
            InvalidResponse: the answer is broken, or larger than the limits.
        """
        position = 0
        while position < len(data):
            position = self._step(self, data, position)

    def finish(self) -> tuple[Any, list[Medium]]:
        """End the answer: the document with None in place of each base64 medium, and the media as they came.

        Raises:
            InvalidResponse: the answer is cut short or no JSON.
        """
        if not self._rest.strip():
            raise InvalidResponse("The answer is empty.")
        if self._step is not Splitter._between or not self._place.is_outside:
            is_json = self._rest.lstrip(_BEFORE_JSON).startswith((b"{", b"[", b'"'))
            raise InvalidResponse("The answer is cut short.") if is_json else not_json()
        document = parsed(bytes(self._rest))
        return document, [each if each.size else _with_link(each, document) for each in self._media]

    # Each step takes data from `position` on and returns where the next one, `self._step`, goes on.

    def _between(self, data: bytes, position: int) -> int:
        begin = position
        while token := _TOKEN.search(data, position):
            position = token.end()
            if token[0] != b'"':
                self._place.pass_by(token[0])
                continue
            if self._place.at_medium:
                self._place.take()
                self._keep(data[begin : position - 1])
                self._step = Splitter._look
                return position
            self._keep(data[begin:position])
            self._start = len(self._rest)
            self._step = Splitter._key if self._place.at_key else Splitter._string
            return position
        self._keep(data[begin:])
        return len(data)

    def _string(self, data: bytes, position: int) -> int:
        quote, self._escaped = _closing_quote(data, position, len(data), escaped=self._escaped)
        if quote < 0:
            self._keep(data[position:])
            return len(data)
        self._keep(data[position : quote + 1])
        self._step = Splitter._between
        return quote + 1

    def _key(self, data: bytes, position: int) -> int:
        position = self._string(data, position)
        if self._step is Splitter._between:
            self._place.enter(bytes(self._rest[self._start : -1]))
        return position

    def _link(self, data: bytes, position: int) -> int:
        position = self._string(data, position)
        if len(self._rest) - self._start > _LINK_BYTES:
            raise InvalidResponse(f"The answer has a link of more than {_LINK_BYTES} bytes as {self._place.name}.")
        return position

    def _look(self, data: bytes, position: int) -> int:
        stop = min(len(data), position + _HEAD_BYTES - len(self._head))
        quote, self._escaped = _closing_quote(data, position, stop, escaped=self._escaped)
        if quote >= 0:
            stop = quote
        self._head += data[position:stop]
        if quote >= 0 or len(self._head) == _HEAD_BYTES:
            head = bytes(self._head)
            self._head.clear()
            self._begin(head, is_whole=quote >= 0)
        return stop

    def _begin(self, head: bytes, *, is_whole: bool) -> None:
        text = _ESCAPE.sub(_character, head.decode("utf-8", "replace")).lstrip()
        is_link = text.lower().startswith(("http://", "https://"))
        if is_link:
            self._add_medium()
        if is_link or (is_whole and not text):
            self._keep(b'"' + head)
            self._start = len(self._rest) - len(head)
            self._step = Splitter._link
            return
        name = self._place.name
        start = _after_comma(head, name) if text.lower().startswith("data:") else 0
        self._add_medium()
        self._keep(b"null")
        self._base64 = Base64String(self._open_sink(self._place.field, self._place.index), name)
        self._base64.feed(head, start, len(head))
        self._escaped = False
        self._step = Splitter._decode

    def _decode(self, data: bytes, position: int) -> int:
        quote = data.find(b'"', position)
        self._base64.feed(data, position, quote if quote >= 0 else len(data))
        if quote < 0:
            return len(data)
        self._media[-1] = replace(self._media[-1], size=self._base64.finish())
        self._step = Splitter._between
        return quote + 1

    def _add_medium(self) -> None:
        if len(self._media) == _MOST_MEDIA:
            raise InvalidResponse(f"The answer has more than {_MOST_MEDIA} media.")
        self._media.append(Medium(self._place.field, self._place.index))

    def _keep(self, data: bytes) -> None:
        if len(self._rest) + len(data) > self._max_rest:
            raise InvalidResponse(f"The answer has more than {self._max_rest} bytes besides the media.")
        self._rest += data


def _closing_quote(data: bytes, start: int, stop: int, *, escaped: bool) -> tuple[int, bool]:
    """Where in `data[start:stop]` the string ends, or -1; then also whether the byte at `stop` is escaped."""
    start += escaped
    while (quote := data.find(b'"', start, stop)) >= 0:
        if not _is_escaped(data, start, quote):
            return quote, False
        start = quote + 1
    return -1, _is_escaped(data, start, stop)


def _is_escaped(data: bytes, start: int, stop: int) -> bool:
    if start >= stop or data[stop - 1] != _BACKSLASH:
        return False
    run = data[start:stop]
    return (len(run) - len(run.rstrip(b"\\"))) % 2 == 1


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else _WHITE_ESCAPES.get(escape[2], escape[2])


def _after_comma(head: bytes, name: str) -> int:
    """Where in the head of a `data:` URL the base64 begins."""
    try:
        comma = _COMMA.search(head)
        kind = unescaped(head[: comma.start()]).strip() if comma else ""
    except ValueError:
        kind = ""
    if not comma or not kind.lower().endswith(";base64"):
        raise InvalidResponse(f"The answer has a data: URL as {name} that is not base64.")
    return comma.end()


def _with_link(medium: Medium, document: Any) -> Medium:
    value = document[medium.field]
    return replace(medium, text=value if isinstance(value, str) else value[medium.index])
