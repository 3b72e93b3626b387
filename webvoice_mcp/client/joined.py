"""The chunks of one streamed chat, joined into the document that the same call gives unstreamed."""

from typing import Any

from webvoice_mcp.client.document import whole
from webvoice_mcp.contract.chat import text_of
from webvoice_mcp.errors import InvalidResponse

_MAX_TEXT = 8 << 20  # characters of one answer; far beyond what max_tokens allows
_CALL_SIZE = 64  # characters that each piece of a call counts for besides its arguments
_MAX_MORE = 32 << 10  # characters of all fields that the documentation does not name

_HEAD = frozenset({"id", "created", "model", "usage", "webvoice"})
_NOT_HEAD = frozenset({"object", "choices", "error"})
_DELTA = frozenset({"role", "content", "reasoning", "reasoning_content", "tool_calls"})


class JoinedChat:
    """Takes chunks as they come, their strings as they are: a surrogate pair may be split over two of them."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._more_head = _More()
        self._text = _Text()
        self._reasoning = _Text()
        self._calls: dict[int, _Call] = {}
        self._last_call = -1  # the highest index so far
        self._more_message = _More()
        self._finish_reason: Any = None
        self._ended = False
        self._has_choice = False
        self._size = 0

    def add(self, chunk: dict[str, Any]) -> str:
        """Take one chunk in; the text that it adds.

        Raises:
            InvalidResponse: the answer grows without end.
        """
        for name, value in chunk.items():
            if value is None or name in _NOT_HEAD:
                continue
            if name in _HEAD:
                self._head[name] = value
            else:
                self._more_head.put(name, value)
        return "".join(self._take(choice) for choice in _dicts(chunk.get("choices")) if not choice.get("index"))

    def end(self) -> None:
        """Take in that the service said: this is the end."""
        self._ended = True

    @property
    def begun(self) -> bool:
        """Whether anything of the answer itself has come."""
        return self._size > 0

    @property
    def finished(self) -> bool:
        """Whether the service said that the answer is whole: with a reason to finish, or with the end of the stream."""
        return bool(self._finish_reason) or (self._ended and self._has_choice)

    def document(self) -> dict[str, Any]:
        """The whole answer, shaped like an unstreamed one."""
        message = {**whole(self._more_message.fields), "role": "assistant", "content": str(self._text)}
        if reasoning := str(self._reasoning):
            message["reasoning"] = reasoning
        if self._calls:
            message["tool_calls"] = [self._calls[index].document() for index in sorted(self._calls)]
        choice = {"index": 0, "message": message, "finish_reason": whole(self._finish_reason)}
        return {**whole(self._more_head.fields | self._head), "choices": [choice]}

    def _take(self, choice: dict[str, Any]) -> str:
        delta = choice.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        text = text_of(delta.get("content"))
        reasoning = text_of(delta.get("reasoning_content")) or text_of(delta.get("reasoning"))
        self._grow(len(text) + len(reasoning))
        self._reasoning.add(reasoning)
        for call in _dicts(delta.get("tool_calls")):
            self._take_call(call)
        for name, value in delta.items():
            if name not in _DELTA and value is not None:
                self._more_message.append(name, value)
        self._finish_reason = choice.get("finish_reason") or self._finish_reason
        self._has_choice = True
        return self._text.add(text)

    def _take_call(self, piece: dict[str, Any]) -> None:
        # A call's first piece carries id and name, later ones only more of the arguments; some providers leave
        # the index out and begin each call with its id instead.
        index = piece.get("index")
        if not isinstance(index, int):
            index = self._last_call + (1 if piece.get("id") or not self._calls else 0)
        self._last_call = max(self._last_call, index)
        self._grow(self._calls.setdefault(index, _Call()).add(piece))

    def _grow(self, characters: int) -> None:
        self._size += characters
        if self._size > _MAX_TEXT:
            raise InvalidResponse("The streamed answer did not end and was stopped.")


class _Text:
    """A text that comes in pieces; half a surrogate pair at the end of one waits for the next."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._half = ""

    def add(self, piece: str) -> str:
        """Take a piece in; what of the text is complete now and was not before."""
        piece = self._half + piece
        self._half = piece[-1:] if "\ud800" <= piece[-1:] <= "\udbff" else ""
        complete: str = whole(piece[: len(piece) - len(self._half)])
        if complete:
            self._pieces.append(complete)
        return complete

    def __str__(self) -> str:
        return "".join([*self._pieces, whole(self._half)])


class _Call:
    """A call of a tool, which comes in pieces."""

    def __init__(self) -> None:
        self._id = ""
        self._name = ""
        self._arguments = _Text()

    def add(self, piece: dict[str, Any]) -> int:
        """Take a piece in; by how much the answer grew."""
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        call_id, name = text_of(piece.get("id")), text_of(function.get("name"))
        arguments = text_of(function.get("arguments"))
        self._id = call_id or self._id
        self._name = name or self._name
        self._arguments.add(arguments)
        return len(call_id) + len(name) + len(arguments) + _CALL_SIZE

    def document(self) -> dict[str, Any]:
        function = {"name": whole(self._name), "arguments": str(self._arguments)}
        return {"id": whole(self._id), "type": "function", "function": function}


class _More:
    """Fields that the service added since it was documented; what would make them large is left out."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self._sizes: dict[str, int] = {}
        self._total = 0

    def put(self, name: str, value: Any) -> None:
        """Keep a field; the last value counts."""
        self._keep(name, value, len(name) + len(repr(value)))

    def append(self, name: str, value: Any) -> None:
        """Keep a field that comes in pieces where it is a text or a list."""
        before = self.fields.get(name)
        if isinstance(before, str) and isinstance(value, str):
            self._keep(name, before + value, self._sizes[name] + len(value))
        elif isinstance(before, list) and isinstance(value, list):
            self._keep(name, before + value, self._sizes[name] + len(repr(value)))
        else:
            self.put(name, value)

    def _keep(self, name: str, value: Any, size: int) -> None:
        total = self._total - self._sizes.get(name, 0) + size
        if total <= _MAX_MORE:
            self._total, self._sizes[name] = total, size
            self.fields[name] = value


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
