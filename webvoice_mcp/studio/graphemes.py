"""Grapheme borders: the places where a text may be cut without damage to what a reader sees as one letter.

Own code, because a library with the tables of Unicode is 4 MB or more. The rules are those of UAX 29 made simpler on
the safe side: a border reported here is one by UAX 29, while some of its borders are left out (such as one between
a combining mark and a control character before it).
"""

import re
import unicodedata

__all__ = ["count", "is_border", "last_border"]

# Characters that belong to the one before them and are not of a category of marks: joiners, skin tones, tags, the
# half-width voicing marks of Japanese, and the vowels of Thai and Lao that begin with a mark.
_EXTENDING = re.compile("[\u200c\u200d\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\uff9e\uff9f\u0e33\u0eb3]")
_MARKS = frozenset({"Mn", "Mc", "Me"})
_PREPENDED = re.compile(  # characters that belong to the one after them
    "[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\U000110bd\U000110cd\U000111c2\U000111c3\U0001193f\U00011941"
    "\U00011a3a\U00011a84-\U00011a89\U00011d46\U00011f02]"
)
_ZWJ, _FIRST_FLAG, _LAST_FLAG = "\u200d", "\U0001f1e6", "\U0001f1ff"
_LEADING_JAMO = re.compile("[\u1100-\u115f\ua960-\ua97c]")
_FOLLOWING_JAMO = re.compile("[\u1160-\u11ff\ud7b0-\ud7fb]")
_VIRAMA = 9  # the combining class of signs that join two consonants


def is_border(text: str, index: int, start: int = 0) -> bool:
    """Return True if the text may be cut before the character at `index`.

    Args:
        start: a border at or before `index`; what lies before it is not looked at.
    """
    if index <= start or index >= len(text):
        return True
    before, after = text[index - 1], text[index]
    if after < "\u0300" and before < "\u0300":  # most borders of most texts
        return not (before == "\r" and after == "\n")
    if before == _ZWJ or _is_mark(after) or _FOLLOWING_JAMO.match(after) or _PREPENDED.match(before):
        return False
    if _FIRST_FLAG <= after <= _LAST_FLAG:
        return _flags_before(text, index, start) % 2 == 0
    if _LEADING_JAMO.match(before):
        return not (_LEADING_JAMO.match(after) or "\uac00" <= after <= "\ud7a3")
    return not (_is_mark(before) and unicodedata.category(after) == "Lo" and _is_after_virama(text, index, start))


def last_border(text: str, start: int, end: int) -> int:
    """Return the last border after `start` and at or before `end`; `end` if one grapheme is longer than this."""
    index = end
    while index > start:
        if is_border(text, index, start):
            return index
        index -= 1
    return end


def count(text: str) -> int:
    """Return the number of graphemes."""
    if text.isascii():
        return len(text) - text.count("\r\n")
    number = start = 0
    for index in range(1, len(text)):
        if is_border(text, index, start):
            number, start = number + 1, index
    return number + 1


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in _MARKS or bool(_EXTENDING.match(character))


def _flags_before(text: str, index: int, start: int) -> int:
    first = index
    while first > start and _FIRST_FLAG <= text[first - 1] <= _LAST_FLAG:
        first -= 1
    return index - first


def _is_after_virama(text: str, index: int, start: int) -> bool:
    """Return True if a sign that joins consonants is among the marks before `index`."""
    while index > start and _is_mark(text[index - 1]):
        if unicodedata.combining(text[index - 1]) == _VIRAMA:
            return True
        index -= 1
    return False
