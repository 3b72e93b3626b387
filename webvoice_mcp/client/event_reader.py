"""Splitting of a body into server-sent events, as the HTML specification describes them, and as services send them.

This is our own code, because other readers hold a whole event in memory, and a picture is one event.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from webvoice_mcp.client.document import parse_json
from webvoice_mcp.client.long_strings import LongStrings

_LONG_BYTES = 64 << 10
_NAMES = frozenset({b"", b"data", b"event", b"id", b"retry"})  # a line without a name is a comment
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Event:
    """An event that has data.

    Attributes:
        kind: its type, "" if it has none.
        data: its data; of a long event, without its pictures.
    """

    kind: str
    data: bytes
    _long: LongStrings | None = None

    def parse(self) -> Any:
        """Return the data as JSON, in which surrogates may be halves of pairs.

        Raises:
            InvalidResponse: they are not JSON.
        """
        document = parse_json(self.data.decode("utf-8", "replace").encode(), keep_surrogates=True)
        return self._long.restore(document) if self._long else document


class EventReader:
    """Takes a body in pieces of any size.

    Attributes:
        has_fields: True if any line was one of an event stream, empty lines aside.
    """

    def __init__(self, begin_long: Callable[[], LongStrings]) -> None:
        """Begin a body.

        Args:
            begin_long: returns a reader for the data of a long event.
        """
        self.has_fields = False
        self._begin_long = begin_long
        self._line = bytearray()  # a line that has not ended yet
        self._is_long_data = False  # it is a line of data, and is being passed to `_long`
        self._is_ignored = False  # it is a long line that says nothing
        self._after_return = False  # the last piece ended with a CR, to which an LF may belong
        self._kind = ""
        self._data: list[bytes] = []
        self._long: LongStrings | None = None

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Take the next piece, and yield the events that it ends.

        Raises:
            InvalidResponse: an event is too large, even without its pictures.
        """
        start = 1 if self._after_return and piece.startswith(b"\n") else 0
        self._after_return = piece.endswith(b"\r")
        for line_end in _LINE_END.finditer(piece, start):
            self._extend(piece[start : line_end.start()])
            start = line_end.end()
            if event := self._end_line():
                yield event
        self._extend(piece[start:])
        self._check_length()

    def finish(self) -> Event | None:
        """End the body, and return the event whose blank line is missing, None if there is none."""
        self._end_line()
        return self._end_event()

    def _extend(self, part: bytes) -> None:
        if self._is_long_data and self._long:
            self._long.feed(part)
        elif not self._is_ignored:
            self._line += part

    def _check_length(self) -> None:
        if len(self._line) <= _LONG_BYTES:
            return
        if self._line.startswith(b"data:"):
            self.has_fields = True
            self._add_data(_value(bytes(self._line)), is_long=True)
            self._is_long_data = True
        else:
            self._is_ignored = True
        self._line.clear()

    def _end_line(self) -> Event | None:
        was_long, self._is_long_data, self._is_ignored = self._is_long_data or self._is_ignored, False, False
        if was_long:
            return None
        line = bytes(self._line)
        self._line.clear()
        if not line:
            return self._end_event()
        name = line.partition(b":")[0]
        self.has_fields = self.has_fields or name in _NAMES
        if name == b"data":
            self._add_data(_value(line), is_long=len(line) > _LONG_BYTES)
        elif name == b"event":
            self._kind = _value(line).decode("utf-8", "replace")
        return None

    def _add_data(self, value: bytes, *, is_long: bool) -> None:
        if self._long is None and not (is_long or sum(map(len, self._data)) > _LONG_BYTES):
            self._data.append(value)
            return
        if self._long is None:
            self._long = self._begin_long()
            self._long.feed(b"".join(line + b"\n" for line in self._data))
            self._data.clear()
            self._long.feed(value)
        else:
            self._long.feed(b"\n" + value)

    def _end_event(self) -> Event | None:
        data = self._long.finish() if self._long else b"\n".join(self._data)
        event = Event(self._kind, data.strip(), self._long)
        self._kind, self._long = "", None
        self._data.clear()
        return event if event.data else None


def _value(line: bytes) -> bytes:
    return line.partition(b":")[2].removeprefix(b" ")
