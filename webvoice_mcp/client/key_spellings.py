"""The spellings of an API key: letters in any case, characters as codes, and between them what does not show."""

import re

# Characters without a visible form: Unicode's category Cf, and those with the property Default_Ignorable_Code_Point.
INVISIBLE = (
    r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    r"\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff"
)
"""Invisible characters, as the inside of a character class of regular expressions."""

_IGNORED = rf"\s\ufffd{INVISIBLE}"  # U+FFFD stands for half a surrogate pair, which no text can hold
_LONGEST_CODE = 6  # characters
_DROPPED = re.compile(rf"[{_IGNORED}]+|\\(?=\\)")
_CODE_CHARACTERS = r"0-9A-Fa-fUuXx#;%&\\"
_SLICE_CHARACTERS = 64 << 10  # a search keeps all other threads waiting, so it does not look at megabytes at once
_UNFINISHED_CODE = re.compile(
    r"(?i:%[0-9a-f]?|&(?:#(?:x[0-9a-f]?|[0-9]{0,3}))?|\\|(?:\\|(?<=\\))(?:x[0-9a-f]?|u(?:0{0,2}|00[0-9a-f])))\Z"
)


class KeySpellings:
    r"""The spellings that a reader or a program takes for a key.

    A letter may have any case. A character may be its code: `%77`, `&#119;`, `&#x77;`, `\x77` or `\u0077`. White space,
    invisible characters and backslashes may stand between two characters.
    """

    def __init__(self, key: str) -> None:
        ignored = _IGNORED if "\\" in key else rf"\\{_IGNORED}"
        self._visible = re.compile(rf"[^{ignored}]" if "\\" in key else rf"[^{_IGNORED}\\]|\\(?=[xu])|\\\Z")
        self._longest = _LONGEST_CODE * len(key)
        ways = [(_letter(character), _code(character)) for character in key]
        between = rf"[{ignored}]*+"
        self._characters = [(re.compile(letter + between), re.compile(code + between)) for letter, code in ways]
        # The first item is a class, so that the search skips text that has none of these characters.
        first = rf"[{_cases(key[0])}%&\\](?:(?<={_letter(key[0])})|{_after_mark(key[0])})"
        self._pattern = re.compile(between.join([first, *(f"(?:{letter}|{code})" for letter, code in ways[1:])]))
        self._outside = re.compile(rf"[^{_CODE_CHARACTERS}{_IGNORED}{''.join(map(_cases, key))}]")  # in no spelling

    def replace(self, text: str, replacement: str) -> str:
        """Return the text with `replacement` in place of the key."""
        pieces = []
        start = 0
        while start < len(text):
            cut = self._outside.search(text, start + _SLICE_CHARACTERS)
            end = cut.start() if cut else len(text)
            pieces.append(self._pattern.sub(lambda _: replacement, text[start:end]))
            start = end
        return "".join(pieces)

    def beginning_in(self, text: str) -> int:
        """Return the offset from which a text may be the beginning of the key, its length if from none."""
        starts = _last_matches(self._visible, text, self._longest)
        return next((start for start in starts if self._is_beginning(text, start)), len(text))

    def _is_beginning(self, text: str, start: int) -> bool:
        offsets = {start}  # more than one where a letter could also begin a code
        for character in self._characters:  # pragma: no branch - the whole key was masked before
            if any(_UNFINISHED_CODE.match(text, offset) for offset in offsets):
                return True
            offsets = {found.end() for offset in offsets for way in character if (found := way.match(text, offset))}
            if not offsets or len(text) in offsets:
                break
        return len(text) in offsets


def without_ignored(text: str) -> str:
    """Return a text without what is ignored inside a key. The last backslash of a row stays: a code may follow it."""
    return _DROPPED.sub("", text)


def _cases(character: str) -> str:
    return re.escape("".join(dict.fromkeys(character.lower() + character.upper())))


def _letter(character: str) -> str:
    return f"[{_cases(character)}]"


def _code(character: str) -> str:
    """Return a pattern for a character's codes. The backslash of an escape may have been matched as ignored."""
    return rf"[%&\\]?{_after_mark(character)}"


def _after_mark(character: str) -> str:
    r"""Return a pattern for a character's codes behind their `%`, `&` or `\`."""
    number = f"(?i:{ord(character):02x})"
    return rf"(?:(?<=%){number}|(?<=&)#(?:x{number}|{ord(character)});?|(?<=\\)(?:x|u00){number})"


def _last_matches(pattern: re.Pattern[str], text: str, count: int) -> list[int]:
    """Return the offsets of a pattern's last `count` matches."""
    size = 4 * count
    while True:
        start = max(0, len(text) - size)
        offsets = [match.start() for match in pattern.finditer(text, start)]
        if len(offsets) >= count or not start:
            return offsets[-count:]
        size *= 4
