"""Adds, replaces or removes one entry of a JSON text; every other byte stays.

    {"mcpServers": {"webvoice": {...}}}
      `section`      `name`      the entry

The standard library's parser would lose the layout of the user's file. The text is read strictly: comments, errors and
duplicate names are refused, because editing such a text would require guessing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MISSING = object()  # returned by `find_entry` if there is no entry; None means that the entry is null

_WHITESPACE = " \t\r\n"
_DECODER = json.JSONDecoder()
_DEFAULT_INDENT = "  "


class NotEdited(Exception):
    """A file was left unchanged. The message is the reason; it is shown after the file's name and a colon."""


def find_entry(text: str, section: str, name: str) -> Any:
    """Return the entry's value, `MISSING` if there is none.

    Raises:
        NotEdited: the text is not strict JSON.
    """
    return _parse(text, section).get(section, {}).get(name, MISSING)


def set_entry(text: str, section: str, name: str, value: Any) -> str:
    """Return the text with the entry replaced in its place, or added at the end of its section.

    Raises:
        NotEdited: the text is not strict JSON.
    """
    document = _parse(text, section)
    newline = "\r\n" if "\r\n" in text else "\n"
    if not document and not text.strip(_WHITESPACE):
        new = json.dumps({section: {name: value}}, indent=_DEFAULT_INDENT, ensure_ascii=False)
        return new.replace("\n", newline) + newline
    root = _scan_object(text, _skip_whitespace(text, 0))
    layout = _Layout(text, newline, _find_indent(text, root))
    outer = root.find(section)
    if outer is None:
        return layout.append(root, "", section, {name: value})
    servers = _scan_object(text, outer.value_start)
    present = servers.find(name)
    if present is None:
        return layout.append(servers, layout.indent_of(outer.start), name, value)
    new_value = layout.format(value, layout.indent_of(present.start))
    return text[: present.value_start] + new_value + text[present.end :]


def remove_entry(text: str, section: str, name: str) -> str:
    """Return the text without the entry; the same text if there is none.

    Raises:
        NotEdited: the text is not strict JSON.
    """
    if name not in _parse(text, section).get(section, {}):
        return text
    root = _scan_object(text, _skip_whitespace(text, 0))
    (outer,) = (member for member in root.members if member.name == section)
    servers = _scan_object(text, outer.value_start)
    members = servers.members
    index = next(number for number, member in enumerate(members) if member.name == name)
    if len(members) == 1:
        return text[: servers.start + 1] + text[servers.end :]
    if index == len(members) - 1:
        return text[: members[index - 1].end] + text[members[index].end :]
    return text[: members[index].start] + text[members[index + 1].start :]


@dataclass(frozen=True, slots=True)
class _Member:
    """`"name": value` in a text, as the offsets where the name starts, the value starts, and the value ends."""

    name: str
    start: int
    value_start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Object:
    """`{…}` in a text, as the offsets of its braces."""

    start: int
    end: int
    members: Sequence[_Member]

    def find(self, name: str) -> _Member | None:
        return next((member for member in self.members if member.name == name), None)


@dataclass(frozen=True, slots=True)
class _Layout:
    """The layout of a text. Additions follow it."""

    text: str
    newline: str
    step: str  # the indent of one level

    def indent_of(self, offset: int) -> str | None:
        """Return the whitespace before the offset on its line, None if anything else precedes it."""
        before = self.text[self.text.rfind("\n", 0, offset) + 1 : offset]
        return None if before.strip(" \t") else before

    def append(self, target: _Object, outer_indent: str | None, name: str, value: Any) -> str:
        """Return the text with one more member at the end of an object."""
        if target.members:
            last = target.members[-1]
            indent = self.indent_of(last.start)
            # In an object on one line, members get the separator that stands between a name and its value.
            gap = self.text[last.value_start - 1].strip(":") if indent is None else self.newline + indent
            head, tail = self.text[: last.end] + "," + gap, self.text[last.end :]
        else:
            indent = None if outer_indent is None else outer_indent + self.step
            before, after = ("", "") if indent is None else (self.newline + indent, self.newline + str(outer_indent))
            head, tail = self.text[: target.start + 1] + before, after + self.text[target.end :]
        return f"{head}{json.dumps(name)}: {self.format(value, indent)}{tail}"

    def format(self, value: Any, indent: str | None) -> str:
        """Return a value's JSON for a member that has this indent."""
        if indent is None:
            return json.dumps(value, ensure_ascii=False)
        return json.dumps(value, ensure_ascii=False, indent=self.step).replace("\n", self.newline + indent)


def _parse(text: str, section: str) -> dict[str, Any]:
    if not text.strip(_WHITESPACE):
        return {}
    try:
        document = json.loads(text, object_pairs_hook=_refuse_duplicates, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise NotEdited(f"it has comments or is not valid JSON ({where}: {error.msg})") from None
    except (ValueError, RecursionError):
        raise NotEdited("its JSON is nested too deeply or has a number that is too long") from None
    if not isinstance(document, dict):
        raise NotEdited("it does not hold a JSON object")
    if not isinstance(document.get(section, {}), dict):
        raise NotEdited(f'its "{section}" is not a JSON object')
    return document


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        duplicate = next(name for name in names if names.count(name) > 1)
        raise NotEdited(f"it has {json.dumps(duplicate)} twice in one object")
    return found


def _refuse_constant(constant: str) -> None:
    raise NotEdited(f"it is not valid JSON ({constant})")


def _scan_object(text: str, start: int) -> _Object:
    """Locate the members of the object at `start` in a valid text."""
    members = []
    offset = _skip_whitespace(text, start + 1)
    while text[offset] != "}":
        name, name_end = _DECODER.raw_decode(text, offset)
        value_start = _skip_whitespace(text, _skip_whitespace(text, name_end) + 1)
        _, value_end = _DECODER.raw_decode(text, value_start)
        members.append(_Member(name, offset, value_start, value_end))
        offset = _skip_whitespace(text, value_end)
        offset = _skip_whitespace(text, offset + 1) if text[offset] == "," else offset
    return _Object(start, offset, members)


def _find_indent(text: str, root: _Object) -> str:
    """Return the indent of one level in this text."""
    if not root.members:
        return _DEFAULT_INDENT
    layout = _Layout(text, "", "")
    return layout.indent_of(root.members[-1].start) or _DEFAULT_INDENT


def _skip_whitespace(text: str, offset: int) -> int:
    while text[offset] in _WHITESPACE:
        offset += 1
    return offset
