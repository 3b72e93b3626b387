"""Splitting of a JSON answer as it arrives: media are decoded and written to sinks, the rest becomes the document.

This is our own code, because JSON libraries, even streaming ones, hold each string in memory, and a video is one
string. This code finds only the ends of strings and the depth of brackets. At the end, the standard library parses the
rest of the answer, with `null` in place of base64, and checks its grammar.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from webvoice_mcp.client.base64stream import Base64String, Write
from webvoice_mcp.client.document import JsonPosition, not_json_error, parse_json, unescape
from webvoice_mcp.errors import InvalidResponse

__all__ = ["MediaItem", "Splitter", "Write"]

_HEAD_BYTES = 512  # start of a media string, inspected to tell base64, data: URLs and links apart
_MAX_LINK_BYTES = 64 << 10
_MAX_MEDIA = 64  # each media item may hold a file open

_BEFORE_JSON = b"\xef\xbb\xbf \t\r\n"
_TOKEN = re.compile(rb'["{}\[\]:,]')
_BACKSLASH = ord("\\")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_WHITE_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_COMMA = re.compile(rb",|\\u002[cC]")


@dataclass(frozen=True, slots=True)
class MediaItem:
    """A media string of an answer.

    Attributes:
        field: name of the member that holds it.
        index: its index in the member's array, 0 if the member is not an array.
        size: number of bytes written to its sink, 0 for a link.
        text: the link, "" for base64.
    """

    field: str
    index: int
    size: int = 0
    text: str = ""


class Splitter:
    """Splits one JSON answer, which it takes in pieces of any size. Its memory does not grow with the media.

    A media string is a member of the outermost object whose name is in `fields`, or a string in such a member's
    array. It is base64, bare or as a `data:` URL, or an `http(s)` link of up to 64 KiB. Links and blank strings stay in
    the document. Blank strings do not count as media.

    `open_sink(field, index)` is called once for each base64 string, before its first byte. Errors raised by it or by
    the sink propagate. `max_rest` is the maximum number of bytes besides base64. After an error, do not use the
    splitter again, and discard everything that was written to the sinks.
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
        self._position = JsonPosition(fields)
        self._media: list[MediaItem] = []
        self._step: Callable[[Splitter, bytes, int], int] = Splitter._read_tokens
        self._start = 0  # offset in `_rest` at which the current key or link begins
        self._is_escaped = False  # the next byte belongs to the backslash before it
        self._head = bytearray()
        self._base64: Base64String

    def feed(self, data: bytes) -> None:
        """Take the next piece.

        Raises:
            InvalidResponse: the answer is broken, or exceeds a limit.
        """
        offset = 0
        while offset < len(data):
            offset = self._step(self, data, offset)

    def finish(self) -> tuple[Any, list[MediaItem]]:
        """End the answer. Return the document, with None in place of base64, and the media in order.

        Raises:
            InvalidResponse: the answer is cut short or not JSON.
        """
        if not self._rest.strip():
            raise InvalidResponse("The answer is empty.")
        if self._step is not Splitter._read_tokens or not self._position.is_outside:
            is_json = self._rest.lstrip(_BEFORE_JSON).startswith((b"{", b"[", b'"'))
            raise InvalidResponse("The answer is cut short.") if is_json else not_json_error()
        document = parse_json(bytes(self._rest))
        return document, [item if item.size else _with_link(item, document) for item in self._media]

    # A step reads `data` from an offset and returns the offset at which the next step, `self._step`, continues.

    def _read_tokens(self, data: bytes, offset: int) -> int:
        begin = offset
        while token := _TOKEN.search(data, offset):
            offset = token.end()
            if token[0] != b'"':
                self._position.pass_token(token[0])
                continue
            if self._position.is_at_media:
                self._position.enter_media()
                self._keep(data[begin : offset - 1])
                self._step = Splitter._read_head
                return offset
            self._keep(data[begin:offset])
            self._start = len(self._rest)
            self._step = Splitter._read_key if self._position.is_at_key else Splitter._read_string
            return offset
        self._keep(data[begin:])
        return len(data)

    def _read_string(self, data: bytes, offset: int) -> int:
        quote, self._is_escaped = find_closing_quote(data, offset, len(data), is_escaped=self._is_escaped)
        if quote < 0:
            self._keep(data[offset:])
            return len(data)
        self._keep(data[offset : quote + 1])
        self._step = Splitter._read_tokens
        return quote + 1

    def _read_key(self, data: bytes, offset: int) -> int:
        offset = self._read_string(data, offset)
        if self._step is Splitter._read_tokens:
            self._position.pass_key(bytes(self._rest[self._start : -1]))
        return offset

    def _read_link(self, data: bytes, offset: int) -> int:
        offset = self._read_string(data, offset)
        if len(self._rest) - self._start > _MAX_LINK_BYTES:
            raise InvalidResponse(f"The answer's {self._position.name} is a link of more than {_MAX_LINK_BYTES} bytes.")
        return offset

    def _read_head(self, data: bytes, offset: int) -> int:
        stop = min(len(data), offset + _HEAD_BYTES - len(self._head))
        quote, self._is_escaped = find_closing_quote(data, offset, stop, is_escaped=self._is_escaped)
        if quote >= 0:
            stop = quote
        self._head += data[offset:stop]
        if quote >= 0 or len(self._head) == _HEAD_BYTES:
            head = bytes(self._head)
            self._head.clear()
            self._begin_media(head, is_whole=quote >= 0)
        return stop

    def _begin_media(self, head: bytes, *, is_whole: bool) -> None:
        text = _ESCAPE.sub(_unescape_match, head.decode("utf-8", "replace")).lstrip()
        is_link = text.lower().startswith(("http://", "https://"))
        if is_link:
            self._add_media()
        if is_link or (is_whole and not text):
            self._keep(b'"' + head)
            self._start = len(self._rest) - len(head)
            self._step = Splitter._read_link
            return
        name = self._position.name
        start = _find_data(head, name) if text.lower().startswith("data:") else 0
        self._add_media()
        self._keep(b"null")
        self._base64 = Base64String(self._open_sink(self._position.field, self._position.index), name)
        self._base64.feed(head, start, len(head))
        self._is_escaped = False
        self._step = Splitter._read_base64

    def _read_base64(self, data: bytes, offset: int) -> int:
        quote = data.find(b'"', offset)
        self._base64.feed(data, offset, quote if quote >= 0 else len(data))
        if quote < 0:
            return len(data)
        self._media[-1] = replace(self._media[-1], size=self._base64.finish())
        self._step = Splitter._read_tokens
        return quote + 1

    def _add_media(self) -> None:
        if len(self._media) == _MAX_MEDIA:
            raise InvalidResponse(f"The answer has more than {_MAX_MEDIA} media items.")
        self._media.append(MediaItem(self._position.field, self._position.index))

    def _keep(self, data: bytes) -> None:
        if len(self._rest) + len(data) > self._max_rest:
            raise InvalidResponse(f"The answer has more than {self._max_rest} bytes besides the media.")
        self._rest += data


