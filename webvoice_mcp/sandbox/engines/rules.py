"""What the sandbox's chat says: echo, arithmetic, extracts, small talk, and else that it knows nothing."""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from webvoice_mcp.sandbox.engines.arithmetic import calculate

# Words that say nothing about what a text or a tool is about.
_COMMON = (
    "a about all am an and any are as at be by can could current currently do does for from get give given has have "
    "how i if in into is it its let like list me my need no not of on one or our out please return returns show so "
    "some tell than that the their them then there these they this to up us use used user using want was we were "
    "what when where which who whose will with would you your"
)
COMMON_WORDS = frozenset(_COMMON.split())

_POLITE = r"(?:please\s+|can\s+you\s+|could\s+you\s+|just\s+|only\s+)*"
_ECHO = re.compile(
    _POLITE + r"(?:(?:say|repeat|echo)\b(?:\s+after\s+me\b)?|(?:reply|respond|answer)\s+(?:only\s+|just\s+)?with\b)"
    r"(?:\s+(?:only|just|exactly|(?:the\s+|this\s+)?(?:following\s+)?(?:exact\s+)?(?:words?|phrase|text|sentence)))*"
    r"\s*:?\s*(?P<said>.+?)(?:,?\s+(?:and\s+nothing\s+(?:else|more)|only|exactly|please))?\.?",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = re.compile(r"""["'`\u2018\u201c](.+)["'`\u2019\u201d][.!]?""", re.DOTALL)

_SUMMARY = re.compile(
    _POLITE + r"(?:summari[sz]e|tl;?dr|give\s+(?:me\s+)?a\s+summary)\b(?P<order>[^:\n]*)[:\n]\s*(?P<text>.+)",
    re.IGNORECASE | re.DOTALL,
)
_SENTENCES_ASKED = re.compile(r"\b(one|two|three|four|five|[1-9])\s+(?:short\s+)?sentences?\b", re.IGNORECASE)
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}

_NO_MODEL = "I am the sandbox's rule-based responder, not a language model."
_SMALL_TALK = (
    (
        r"(hi|hello|hey|ciao|good (morning|afternoon|evening))\b.{0,20}",
        f"Hello! {_NO_MODEL} Ask me to repeat, calculate or summarize something, or to call a tool.",
    ),
    (r".*\b(who|what) are you\b.*|.*\byour name\b.*", _NO_MODEL),
    (r"how are you\b.*", "I am running on your machine, as always."),
    (r"(thanks|thank you)\b.*", "You are welcome."),
    (r"(bye|goodbye|good night)\b.*", "Goodbye."),
)

_LONGEST_QUOTE = 200  # characters of the user's that are given back


def answer(messages: Sequence[Mapping[str, Any]]) -> str:
    """The assistant's text, without the sandbox's mark."""
    if messages and messages[-1].get("role") == "tool":
        return _results(messages)
    asked = last_question(messages)
    for rule in _RULES:
        if said := rule(asked):
            return said
    if not asked:
        return "There was no text to answer."
    return f"The sandbox has no language model and no knowledge to answer this: {_short(asked)}"


def last_question(messages: Sequence[Mapping[str, Any]]) -> str:
    """The text of the last message from the user."""
    return next((text_of(each).strip() for each in reversed(messages) if each.get("role") == "user"), "")


def text_of(message: Mapping[str, Any]) -> str:
    """A message's text, be its content a string, a list of parts or null."""
    content = message.get("content")
    if isinstance(content, list):
        return " ".join(str(part["text"]) for part in content if isinstance(part, Mapping) and "text" in part)
    return content if isinstance(content, str) else ""


def _results(messages: Sequence[Mapping[str, Any]]) -> str:
    """What the tools of the last turn returned, each by its name."""
    names: dict[Any, str] = {}
    results: list[str] = []
    for message in messages:
        if message.get("role") == "tool":
            results.append(f"{names.get(message.get('tool_call_id')) or 'The tool'} returned: {text_of(message)}")
            continue
        results.clear()
        names |= {call.get("id"): (call.get("function") or {}).get("name") for call in message.get("tool_calls") or ()}
    return "\n".join(results)


def _echo(asked: str) -> str:
    found = _ECHO.fullmatch(asked)
    if not found:
        return ""
    quoted = _QUOTED.fullmatch(found["said"])
    return quoted[1] if quoted else found["said"]


def _summary(asked: str) -> str:
    found = _SUMMARY.fullmatch(asked)
    if not found:
        return ""
    count = _SENTENCES_ASKED.search(found["order"])
    wanted = count[1].lower() if count else "one"
    return _extract(found["text"], _NUMBERS.get(wanted) or int(wanted))


def _extract(text: str, count: int) -> str:
    """The sentences with the words that come up most often, in their order."""
    sentences = re.split(r"(?<=[.!?])\s+", text.strip())
    often = Counter(_telling_words(text))

    def weight(sentence: str) -> float:
        words = _telling_words(sentence)
        return sum(often[word] for word in words) / math.sqrt(len(words) + 1)

    best = sorted(range(len(sentences)), key=lambda index: -weight(sentences[index]))[:count]
    return " ".join(sentences[index] for index in sorted(best))


def _telling_words(text: str) -> list[str]:
    return [word for word in re.findall(r"[^\W_]+", text.lower()) if word not in COMMON_WORDS]


def _small_talk(asked: str) -> str:
    return next((said for pattern, said in _SMALL_TALK if re.fullmatch(pattern, asked, re.IGNORECASE)), "")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE].rstrip() + "…"


_RULES: tuple[Callable[[str], str], ...] = (calculate, _echo, _summary, _small_talk)
