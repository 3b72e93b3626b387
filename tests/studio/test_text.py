"""Cutting of text into parts and sentences."""

# ruff: noqa: RUF001 - texts in many scripts

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.studio.documents import SCRIPTS, texts
from webvoice_mcp.studio.graphemes import is_border
from webvoice_mcp.studio.text import MAX_CUE_WIDTH, TextPart, cut, cut_spans, sentences

WHITE_SPACE = re.compile(r"[\s\ufeff]+")


def parts(text: str, limit: int) -> list[str]:
    return [part.text for part in cut(text, limit=limit)]


@given(texts(), st.integers(8, 60))
def test_parts_fit_and_lose_nothing_but_white_space(text: str, limit: int) -> None:
    spans = cut_spans(text, limit=limit)
    assert [text[start:end] for start, end in spans] == parts(text, limit)
    assert all(0 < end - start <= limit for start, end in spans)
    borders = [0, *(place for span in spans for place in span), len(text)]
    gaps = [text[start:end] for start, end in zip(borders[::2], borders[1::2], strict=True)]
    assert all(WHITE_SPACE.sub("", gap) == "" for gap in gaps)


@given(texts(), st.integers(20, 60))
def test_no_grapheme_is_cut(text: str, limit: int) -> None:
    longest = max(map(len, re.findall(r"\S+", text)), default=0)
    for start, end in cut_spans(text, limit=limit):
        assert is_border(text, start) or longest > limit
        assert is_border(text, end) or longest > limit


@given(texts(longest=60), st.integers(8, 60))
def test_two_neighbouring_parts_would_not_fit_into_one(text: str, limit: int) -> None:
    """A unit that fits is never cut, so parts may be short, but never so short that joining two is possible."""
    spans = cut_spans(text, limit=limit)
    for (start, _), (_, end) in pairwise(spans):
        assert end - start > limit


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_long_text_of_each_script_is_cut_into_full_parts(script: str) -> None:
    text = SCRIPTS[script] * 500
    found = parts(text, 400)
    assert WHITE_SPACE.sub("", "".join(found)) == WHITE_SPACE.sub("", text)
    assert all(300 <= len(part) <= 400 for part in found[:-1])


def test_whole_paragraphs_go_together() -> None:
    text = "One. Two.\n\nThree. Four.\r\n\r\nFive. Six."
    assert cut(text, limit=25) == [TextPart("One. Two.\n\nThree. Four.", True), TextPart("Five. Six.", True)]


def test_a_paragraph_that_fits_is_not_cut_to_fill_the_part_before() -> None:
    assert parts("One. Two.\n\nThree. Four. Five.", 20) == ["One. Two.", "Three. Four. Five."]


def test_a_paragraph_longer_than_a_part_fills_the_part_before() -> None:
    text = "One.\n\nTwo is here. Three is here. Four is here."
    assert cut(text, limit=20) == [
        TextPart("One.\n\nTwo is here.", False),
        TextPart("Three is here.", False),
        TextPart("Four is here.", True),
    ]


def test_lines_that_end_sentences_are_paragraphs_if_no_line_is_empty() -> None:
    assert cut("One two.\nThree\nfour.\nFive six seven.", limit=22) == [
        TextPart("One two.\nThree\nfour.", True),
        TextPart("Five six seven.", True),
    ]


@pytest.mark.parametrize("gap", ["\n\n", "\r\n\r\n", "\r\r", "\n \t\n", "\f", "\u2029", " \f "])
def test_a_paragraph_ends_at_any_kind_of_empty_line(gap: str) -> None:
    assert cut(f"One two{gap}three four", limit=12) == [TextPart("One two", True), TextPart("three four", True)]


@pytest.mark.parametrize(
    "sentence",
    [
        "He said “Go.”",
        "(No!)",
        "Was?",
        "他说。",
        "真的吗？！」",
        "क्या है।",
        "ماذا؟",
        "Բարեւ։",
        "ሰላም።",
        "សួស្តី។",
        "Oh…",
        "»Nein.«",
    ],
)
def test_a_sentence_ends_after_its_mark_and_closing_marks(sentence: str) -> None:
    assert parts(f"{sentence} abc def", len(sentence) + 5) == [sentence, "abc def"]


