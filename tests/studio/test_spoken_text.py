"""The text of a file as it is read aloud."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.studio.spoken_text import spoken_text

MARKDOWN = """---
title: Not spoken
---
# Chapter *one* #

It was a **dark** night. See [the map](https://example.com/map "Map"), ![a ship](ship.png) and `more`.[^1]
> Quoted by __her__.

- first
- [x] second
3. third

```python
print("hi")
# stays
```

<!-- not
spoken -->
| name | age |
|------|----:|
| Ann  | 30  |

***
Title
=====
[map]: https://example.com/map
"""


def test_markdown_is_read_without_its_marks() -> None:
    spoken = spoken_text(MARKDOWN, ".md")
    assert [line for line in spoken.splitlines() if line.strip()] == [
        "Chapter one ",
        "It was a dark night. See the map, a ship and more.",
        "Quoted by her.",
        "first",
        "second",
        "3. third",
        'print("hi")',
        "# stays",
        "name, age",
        "Ann, 30",
        "Title",
    ]


@pytest.mark.parametrize(
    ("markdown", "spoken"),
    [
        ("2 * 3, 2*3 and snake_case", "2 * 3, 2*3 and snake_case"),
        (r"\*not\* a mark", "*not* a mark"),
        ("[![a ship](a.png)](b) [there][1] <https://a.example/b>", "a ship there https://a.example/b"),
        ("AT&amp;T<br>~~old~~ (*new*)", "AT&Told (new)"),
        ("[a ship](a_(b)) [open](", "a ship [open]("),
        ("~~~\n``` *a*\n~~~\n*b*", "``` *a*\nb"),
        ("C# and #tag", "C# and #tag"),
    ],
)
def test_only_marks_are_left_out(markdown: str, spoken: str) -> None:
    assert spoken_text(markdown, ".MD") == spoken


@given(st.lists(st.text("abcdefghij ", min_size=1), min_size=1))
def test_plain_words_stay_as_they_are(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert spoken_text(text, ".md").split() == text.split()


@given(st.text('a\n *_`~#>-+[]()<>!|\\=:^"&;{}1.'))
def test_markdown_of_any_kind_is_read(text: str) -> None:
    assert spoken_text(text, ".md").count("a") <= text.count("a")


@pytest.mark.parametrize(
    "unit",
    ["*a ", "[", "[a](b", "`", "\\", "- ", "<!--", "---\na\n", "#  ", "<a ", "[^", "> ", '[a](b "', "{\\", "\n```a`"],
)
def test_long_texts_are_read_in_little_time(unit: str) -> None:
    started = time.process_time()
    spoken_text(unit * 60_000, ".md")
    assert time.process_time() - started < 5  # a second at most; with quadratic work it would be minutes


def test_only_the_words_of_subtitles_are_read() -> None:
    srt = (
        "1\n00:00:01,000 --> 00:00:02,500\n<i>Hello</i>\nthere.\n\n"
        "2\n00:00:03,000 --> 00:00:05,000\nWe went to\n\n"
        "3\n00:00:05,000 --> 00:00:06,000\n{\\an8}the sea.\n\n"
        "4\n00:00:07,000 --> 00:00:08,000\n<b></b>\n\n"
        "5\n00:00:09,000 --> 00:00:10,000\n晚安。\n"
    )
    assert spoken_text(srt, ".srt") == "Hello there.\n\nWe went to\nthe sea.\n\n晚安。"
    vtt = "WEBVTT\n\nNOTE not spoken\n\n00:01.000 --> 00:02.000\n<v Ann>Fish &amp; chips\n"
    assert spoken_text(vtt, ".vtt") == "Fish & chips"


def test_a_byte_order_mark_hides_no_heading() -> None:
    assert spoken_text("\ufeff# One\n\nText.", ".md") == "One\n\nText."


def test_text_between_two_rules_is_read() -> None:
    assert spoken_text("---\nOnce upon a time.\n\n---\nThe end.", ".md") == "Once upon a time.\n\n\nThe end."


def test_plain_text_is_read_as_it_is() -> None:
    assert spoken_text(MARKDOWN, ".txt") == MARKDOWN


def test_a_file_that_is_no_subtitles_is_refused() -> None:
    with pytest.raises(ValueError, match="Line 1 is not the beginning of an SRT file"):
        spoken_text("Hello.", ".srt")
