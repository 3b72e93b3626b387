"""Joining the pieces of streamed tool calls, which services number and name in different ways."""

import re
from typing import Any

from webvoice_mcp.client.document import replace_surrogates
from webvoice_mcp.client.surrogates import SurrogateJoiner
from webvoice_mcp.contract.chat import arguments_text

_OVERHEAD_CHARACTERS = 64  # counted for each piece of a call, in addition to its text
_MARK = re.compile(r'[{}\[\]"]|\\.?', re.DOTALL)


class ToolCalls:
    """The tool calls of one message.

    A piece belongs to the call with its id; else to the one at its index; else to the last one. A new id at a known
    index begins a call if it names a function or the call there is complete: some services number all calls 0, others
    give each piece an id of its own.
    """

    def __init__(self) -> None:
        self._calls: list[_ToolCall] = []
        self._by_id: dict[str, _ToolCall] = {}
        self._by_index: dict[int, _ToolCall] = {}
        self._last_index = -1

    def add(self, pieces: list[dict[str, Any]]) -> int:
        """Add the pieces of one delta; return the number of characters by which the answer grew."""
        grown, begun = 0, set[int]()
        for fields in pieces:
            piece = _Piece(fields)
            call = self._find(piece, begun)
            if call is None:
                index = self._last_index + 1 if piece.index is None else piece.index
                call = _ToolCall(index)
                self._last_index = max(self._last_index, index)
                self._calls.append(call)
                begun.add(id(call))
            if piece.id:
                self._by_id.setdefault(piece.id, call)
            if piece.index is not None:
                self._by_index[piece.index] = call
            grown += call.add(piece)
        return grown

    def document(self) -> list[dict[str, Any]]:
        """Return the calls in the order of their indexes, those of one index in the order of their arrival."""
        return [call.document() for call in sorted(self._calls, key=lambda call: call.index)]

    def _find(self, piece: "_Piece", begun: set[int]) -> "_ToolCall | None":
        """Return the call that a piece continues, None if it begins one.

        Args:
            piece: the piece.
            begun: the calls that began in the same delta.
        """
        if piece.id and piece.id in self._by_id:
            return self._by_id[piece.id]
        last = self._calls[-1] if self._calls else None
        call = last if piece.index is None else self._by_index.get(piece.index)
        if call is None or not call.is_continued_by(piece):
            return None
        return None if piece.name and id(call) in begun else call


class _Piece:
    """A piece of a tool call, as it arrived."""

    def __init__(self, fields: dict[str, Any]) -> None:
        function = fields.get("function")
        function = function if isinstance(function, dict) else {}
        index = fields.get("index")
        is_index = isinstance(index, int) and not isinstance(index, bool)
        self.index: int | None = index if is_index else None
        self.id = _text(fields.get("id"))
        self.name = _text(function.get("name"))
        self.arguments = arguments_text(function.get("arguments"))


class _ToolCall:
    """A tool call in pieces."""

    def __init__(self, index: int) -> None:
        self.index = index
        self._id = ""
        self._name = ""
        self._arguments: list[str] = []
        self._surrogates = SurrogateJoiner()
        self._progress = _JsonProgress()

    def is_continued_by(self, piece: _Piece) -> bool:
        """Return True if a piece at the same place, whose id is not known, goes on with this call."""
        is_new_id = bool(piece.id and self._id)
        if piece.name and piece.name != self._name:
            return not (self._progress.has_begun or is_new_id)  # a name in several pieces
        can_follow = not (self._progress.is_complete and piece.arguments.strip())
        return can_follow or not (is_new_id or piece.name)

    def add(self, piece: _Piece) -> int:
        self._id = self._id or piece.id
        if not self._name or piece.name.startswith(self._name):
            self._name = piece.name or self._name
        elif not self._progress.has_begun:  # a name in several pieces
            self._name += piece.name
        self._progress.add(piece.arguments)
        self._arguments.append(self._surrogates.feed(piece.arguments))
        return len(piece.id) + len(piece.name) + len(piece.arguments) + _OVERHEAD_CHARACTERS

    def document(self) -> dict[str, Any]:
        arguments = "".join([*self._arguments, self._surrogates.rest])
        function = {"name": replace_surrogates(self._name), "arguments": arguments}
        return {"id": replace_surrogates(self._id), "type": "function", "function": function}


class _JsonProgress:
    """Tells whether a JSON object that arrives in pieces has ended.

    Attributes:
        has_begun: True once anything but white space has arrived.
        is_complete: True once its last bracket is closed.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self.is_complete = False
        self._depth = 0
        self._in_string = False
        self._is_escaped = False

    def add(self, text: str) -> None:
        self.has_begun = self.has_begun or bool(text.strip())
        if self._is_escaped and text:
            text, self._is_escaped = text[1:], False
        for match in _MARK.finditer(text):
            mark = match[0]
            if mark == '"':
                self._in_string = not self._in_string
            elif mark == "\\":
                self._is_escaped = self._in_string
            elif not self._in_string and mark in "{[":
                self._depth += 1
            elif not self._in_string and mark in "}]":
                self._depth -= 1
                self.is_complete = self._depth <= 0


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
