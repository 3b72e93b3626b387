"""Taking documents apart for translation, and putting them together."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.studio.documents import texts
from webvoice_mcp.studio.text import MAX_CHARACTERS
from webvoice_mcp.studio.translation import (
    Group,
    Translatable,
    from_file,
    from_markdown,
    from_plain_text,
    from_strings,
    from_subtitles,
)

MARKDOWN = """\
\ufeff---
title: Front matter
---
# A heading #

Some *prose* with `code here`, [a link](https://a.example/b "A title"), <b>tags</b>\\
and me@a.example. Line two with  two spaces at its end.  

> - [ ] a task in a quote
1. first
   continued

    more of the item

| Name | Value |
|------|:-----:|
| one `a | b` | two \\| three |

```python
code = "kept"
```

text

    indented code
\tcode too

[id]: https://a.example "Title"
[^1]: A footnote with [a reference][id].

<!-- a comment
kept -->
<pre>
kept </pre>
<!-- short --> Prose after it.
$$
x = kept
$$
$$ y $$
~~~
```
still code
~~~~
- 12 34
: a definition

![alt text](picture.png)
~~~
not closed
"""  # noqa: W291 - two spaces at the end of a line mean something in Markdown
MARKDOWN_PROSE = [
    "A heading #",
    'Some *prose* with `code here`, [a link](https://a.example/b "A title"), <b>tags</b>',
    "and me@a.example. Line two with  two spaces at its end.",
    "a task in a quote",
    "first",
    "continued",
    "more of the item",
    "Name",
    "Value",
    "one `a | b`",
    "two \\| three",
    "text",
    "A footnote with [a reference][id].",
    "<!-- short --> Prose after it.",
    "a definition",
    "![alt text](picture.png)",
]
SRT = """\
1
00:00:01,000 --> 00:00:02,500
<i>I went to the old
market</i> {\\an8}

3
00:00:02,500 --> 00:00:04,000
- Are you there?
- Yes, I am
over here.

4
00:00:04,000 --> 00:00:05,000
♪ 12 ♪

5
00:00:05,000 --> 00:00:06,000
A <b>bold</b> word.

6
00:00:06,000 --> 00:00:07,000

"""


def translate(document: Translatable[str], translation: Callable[[str], str]) -> str:
    """Translate a document as a job does, with a service that keeps line breaks."""
    done: list[str] = []
    for group in document.groups:
        answers = group.split(translation(group.joined))
        assert answers is not None
        done += answers
    return document.assemble(done)


def same(text: str) -> str:
    return text


def test_markdown_is_sent_without_what_is_not_prose() -> None:
    assert from_markdown(MARKDOWN).texts == MARKDOWN_PROSE
    assert from_markdown(MARKDOWN).requests == ["\n".join(MARKDOWN_PROSE)]


def test_markdown_keeps_everything_but_its_prose() -> None:
    expected = MARKDOWN
    kept = ["`code here`", '](https://a.example/b "A title")', "<b>", "</b>", "me@a.example", "`a | b`", "][id]"]
    kept += ["<!-- short -->", "](picture.png)"]
    for prose in MARKDOWN_PROSE:
        upper = prose.upper()
        for token in kept:
            upper = upper.replace(token.upper(), token)
        for before in ("# ", "\n", "> - [ ] ", "1. ", "   ", "    ", "| ", ": "):
            expected = expected.replace(f"{before}{prose}", f"{before}{upper}")
    assert translate(from_markdown(MARKDOWN), str.upper) == expected
    assert 'kept"' in expected
    assert "[A LINK](https://a.example/b" in expected


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("make", [from_markdown, from_plain_text])
def test_a_translation_into_the_same_words_changes_no_byte(make: Callable[[str], Translatable[str]], end: str) -> None:
    file = MARKDOWN.replace("\n", end)
    assert translate(make(file), same) == file


def test_front_matter_is_only_what_is_closed() -> None:
    assert from_markdown("---\nprose\n").texts == ["prose"]
    assert from_markdown("---\nkey: 1\nprose").texts == ["key: 1", "prose"]
    assert from_markdown("---\nA story begins.\n\n---\nIt ends.").texts == ["A story begins.", "It ends."]
    assert from_markdown("+++\nkey = 1\n...\n+++\nprose").texts == ["prose"]
    assert from_markdown("---\nkey: 1\n...\nprose").texts == ["prose"]


def test_a_plain_text_keeps_its_lines_indents_and_list_marks() -> None:
    text = "  Dear all,\n\n\t- one\r\n    deep\n---\n42\n* two  "
    document = from_plain_text(text)
    assert document.texts == ["Dear all,", "one", "deep", "two"]
    assert translate(document, str.upper) == text.upper()


def test_a_line_longer_than_a_request_is_sent_in_pieces_and_joined() -> None:
    text = "- " + "A sentence of words.  " * 500 + "\nend"
    document = from_plain_text(text)
    assert max(map(len, document.requests)) <= MAX_CHARACTERS
    assert translate(document, str.upper) == text.upper()
    assert from_plain_text("1" * 5000 + "abc").texts == ["1" * 1000 + "abc"]


def test_lines_fill_a_request_up_to_its_limit() -> None:
    line = "x" * 99
    assert [len(group.texts) for group in from_plain_text(f"{line}\n" * 90).groups] == [40, 40, 10]
    assert len(from_plain_text(f"{line}\n" * 40).requests[0]) == 3999


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        ("A\nB\nC", ["A", "B", "C"]),
        (" A \r\n\r\nB\n\nC\n", ["A", "B", "C"]),
        ("A B\nC", None),
        ("A\nB\nC\nD", None),
        ("", None),
    ],
)
def test_an_answer_is_split_only_if_as_many_lines_came_back(answer: str, lines: list[str] | None) -> None:
    assert Group(["a", "b", "c"]).split(answer) == lines


def test_an_answer_to_one_text_is_never_refused() -> None:
    assert Group(["a"]).split("A\n\nB ") == ["A B"]


def test_an_empty_translation_leaves_the_text_as_it_was() -> None:
    assert from_plain_text("one\ntwo").assemble(["uno", " \n"]) == "uno\ntwo"


def test_line_breaks_in_a_translation_do_not_break_the_line() -> None:
    assert from_markdown("# one\n").assemble(["u\nn\r\no "]) == "# u n o\n"


def test_another_number_of_translations_is_refused() -> None:
    with pytest.raises(ValueError, match="has 2 texts, but 1 translations"):
        from_plain_text("one\ntwo").assemble(["uno"])


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ("Esegui `save file` da [qui](https://a.example/B).", "Esegui `save file` da [qui](https://a.example/B)."),
        ("Da [qui](https://a.example/b), `SAVE FILE`.", "Da [qui](https://a.example/B), `save file`."),
        ("Esegui `salva file` da [qui]( https://a.example/B ).", "Esegui `save file` da [qui](https://a.example/B)."),
        ("Esegui da [qui](https://a.example/B).", "Esegui da [qui](https://a.example/B). `save file`"),
        ("Esegui.", "Esegui. `save file` (https://a.example/B)"),
        ("`a` `b` `save file` [c](d)", "`a` `b` `save file` [c](d) (https://a.example/B)"),
    ],
)
def test_code_and_links_survive_whatever_the_translation_does(answer: str, line: str) -> None:
    assert from_markdown("Run `save file` from [here](https://a.example/B).").assemble([answer]) == line


def test_lines_of_a_cue_are_sent_as_one_text_and_speakers_apart() -> None:
    document = from_subtitles(SRT, ".srt")
    assert document.texts == [
        "I went to the old market",
        "Are you there?",
        "Yes, I am over here.",
        "A <b>bold</b> word.",
    ]


def test_subtitles_keep_everything_but_their_words() -> None:
    expected = SRT
    for words in (
        "I went to the old",
        "market",
        "Are you there?",
        "Yes, I am",
        "over here.",
        "A <b>",
        "bold",
        " word.",
    ):
        expected = expected.replace(words, words.upper().replace("<B>", "<b>"))
    assert translate(from_subtitles(SRT, ".srt"), str.upper) == expected


def test_a_longer_translation_is_broken_into_as_many_lines() -> None:
    answers = ["Sono andato al vecchio mercato", "Ci sei?", "Sì, eccomi", "你好"]
    text = from_subtitles(SRT, ".srt").assemble(answers)
    assert "<i>Sono andato al vecchio\nmercato</i> {\\an8}\n" in text
    assert "- Ci sei?\n- Sì,\neccomi\n" in text
    assert "\n你好\n" in text


def test_dense_scripts_are_joined_and_broken_without_spaces() -> None:
    file = "1\n00:00:01,000 --> 00:00:02,000\n我们去\n市场吧\n"
    document = from_subtitles(file, ".srt")
    assert document.texts == ["我们去市场吧"]
    assert document.assemble(["市場へ行こう"]) == file.replace("我们去\n市场吧", "市場へ\n行こう")
    assert document.assemble(["x"]) == file.replace("我们去\n市场吧", "x")


def test_a_cue_longer_than_a_request_is_sent_in_pieces() -> None:
    file = "1\n00:00:01,000 --> 00:00:02,000\n" + "A sentence of words. " * 300
    document = from_subtitles(file, ".srt")
    assert len(document.groups) == 2
    assert translate(document, str.upper).split() == file.upper().split()


def test_words_before_the_first_speaker_are_a_text_of_their_own() -> None:
    file = "1\n00:00:01,000 --> 00:00:02,000\nThey:\n– One.\n– 2.\n"
    document = from_subtitles(file, ".srt")
    assert document.texts == ["They:", "One."]
    assert translate(document, str.upper) == file.replace("They:", "THEY:").replace("One.", "ONE.")


def test_strings_share_requests_and_keep_their_order() -> None:
    strings = ["one", "", "two\nthree", " 42 ", "long sentence. " * 600, "end"]
    document = from_strings(strings)
    assert len(document.groups) == 4
    answers = [answer.upper() for group in document.groups for answer in group.texts]
    assert document.assemble(answers) == [string.upper() for string in strings]


def test_a_file_is_taken_apart_by_its_extension() -> None:
    text = "```\ncode\n```\n"
    assert from_file(text, ".txt").texts == ["code"]
    assert from_file(text, ".MD").texts == []
    assert from_file(SRT, ".SRT").texts == from_subtitles(SRT, ".srt").texts
    assert from_file("WEBVTT\n\n00:01.000 --> 00:02.000\nHi", ".vtt").texts == ["Hi"]
    with pytest.raises(ValueError, match="Line 1"):
        from_file(text, ".srt")


MARKS = st.sampled_from(
    ["# ", "> ", "- ", "* [x] ", "1) ", "    ", "\t", "|", "`", "``", "```", "~~~", "<!--", "-->", "<b>", "</b>",
     "](u)", "$$", "---", "[a]: b", "[^1]: ", "\\", "<pre>", "</pre>",
     "https://a.example/x", "\n", "\r\n", "\r", " ", "{x}"]
)  # fmt: skip
DOCUMENTS = st.lists(st.one_of(MARKS, texts(longest=3)), max_size=20).map("".join)


@pytest.mark.parametrize("make", [from_markdown, from_plain_text])
@given(document=DOCUMENTS)
def test_any_document_is_the_same_in_the_same_words(make: Callable[[str], Translatable[str]], document: str) -> None:
    translatable = make(document)
    assert translate(translatable, same) == document
    assert translatable.assemble(translatable.texts) == document
    assert all(len(request) <= MAX_CHARACTERS for request in translatable.requests)


@given(document=DOCUMENTS)
def test_a_translation_of_markdown_has_as_many_lines(document: str) -> None:
    translatable = from_markdown(document)
    translated = translatable.assemble(["words, more words\nand more" for _ in translatable.texts])
    assert translated.count("\n") == document.count("\n")
    assert translated.count("\r") == document.count("\r")


CUES = st.lists(
    st.one_of(texts(longest=3), st.sampled_from(["- Yes.\n- No.", "<i>a</i>", "a\n\nb", "{\\an8}x", "<b>a</b> b"])),
    min_size=1,
)


@given(cues=CUES, end=st.sampled_from(["\n", "\r\n"]))
def test_any_subtitle_file_is_the_same_in_the_same_words(cues: list[str], end: str) -> None:
    blocks = [f"{n}\n00:00:00,000 --> 00:00:01,000\n{cue}\n" for n, cue in enumerate(cues)]
    file = "\n".join(blocks).replace("\r\n", "\n").replace("\n", end)
    assert translate(from_subtitles(file, ".srt"), same) == file
