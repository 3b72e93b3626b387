"""Borders of graphemes, by the examples of UAX 29 and by words of many scripts."""

import pytest

from tests.studio.documents import SCRIPTS
from webvoice_mcp.studio.graphemes import count, is_border, last_border

WHOLE = {
    "a line end of two characters": "\r\n",
    "a letter with two accents": "o\u0302\u0301",
    "a family joined to one picture": "👨‍👩‍👧‍👦",
    "a hand with a skin tone": "👍🏽",
    "a heart in colour": "❤️",
    "a key with a number": "1️⃣",
    "a flag": "🇩🇪",
    "a flag of tags": "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "a syllable of jamo": "\u1112\u1161\u11ab",
    "a syllable with a final jamo": "\ud558\u11ab",
    "leading jamo": "\u1100\u1100\uac00",
    "consonants joined by a virama": "क्ष",
    "consonants joined by a virama and a joiner": "ක්\u200dර",
    "a letter with a vowel that follows": "நி",
    "Thai with a vowel that begins with a mark": "กำ",
    "kana with a half-width voicing mark": "ﾊﾞ",
    "a number sign with its digit": "\u06001",
    "a choice between two shapes of a letter": "葛\U000e0100",
}


@pytest.mark.parametrize("grapheme", WHOLE.values(), ids=WHOLE.keys())
def test_a_grapheme_has_no_border_inside(grapheme: str) -> None:
    text = f"x{grapheme}x"
    inside = [index for index in range(len(text) + 1) if is_border(text, index)]
    assert inside == [0, 1, len(text) - 1, len(text)]
    assert count(text) == 3


def test_flags_in_a_row_are_counted_in_pairs() -> None:
    flags = "🇩🇪🇫🇷🇮🇹"
    assert [index for index in range(7) if is_border(flags, index)] == [0, 2, 4, 6]
    assert count(flags) == 3
    assert is_border(flags, 3, start=1)


@pytest.mark.parametrize(
    ("text", "number"),
    [("", 0), ("abc", 3), ("a\r\nb", 3), ("漢字", 2), ("안녕", 2), ("สวัสดี", 4), (SCRIPTS["emoji"], 13), ("क्", 1)],
)
def test_graphemes_are_counted_as_readers_count_letters(text: str, number: int) -> None:
    assert count(text) == number


def test_consonants_without_a_joining_sign_are_apart() -> None:
    assert count("किम") == 2


def test_the_last_border_is_before_a_grapheme_that_does_not_fit() -> None:
    assert last_border("ab👨‍👩‍👧", 0, 4) == 2
    assert last_border("abc", 0, 2) == 2


def test_a_grapheme_longer_than_the_limit_is_cut_at_the_limit() -> None:
    assert last_border("a" + "\u0301" * 10, 0, 5) == 5
