"""Server-sent events of a chat: each chunk handed on as it comes, all of them joined into one reply."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2

from webvoice_mcp.client import answers
from webvoice_mcp.errors import InvalidResponse, WebVoiceError

_MAX_TEXT = 8 << 20  # characters of one answer; far beyond what max_tokens allows

OnText = Callable[[str], Awaitable[None]]
Refuse = Callable[[dict[str, Any]], WebVoiceError]


class JoinedChat:
    """The chunks of one streamed completion, joined into the document that the same call gives unstreamed."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, dict[str, Any]] = {}
        self._finish_reason: str | None = None
        self._size = 0

    def add(self, chunk: dict[str, Any]) -> str:
        """Take one chunk in; the text that it adds.

        Raises:
            InvalidResponse: the answer grows without end.
        """
        for name in ("id", "model", "usage", "webvoice"):
            if chunk.get(name) is not None:
                self._head[name] = chunk[name]
        text = ""
        for choice in _dicts(chunk.get("choices")):
            if choice.get("index", 0) == 0:
                text += self._take(choice)
        return text

    def _take(self, choice: dict[str, Any]) -> str:
        delta = choice.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        text = _text(delta.get("content"))
        reasoning = _text(delta.get("reasoning_content")) or _text(delta.get("reasoning"))
        self._grow(len(text) + len(reasoning))
        self._text.append(text)
        self._reasoning.append(reasoning)
        for call in _dicts(delta.get("tool_calls")):
            self._take_call(call)
        self._finish_reason = choice.get("finish_reason") or self._finish_reason
        return text

    def _take_call(self, piece: dict[str, Any]) -> None:
        # A call's first piece carries id and name, later ones only more of the arguments; some providers leave
        # the index out and begin each call with its id instead.
        index = piece.get("index")
        if not isinstance(index, int):
            index = max(self._calls, default=-1) + (1 if piece.get("id") or not self._calls else 0)
        call = self._calls.setdefault(index, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        call["id"] = _text(piece.get("id")) or call["id"]
        call["function"]["name"] = _text(function.get("name")) or call["function"]["name"]
        arguments = _text(function.get("arguments"))
        self._grow(len(arguments) + 1)
        call["function"]["arguments"] += arguments

    def _grow(self, characters: int) -> None:
        self._size += characters
        if self._size > _MAX_TEXT:
            raise InvalidResponse("The streamed answer did not end and was stopped.")

    @property
    def finished(self) -> bool:
        """Whether the service said that the answer is whole."""
        return self._finish_reason is not None

    def document(self) -> dict[str, Any]:
        """The whole answer, shaped like an unstreamed one."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._text)}
        if reasoning := "".join(self._reasoning):
            message["reasoning"] = reasoning
        if self._calls:
            message["tool_calls"] = [self._calls[index] for index in sorted(self._calls)]
        return {**self._head, "choices": [{"index": 0, "message": message, "finish_reason": self._finish_reason}]}


async def join(response: httpx2.Response, on_text: OnText, refuse: Refuse) -> dict[str, Any]:
    """Read a stream to its end, handing on each piece of text.

    Raises:
        InvalidResponse: a chunk is not JSON, or the stream ends before the answer is whole.
        WebVoiceError: what `refuse` makes of an error that the service reports in the stream.
    """
    joined = JoinedChat()
    async for chunk in _chunks(response):
        if chunk.get("error"):
            raise refuse(chunk)
        if text := joined.add(chunk):
            await on_text(text)
    if not joined.finished:
        raise InvalidResponse("The streamed answer was cut short.")
    return joined.document()


async def _chunks(response: httpx2.Response) -> AsyncIterator[dict[str, Any]]:
    async for event in httpx2.EventSource(response):
        if event.data.strip() == "[DONE]":
            return
        chunk = answers.decode(event.data.encode())
        if not isinstance(chunk, dict):
            raise InvalidResponse("The service's stream holds something else than chunks of an answer.")
        yield chunk


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