def test_sentences_without_spaces_between_them_are_cut() -> None:
    assert parts("他说了一句话。真的吗？我们走吧", 10) == ["他说了一句话。", "真的吗？我们走吧"]


def test_a_word_longer_than_a_part_is_cut_between_letters() -> None:
    assert parts("x" * 10_000, 4000) == ["x" * 4000, "x" * 4000, "x" * 2000]


def test_a_line_is_not_broken_at_an_unbreakable_space() -> None:
    assert parts("aa 10\u00a0km bb", 5) == ["aa", "10\u00a0km", "bb"]


def test_a_grapheme_longer_than_the_limit_is_cut() -> None:
    assert parts("a" + "\u0301" * 9, 5) == ["a" + "\u0301" * 4, "\u0301" * 5]


def test_white_space_around_a_cut_between_letters_is_dropped() -> None:
    assert parts("\u00a0".join("abcdefgh"), 4) == ["a\u00a0b", "c\u00a0d", "e\u00a0f", "g\u00a0h"]
    assert parts("\u00a0".join("abcdef"), 5) == ["a\u00a0b\u00a0c", "d\u00a0e\u00a0f"]


@pytest.mark.parametrize("text", ["", " ", "\n\n\r\n", "\ufeff", "\ufeff \f\t"])
def test_a_text_without_letters_has_no_parts(text: str) -> None:
    assert cut(text) == []
    assert sentences(text) == []


def test_a_byte_order_mark_is_not_part_of_the_text() -> None:
    assert cut("\ufeffHello.") == [TextPart("Hello.", ends_paragraph=True)]


@pytest.mark.parametrize(
    "text",
    [
        "The fox, he said. ",
        "他说了一句话。",
        "สวัสดีครับ",
        " ",
        ".",
        "a",
        "🇩🇪",
        "\u0301",
        "1. ",
        '"',
        "\n",
        "\u00a0",
        "क्",
        " \u0301",
    ],
    ids=ascii,
)
def test_a_hundred_thousand_characters_are_cut_in_time_that_grows_evenly(text: str) -> None:
    started = time.process_time()
    cut(text * (100_000 // len(text)))
    assert time.process_time() - started < 3  # a tenth of it on an idle machine; quadratic work would take minutes


# Sentences


def test_a_text_becomes_its_sentences_each_on_one_line() -> None:
    text = 'He said "Go." It was\n3.14 then!  Dr. Who?\n\nA heading\n\n他说。“你好。”\n1. First. 2. Second.'
    assert sentences(text) == [
        'He said "Go."',
        "It was 3.14 then!",
        "Dr. Who?",
        "A heading",
        "他说。",
        "“你好。”",
        "1. First.",
        "2. Second.",
    ]


def test_a_long_sentence_is_split_at_commas() -> None:
    sentence = (
        "When the first 1,000 people had come through the gate, all of them tired, the old man put down the book."
    )
    assert sentences(sentence) == [
        "When the first 1,000 people had come through the gate,",
        "all of them tired, the old man put down the book.",
    ]


def test_a_long_sentence_without_commas_is_split_at_spaces_into_even_pieces() -> None:
    found = sentences("word " * 30)
    assert " ".join(found) == ("word " * 30).strip()
    assert [len(piece) for piece in found] == [74, 74]


def test_wide_letters_count_twice_and_are_split_without_spaces() -> None:
    found = sentences("字" * 100)
    assert "".join(found) == "字" * 100
    assert [len(piece) for piece in found] == [33, 33, 34]
    assert sentences("字" * 42) == ["字" * 42]


@given(texts())
def test_sentences_lose_nothing_and_fit_into_subtitles(text: str) -> None:
    found = sentences(text)
    assert WHITE_SPACE.sub("", "".join(found)) == WHITE_SPACE.sub("", text)
    assert all(re.search(r"\S", sentence) and "\n" not in sentence for sentence in found)
    assert all(len(sentence.encode("ascii", "ignore")) <= MAX_CUE_WIDTH for sentence in found)
