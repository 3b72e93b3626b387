"""Joins the chunks of a streamed chat into the document that an unstreamed call returns."""

from typing import Any

from webvoice_mcp.client.document import replace_surrogates
from webvoice_mcp.contract.bills import bills_in, dearest
from webvoice_mcp.contract.chat import text_of
from webvoice_mcp.errors import InvalidResponse

_MAX_TEXT_CHARACTERS = 8 << 20  # of one answer; far more than max_tokens allows
_CALL_OVERHEAD_CHARACTERS = 64  # counted for each piece of a tool call, in addition to its text
_MAX_EXTRA_CHARACTERS = 32 << 10  # of all undocumented fields together

_CHUNK_FIELDS = frozenset({"id", "created", "model", "usage", "webvoice"})
_IGNORED_CHUNK_FIELDS = frozenset({"object", "choices", "error"})
_DELTA_FIELDS = frozenset({"role", "content", "reasoning", "reasoning_content", "tool_calls"})


class ChatAccumulator:
    """Joins chunks in the order of their arrival. A surrogate pair in their strings may be split over two chunks.

    Attributes:
        bill: the highest price that a chunk has stated so far, None for none.
    """

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self._extra_fields = _ExtraFields()
        self._text = _Text()
        self._reasoning = _Text()
        self._calls: dict[int, _ToolCall] = {}
        self._last_index = -1  # the highest index of a tool call so far
        self._extra_message_fields = _ExtraFields()
        self._finish_reason: Any = None
        self._is_done = False
        self._has_choice = False
        self._size = 0
        self.bill: float | None = None

    def add(self, chunk: dict[str, Any]) -> str:
        """Add a chunk and return the text that it adds.

        Raises:
            InvalidResponse: the answer is too long.
        """
        self.bill = dearest([self.bill, *bills_in(chunk)])
        for name, value in chunk.items():
            if value is None or name in _IGNORED_CHUNK_FIELDS:
                continue
            if name in _CHUNK_FIELDS:
                self._fields[name] = value
            else:
                self._extra_fields.put(name, value)
        return "".join(self._add_choice(choice) for choice in _dicts(chunk.get("choices")) if not choice.get("index"))

    def mark_done(self) -> None:
        """Record that the stream's end marker has arrived."""
        self._is_done = True

    @property
    def has_content(self) -> bool:
        """True if any content of the answer has arrived."""
        return self._size > 0

    @property
    def is_complete(self) -> bool:
        """True if a finish reason or the stream's end marker says that the answer is complete."""
        return bool(self._finish_reason) or (self._is_done and self._has_choice)

    def document(self) -> dict[str, Any]:
        """Return the whole answer in the shape of an unstreamed one."""
        extra = replace_surrogates(self._extra_message_fields.fields)
        message = {**extra, "role": "assistant", "content": str(self._text)}
        if reasoning := str(self._reasoning):
            message["reasoning"] = reasoning
        if self._calls:
            message["tool_calls"] = [self._calls[index].document() for index in sorted(self._calls)]
        choice = {"index": 0, "message": message, "finish_reason": replace_surrogates(self._finish_reason)}
        document = {**replace_surrogates(self._extra_fields.fields | self._fields), "choices": [choice]}
        if self.bill is not None:  # of several bills the dearest counts
            webvoice = document.get("webvoice")
            document["webvoice"] = {**(webvoice if isinstance(webvoice, dict) else {}), "credits_used": self.bill}
        return document

    def _add_choice(self, choice: dict[str, Any]) -> str:
        delta = choice.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        text = text_of(delta.get("content"))
        reasoning = text_of(delta.get("reasoning_content")) or text_of(delta.get("reasoning"))
        self._grow(len(text) + len(reasoning))
        self._reasoning.add(reasoning)
        for call in _dicts(delta.get("tool_calls")):
            self._add_call(call)
        for name, value in delta.items():
            if name not in _DELTA_FIELDS and value is not None:
                self._extra_message_fields.append(name, value)
        self._finish_reason = choice.get("finish_reason") or self._finish_reason
        self._has_choice = True
        return self._text.add(text)

    def _add_call(self, piece: dict[str, Any]) -> None:
        # A call's first piece has its id and name, later pieces only more arguments. Without an index, an id begins a
        # new call.
        index = piece.get("index")
        if not isinstance(index, int):
            index = self._last_index + (1 if piece.get("id") or not self._calls else 0)
        self._last_index = max(self._last_index, index)
        self._grow(self._calls.setdefault(index, _ToolCall()).add(piece))

    def _grow(self, characters: int) -> None:
        self._size += characters
        if self._size > _MAX_TEXT_CHARACTERS:
            raise InvalidResponse("The streamed answer is too long and was stopped.")


class _Text:
    """A text in pieces; a high surrogate at the end of a piece waits for its low surrogate."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._surrogate = ""

    def add(self, piece: str) -> str:
        """Add a piece and return the text that it completes."""
        piece = self._surrogate + piece
        self._surrogate = piece[-1:] if "\ud800" <= piece[-1:] <= "\udbff" else ""
        complete: str = replace_surrogates(piece[: len(piece) - len(self._surrogate)])
        if complete:
            self._pieces.append(complete)
        return complete

    def __str__(self) -> str:
        return "".join([*self._pieces, replace_surrogates(self._surrogate)])


class _ToolCall:
    """A tool call in pieces."""

    def __init__(self) -> None:
        self._id = ""
        self._name = ""
        self._arguments = _Text()

    def add(self, piece: dict[str, Any]) -> int:
        """Add a piece and return the number of characters by which the answer grew."""
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        call_id, name = text_of(piece.get("id")), text_of(function.get("name"))
        arguments = text_of(function.get("arguments"))
        self._id = call_id or self._id
        self._name = name or self._name
        self._arguments.add(arguments)
        return len(call_id) + len(name) + len(arguments) + _CALL_OVERHEAD_CHARACTERS

    def document(self) -> dict[str, Any]:
        function = {"name": replace_surrogates(self._name), "arguments": str(self._arguments)}
        return {"id": replace_surrogates(self._id), "type": "function", "function": function}


class _ExtraFields:
    """Fields that the documentation does not name; a value that would exceed the limit is dropped."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self._sizes: dict[str, int] = {}
        self._total = 0

    def put(self, name: str, value: Any) -> None:
        """Set a field, replacing an earlier value."""
        self._set(name, value, len(name) + len(repr(value)))

    def append(self, name: str, value: Any) -> None:
        """Append to a field that holds text or a list, and set any other field."""
        before = self.fields.get(name)
        if isinstance(before, str) and isinstance(value, str):
            self._set(name, before + value, self._sizes[name] + len(value))
        elif isinstance(before, list) and isinstance(value, list):
            self._set(name, before + value, self._sizes[name] + len(repr(value)))
        else:
            self.put(name, value)

    def _set(self, name: str, value: Any, size: int) -> None:
        total = self._total - self._sizes.get(name, 0) + size
        if total <= _MAX_EXTRA_CHARACTERS:
            self._total, self._sizes[name] = total, size
            self.fields[name] = value


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
