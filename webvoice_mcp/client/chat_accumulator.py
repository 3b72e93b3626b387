"""Joins the chunks of a streamed chat into the document that an unstreamed call returns."""

from typing import Any

from webvoice_mcp.client.data_links import LinkScanner, Scanned, scan
from webvoice_mcp.client.document import replace_surrogates
from webvoice_mcp.client.pictures import Pictures
from webvoice_mcp.client.surrogates import SurrogateJoiner
from webvoice_mcp.client.tool_calls import ToolCalls
from webvoice_mcp.contract.bills import bills_in, dearest
from webvoice_mcp.contract.chat import REASONING_FIELDS, is_picture_part, reasoning_in
from webvoice_mcp.errors import InvalidResponse

_MAX_TEXT_CHARACTERS = 8 << 20  # of one answer; far more than max_tokens allows
_MAX_EXTRA_CHARACTERS = 32 << 10  # of all undocumented fields together
_MAX_IMAGES_CHARACTERS = 128 << 10  # of them if one has links of pictures, which were paid for

_CHUNK_FIELDS = frozenset({"id", "created", "model", "usage", "webvoice"})
_IGNORED_CHUNK_FIELDS = frozenset({"object", "choices", "error"})
_DELTA_FIELDS = frozenset({"role", "content", "tool_calls", *REASONING_FIELDS})


class ChatAccumulator:
    """Joins chunks in the order of their arrival. A surrogate pair in their strings may be split over two chunks.

    Attributes:
        content: scans the text of the answer for pictures.
        bill: the highest price that a chunk has stated so far, None for none.
    """

    def __init__(self, pictures: Pictures | None = None) -> None:
        self._pictures = pictures or Pictures()
        self._fields: dict[str, Any] = {}
        self._extra_fields = _ExtraFields()
        self.content = LinkScanner(self._pictures)
        self._text = _ScannedText(self.content)
        self._reasoning = _ScannedText(LinkScanner(self._pictures))
        self._calls = ToolCalls()
        self._has_calls = False
        self._extra_message_fields = _ExtraFields()
        self._finish_reason: Any = None
        self._is_done = False
        self._has_choice = False
        self._size = 0
        self._seen_pictures = 0  # those that came with earlier chunks
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
                self._extra_fields.put(name, scan(value, self._pictures, name))
        choices = [choice for choice in _dicts(chunk.get("choices")) if not choice.get("index")]
        text = "".join([self._add_choice(choice) for choice in choices])
        self._seen_pictures = len(self._pictures.items)
        return text

    def mark_done(self) -> None:
        """Record that the stream's end marker has arrived."""
        self._is_done = True

    @property
    def has_content(self) -> bool:
        """True if any content of the answer has arrived."""
        return bool(self._size or self._pictures.items)

    @property
    def is_complete(self) -> bool:
        """True if a finish reason or the stream's end marker says that the answer is complete."""
        return bool(self._finish_reason) or (self._is_done and self._has_choice)

    def finish(self) -> str:
        """End the answer, and return the rest of its text."""
        self._reasoning.finish()
        return self._text.finish()

    def document(self) -> dict[str, Any]:
        """Return the whole answer in the shape of an unstreamed one."""
        extra = replace_surrogates(self._extra_message_fields.fields)
        message = {**extra, "role": "assistant", "content": str(self._text)}
        if reasoning := str(self._reasoning):
            message["reasoning"] = reasoning
        if self._has_calls:
            message["tool_calls"] = scan(self._calls.document(), self._pictures)
        choice = {"index": 0, "message": message, "finish_reason": replace_surrogates(self._finish_reason)}
        document = {**replace_surrogates(self._extra_fields.fields | self._fields), "choices": [choice]}
        if self.bill is not None:  # of several bills the dearest counts
            webvoice = document.get("webvoice")
            document["webvoice"] = {**(webvoice if isinstance(webvoice, dict) else {}), "credits_used": self.bill}
        return document

    def _add_choice(self, choice: dict[str, Any]) -> str:
        self._finish_reason = choice.get("finish_reason") or self._finish_reason
        self._has_choice = True
        delta, message = choice.get("delta"), choice.get("message")
        text = self._add_delta(delta) if isinstance(delta, dict) else ""
        return text + self._add_message(message) if isinstance(message, dict) else text

    def _add_message(self, message: dict[str, Any]) -> str:
        """Add a whole message: the answer itself, or what some services send after all of its deltas."""
        streamed = {"content": bool(str(self._text)), "tool_calls": self._has_calls}
        streamed |= dict.fromkeys(REASONING_FIELDS, bool(str(self._reasoning)))
        streamed |= dict.fromkeys(self._extra_message_fields.fields.keys() - {"images"}, True)
        is_repetition = self.has_content
        text = self._add_delta({name: value for name, value in message.items() if not streamed.get(name)})
        for picture in self._pictures.items[self._seen_pictures :]:
            picture.is_repeated = is_repetition
        return text

    def _add_delta(self, delta: dict[str, Any]) -> str:
        content = delta.get("content")
        reasoning = reasoning_in(delta)
        calls = _dicts(delta.get("tool_calls"))
        self._has_calls = self._has_calls or bool(calls)
        self._grow(len(self._reasoning.add(reasoning)) + self._calls.add(calls))
        for name, value in delta.items():
            if name not in _DELTA_FIELDS and value is not None:
                self._extra_message_fields.append(name, scan(value, self._pictures, name))
        text = ""
        for part in content if isinstance(content, list) else [content]:
            if is_picture_part(part):
                self._extra_message_fields.append("images", [scan(part, self._pictures)])
            else:
                piece = part.get("text") if isinstance(part, dict) else part
                text += self._text.add(piece) if isinstance(piece, str) else ""
        self._grow(len(text))
        return text

    def _grow(self, characters: int) -> None:
        self._size += characters
        if self._size > _MAX_TEXT_CHARACTERS:
            raise InvalidResponse("The streamed answer is too long and was stopped.")


class _ScannedText:
    """A text in pieces, with marks in place of the pictures in it."""

    def __init__(self, scanner: LinkScanner) -> None:
        self._scanner = scanner
        self._surrogates = SurrogateJoiner()
        self._pieces: list[str] = []

    def add(self, piece: str) -> str:
        """Add a piece and return the text that it completes."""
        return self._keep(piece if isinstance(piece, Scanned) else self._scanner.feed(self._surrogates.feed(piece)))

    def finish(self) -> str:
        """End the text and return the rest of it. Half a surrogate pair at the end is not part of the rest."""
        return self._keep(self._scanner.finish())

    def _keep(self, text: str) -> str:
        if text:
            self._pieces.append(text)
        return text

    def __str__(self) -> str:
        return "".join([*self._pieces, self._surrogates.rest])


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
        if total <= (_MAX_IMAGES_CHARACTERS if name == "images" else _MAX_EXTRA_CHARACTERS):
            self._total, self._sizes[name] = total, size
            self.fields[name] = value


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