def find_closing_quote(data: bytes, start: int, stop: int, *, is_escaped: bool) -> tuple[int, bool]:
    """Find the quotation mark that ends a string in `data[start:stop]`.

    Returns:
        Its offset and False, or -1 and True if the byte at `stop` is escaped.
    """
    start += is_escaped
    while (quote := data.find(b'"', start, stop)) >= 0:
        if not _ends_with_escape(data, start, quote):
            return quote, False
        start = quote + 1
    return -1, _ends_with_escape(data, start, stop)


def _ends_with_escape(data: bytes, start: int, stop: int) -> bool:
    if start >= stop or data[stop - 1] != _BACKSLASH:
        return False
    run = data[start:stop]
    return (len(run) - len(run.rstrip(b"\\"))) % 2 == 1


def _unescape_match(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else _WHITE_ESCAPES.get(escape[2], escape[2])


def _find_data(head: bytes, name: str) -> int:
    """Return the offset of the base64 in the head of a `data:` URL."""
    try:
        comma = _COMMA.search(head)
        media_type = unescape(head[: comma.start()]).strip() if comma else ""
    except ValueError:
        media_type = ""
    if not comma or not media_type.lower().endswith(";base64"):
        raise InvalidResponse(f"The answer's {name} is a data: URL that is not base64.")
    return comma.end()


def _with_link(item: MediaItem, document: Any) -> MediaItem:
    value = document[item.field]
    return replace(item, text=value if isinstance(value, str) else value[item.index])
