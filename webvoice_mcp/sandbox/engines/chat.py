"""Chat by rules instead of a language model: the same messages always get the same answer.

Every text begins with "[sandbox] ", so that nobody takes it for a model's. Tool calls have OpenAI's format.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import takewhile
from typing import Any, Literal

from webvoice_mcp.sandbox.engines import tool_calls

PROVIDER = "sandbox:rules-1"
MARK = "[sandbox] "

_WORD = re.compile(r"\S+\s*")
_ECHO = re.compile(
    r"(?is)(?:please\s+)?(?:say|repeat|echo|(?:reply|respond|answer)\s+with)\b(?:\s+(?:only|just|exactly|after\s+me))*\s*:?\s*"
    r"(?P<said>.+?)(?:,?\s+(?:and\s+nothing\s+(?:else|more)|please))?\.?"
)
_NUMBER = r"(-?\d{1,15}(?:\.\d{1,15})?)"
_SUM = re.compile(
    rf"(?i)(?:what(?:\s+i|['\u2019])s|calculate)?\s*({_NUMBER}\s*([-+*/x]|[a-z]+(?: by)?)\s*{_NUMBER})[\s=?.!]*"
)
_OPERATORS = {
    **dict.fromkeys(("+", "plus"), Fraction.__add__),
    **dict.fromkeys(("-", "minus"), Fraction.__sub__),
    **dict.fromkeys(("*", "x", "times"), Fraction.__mul__),
    **dict.fromkeys(("/", "divided by"), Fraction.__truediv__),
}
_QUOTED = re.compile(r"""["'`\u2018\u201c](.+)["'`\u2019\u201d][.!]?""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Completion:
    """An assistant's message: a text, or tool calls in the format of OpenAI's `message.tool_calls`."""

    text: str
    tool_calls: list[dict[str, Any]]
    finish_reason: Literal["stop", "length", "tool_calls"]


def complete(
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]] | None = None,
    tool_choice: str | Mapping[str, Any] | None = None,
    max_tokens: int = 2000,
) -> Completion:
    """Answer a conversation in OpenAI's format.

    Args:
        messages: the last one is from the user or a tool.
        tools: already validated, like `tool_choice`.
        max_tokens: the most words in the answer; the mark does not count.

    Raises:
        InvalidInput: a tool's parameters are not a JSON Schema.
    """
    question = last_question(messages)
    has_results = bool(messages) and messages[-1].get("role") == "tool"
    calls = [] if has_results else tool_calls.choose(question, tools or (), tool_choice or "auto", len(messages))
    if calls:
        return Completion("", calls, "tool_calls")
    words = _WORD.findall(_describe_results(messages) if has_results else _answer(question))
    text = MARK + "".join(words[:max_tokens]).rstrip()
    return Completion(text, [], "length" if len(words) > max_tokens else "stop")


def last_question(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of the user's last message, "" if there is none."""
    return next((_text(message).strip() for message in reversed(messages) if message.get("role") == "user"), "")


def count_tokens(text: str) -> int:
    """Return the number of tokens in a text: its words, as for `max_tokens`."""
    return len(_WORD.findall(text))


def _answer(question: str) -> str:
    if not question:
        return "There was no text to answer."
    if found := _ECHO.fullmatch(question):
        quoted = _QUOTED.fullmatch(found["said"])
        return quoted[1] if quoted else found["said"]
    return _calculate(question) or f"The sandbox has no language model, so it cannot answer this: {question[:200]}"


def _calculate(question: str) -> str:
    """Return a calculation with two numbers and its result, such as `2 + 3 = 5`; "" for any other question."""
    found = _SUM.fullmatch(question)
    operate = _OPERATORS.get(found[3].lower()) if found else None
    if not found or not operate:
        return ""
    try:
        value = operate(Fraction(found[2]), Fraction(found[4]))
    except ZeroDivisionError:
        return f"{found[1]} divides by zero."
    return f"{found[1]} = {value if value.denominator == 1 else format(float(value), '.12g')}"


def _describe_results(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return a line with name and result of each tool called in the last turn."""
    calls = [call for message in messages for call in message.get("tool_calls") or ()]
    names = {call.get("id"): (call.get("function") or {}).get("name") for call in calls}
    results = list(takewhile(lambda message: message.get("role") == "tool", reversed(messages)))[::-1]
    lines = [f"{names.get(result.get('tool_call_id')) or 'The tool'} returned: {_text(result)}" for result in results]
    return "\n".join(lines)


def _text(message: Mapping[str, Any]) -> str:
    """Return a message's text. Its content can be a string, a list of parts or null."""
    content = message.get("content")
    if isinstance(content, list):
        return " ".join(str(part["text"]) for part in content if isinstance(part, Mapping) and "text" in part)
    return content if isinstance(content, str) else ""
