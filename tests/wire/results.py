"""Checks of `tools/call` results received over the pipe."""

import json

from tests.support import CANARY
from tests.wire_driver import Message

_MAX_ERROR_CHARACTERS = 500
_NEVER_SHOWN = ("Traceback", 'File "', "<html", CANARY)


def failure(result: Message) -> tuple[str, str]:
    """Return the error code and the text of a failed result, after checking its form."""
    assert result["isError"] is True, result
    assert "structuredContent" not in result
    (block,) = result["content"]
    text: str = block["text"]
    code: str = result["_meta"]["webvoice/error"]["code"]
    assert (block["type"], text.partition(": ")[0]) == ("text", code)
    assert len(text) < _MAX_ERROR_CHARACTERS, text
    assert not [shown for shown in _NEVER_SHOWN if shown in json.dumps(result)]
    return code, text


def fields(result: Message) -> Message:
    """Return the structured content of a successful result, after checking that its first text block is the same."""
    assert result["isError"] is False, result
    structured: Message = result["structuredContent"]
    assert json.loads(result["content"][0]["text"]) == structured
    return structured
