"""Chat by rules: no language model, always the same answer to the same messages, tool calls in OpenAI's shape.

Every text begins with "[sandbox] ", so that nobody takes it for a model's.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from webvoice_mcp.sandbox.engines import rules, toolcalls

PROVIDER = "sandbox:rules-1"
MARK = "[sandbox] "

_WORD = re.compile(r"\S+\s*")


@dataclass(frozen=True, slots=True)
class Completion:
    """An assistant's turn: either a text or calls of tools.

    Attributes:
        text: empty when tools are called.
        tool_calls: as OpenAI's `message.tool_calls`.
    """

    text: str
    tool_calls: list[dict[str, Any]]
    finish_reason: Literal["stop", "length", "tool_calls"]


def complete(
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]] | None = None,
    tool_choice: str | Mapping[str, Any] | None = None,
    max_tokens: int = 2000,
) -> Completion:
    """Answer OpenAI's `messages`, the last of which is the user's or a tool's.

    A word counts as a token; `max_tokens` of them are given, not counting the mark.
    Raises InvalidInput when `tools` or `tool_choice` are not what OpenAI defines.
    """
    calls = toolcalls.choose(messages, tools or (), tool_choice or "auto")
    if calls:
        return Completion("", calls, "tool_calls")
    words = _WORD.findall(rules.answer(messages))
    text = MARK + "".join(words[:max_tokens]).rstrip()
    return Completion(text, [], "length" if len(words) > max_tokens else "stop")


def count_tokens(text: str) -> int:
    """How many tokens a text counts for, as in `max_tokens`."""
    return len(_WORD.findall(text))
