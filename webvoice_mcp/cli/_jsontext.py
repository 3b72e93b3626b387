"""One entry of a JSON text put in, replaced or taken out, while every other byte stays what it is.

    {"mcpServers": {"webvoice": {...}}}
      `section`      `name`      the entry

The text is read strictly. What cannot be read without guessing is left alone: comments, errors, one name twice.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MISSING = object()  # what `entry` gives where there is none; `null` is an entry

_BLANK = " \t\r\n"
_DECODER = json.JSONDecoder()
_STEP = "  "


class LeftAlone(Exception):
    """The file stays as it is; the message is the reason, to be read after its name and a colon."""


def entry(text: str, section: str, name: str) -> Any:
    """The entry as it is now, `MISSING` where there is none.

    Raises:
        LeftAlone: the text cannot be read without guessing.
    """
    return _checked(text, section).get(section, {}).get(name, MISSING)


def with_entry(text: str, section: str, name: str, value: Any) -> str:
    """The text with the entry put in, at the end of its section, or replaced where it stands.

    Raises:
        LeftAlone: the text cannot be read without guessing.
    """
    document = _checked(text, section)
    newline = "\r\n" if "\r\n" in text else "\n"
    if not document and not text.strip(_BLANK):
        return json.dumps({section: {name: value}}, indent=_STEP, ensure_ascii=False).replace("\n", newline) + newline
    root = _object(text, _skip(text, 0))
    layout = _Layout(text, newline, _step(text, root))
    outer = root.member(section)
    if outer is None:
        return layout.appended(root, "", section, {name: value})
    servers = _object(text, outer.value)
    present = servers.member(name)
    if present is None:
        return layout.appended(servers, layout.indent(outer.start), name, value)
    return text[: present.value] + layout.written(value, layout.indent(present.start)) + text[present.end :]


def without_entry(text: str, section: str, name: str) -> str:
    """The text with the entry taken out; the same text where there is none.

    Raises:
        LeftAlone: the text cannot be read without guessing.
    """
    if name not in _checked(text, section).get(section, {}):
        return text
    root = _object(text, _skip(text, 0))
    (outer,) = (member for member in root.members if member.name == section)
    servers = _object(text, outer.value)
    members = servers.members
    place = next(number for number, member in enumerate(members) if member.name == name)
    if len(members) == 1:
        return text[: servers.start + 1] + text[servers.end :]
    if place == len(members) - 1:
        return text[: members[place - 1].end] + text[members[place].end :]
    return text[: members[place].start] + text[members[place + 1].start :]


@dataclass(frozen=True, slots=True)
class _Member:
    """`"name": value`, with where the name starts, where the value does, and where it ends."""

    name: str
    start: int
    value: int
    end: int


@dataclass(frozen=True, slots=True)
class _Object:
    """`{…}`, with where its braces are."""

    start: int
    end: int
    members: Sequence[_Member]

    def member(self, name: str) -> _Member | None:
        return next((member for member in self.members if member.name == name), None)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a text is laid out, so that what is added looks like the rest."""

    text: str
    newline: str
    step: str

    def indent(self, at: int) -> str | None:
        """The blanks before `at` on its line, None where something else stands before it."""
        before = self.text[self.text.rfind("\n", 0, at) + 1 : at]
        return None if before.strip(" \t") else before

    def appended(self, into: _Object, outer_indent: str | None, name: str, value: Any) -> str:
        """The text with one more member at the end of an object."""
        if into.members:
            last = into.members[-1]
            indent = self.indent(last.start)
            # Between two members of one line there is as much as there is after a colon.
            gap = self.text[last.value - 1].strip(":") if indent is None else self.newline + indent
            head, tail = self.text[: last.end] + "," + gap, self.text[last.end :]
        else:
            indent = None if outer_indent is None else outer_indent + self.step
            before, after = ("", "") if indent is None else (self.newline + indent, self.newline + str(outer_indent))
            head, tail = self.text[: into.start + 1] + before, after + self.text[into.end :]
        return f"{head}{json.dumps(name)}: {self.written(value, indent)}{tail}"

    def written(self, value: Any, indent: str | None) -> str:
        """A value as it stands after a name that is indented so."""
        if indent is None:
            return json.dumps(value, ensure_ascii=False)
        return json.dumps(value, ensure_ascii=False, indent=self.step).replace("\n", self.newline + indent)


def _checked(text: str, section: str) -> dict[str, Any]:
    if not text.strip(_BLANK):
        return {}
    try:
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise LeftAlone(f"it has comments, or is not valid JSON ({where}: {error.msg})") from None
    except (ValueError, RecursionError):
        raise LeftAlone("it is not JSON that can be read safely") from None
    if not isinstance(document, dict):
        raise LeftAlone("it holds something other than a JSON object")
    if not isinstance(document.get(section, {}), dict):
        raise LeftAlone(f'"{section}" in it is something other than a JSON object')
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise LeftAlone(f"it has {json.dumps(twice)} twice in one object")
    return found


def _no_constant(constant: str) -> None:
    raise LeftAlone(f"it is not valid JSON ({constant})")


def _object(text: str, start: int) -> _Object:
    """What is where in the object at `start`, in a text that is known to be right."""
    members = []
    at = _skip(text, start + 1)
    while text[at] != "}":
        name, end = _DECODER.raw_decode(text, at)
        value = _skip(text, _skip(text, end) + 1)
        _, value_end = _DECODER.raw_decode(text, value)
        members.append(_Member(name, at, value, value_end))
        at = _skip(text, value_end)
        at = _skip(text, at + 1) if text[at] == "," else at
    return _Object(start, at, members)


def _step(text: str, root: _Object) -> str:
    """By how much each level is indented in this text."""
    if not root.members:
        return _STEP
    layout = _Layout(text, "", "")
    return layout.indent(root.members[-1].start) or _STEP


def _skip(text: str, at: int) -> int:
    while text[at] in _BLANK:
        at += 1
    return at
