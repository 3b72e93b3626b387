"""Names that look alike: the same letters in another Unicode form, another kind of space, quotes around a path."""

import os
import re
import unicodedata
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_QUOTED = re.compile(r"""(["'`])(.+)\1|\u201c(.+)\u201d|\u2018(.+)\u2019""", re.DOTALL)
_FILE_URI = re.compile(r"file:(//(localhost)?(?=/))?", re.IGNORECASE)


def find_alike(path: Path) -> list[Path]:
    """Return the existing paths that an absolute path means: itself if it exists, else those that look like it.

    A part that is not there stands for the names in its folder that differ from it only by Unicode form (a letter with
    its accent as one character or two) or kind of space. The list is empty if a part has none, or its folder cannot be
    listed.
    """
    found = [Path(path.anchor)]
    for name in path.parts[1:]:
        found = [alike for folder in found for alike in _alike_in(folder, name)]
    return found


def _alike_in(folder: Path, name: str) -> list[Path]:
    if os.path.lexists(folder / name):
        return [folder / name]
    wanted = _fold(name)
    try:
        with os.scandir(folder) as entries:
            return sorted(folder / entry.name for entry in entries if _fold(entry.name) == wanted)
    except OSError:
        return []


def _fold(name: str) -> str:
    """Return a name in one Unicode form and with plain spaces."""
    spaced = (" " if unicodedata.category(character) == "Zs" else character for character in name)
    return unicodedata.normalize("NFC", "".join(spaced))


def simpler_texts(given: str) -> Iterator[tuple[str, str]]:
    """Yield what a text could mean as a path, with the words for what was left out; the least changed first."""
    changes = (_strip, _unquote, _unescape, _without_scheme)
    for number in range(1, len(changes) + 1):
        for chosen in combinations(changes, number):
            text, left_out = given, []
            for change in chosen:
                text, words = change(text)
                left_out.append(words)
            if all(left_out):
                yield text, _listed(left_out)


def _strip(text: str) -> tuple[str, str]:
    stripped = text.strip()
    if stripped == text:
        return text, ""
    return stripped, "the line break" if "\n" in text.replace(stripped, "") else "the blank around it"


def _unquote(text: str) -> tuple[str, str]:
    match = _QUOTED.fullmatch(text)
    return (next(filter(None, match.groups()[1:])), "the quotes") if match else (text, "")


def _unescape(text: str) -> tuple[str, str]:
    plain = _ESCAPED.sub(r"\1", text)
    return plain, "the backslash" if plain != text else ""


def _without_scheme(text: str) -> tuple[str, str]:
    match = _FILE_URI.match(text)
    return (text[match.end() :], f'"{match.group()}"') if match else (text, "")


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
