"""Reading of subtitle files, and replacing their texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.studio.subtitle_files import cues, parse_subtitles
from webvoice_mcp.studio.subtitles import Cue

SRT = """\
1
00:00:01,000 --> 00:00:02,500
Hello, <b>dear</b> world.

7
00:00:02,000 --> 00:00:04,000 X1:100 X2:200 Y1:300 Y2:400
{\\an8}<i>Two
lines.</i>


2
0:00:05.5 --> 00:00:06
♪

00:00:07,000 --> 00:00:08,000
A cue without number --> with an arrow

9
00:00:08,000 --> 00:00:09,000

10
00:00:09,000 --> 00:00:10,000
With an empty line

inside
1984
11
00:00:11,000 --> 00:00:12,000
42
"""
SRT_TEXTS = [
    "Hello, <b>dear</b> world.",
    "Two\nlines.",
    "♪",
    "A cue without number --> with an arrow",
    "",
    "With an empty line\n\ninside\n1984",
    "42",
]
VTT = """\
WEBVTT - A title
X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0

STYLE
::cue { color: red }

REGION
id:bottom

NOTE two lines
of a note: 00:01 --> 00:02

NOTEBOOK
00:01.000 --> 00:02.000 align:start position:10%
<v Mary>Tom &amp; <c.red>Jerry</c></v>

00:00:02.000 --> 00:00:03.000
<00:00:02.500>Sung 3 &lt; 4
01:00:00.000 --> 01:00:01.000
No empty line before
"""
VTT_TEXTS = ["Tom &amp; <c.red>Jerry", "Sung 3 &lt; 4", "No empty line before"]


def spellings(text: str) -> list[str]:
    """Return a file with all line ends, with and without a byte order mark and a last line end."""
    ends = [text.replace("\n", end) for end in ("\n", "\r\n", "\r")]
    return [mark + spelled for spelled in (*ends, text.rstrip("\n"), text + "\n\n") for mark in ("", "\ufeff")]


@pytest.mark.parametrize("file", spellings(SRT), ids=ascii)
def test_an_srt_file_is_the_same_with_its_own_texts(file: str) -> None:
    subtitles = parse_subtitles(file, ".srt")
    assert subtitles.texts == SRT_TEXTS
    assert subtitles.with_texts(list(SRT_TEXTS)) == file


@pytest.mark.parametrize("file", spellings(VTT.replace("Tom &amp; <c.red>Jerry</c></v>", "Tom &amp; <c.red>Jerry</v>")))
def test_a_vtt_file_is_the_same_with_its_own_texts(file: str) -> None:
    subtitles = parse_subtitles(file, ".vtt")
    assert subtitles.texts == VTT_TEXTS
    assert subtitles.with_texts(list(VTT_TEXTS)) == file


def test_only_the_texts_change_and_tags_around_them_stay() -> None:
    texts = ["Ciao, <b>caro</b> mondo.", "Due\nrighe.", "♪", "A --> B", "", "Con\n\nuna riga", "42"]
    changed = parse_subtitles(SRT.replace("\n", "\r\n"), ".srt").with_texts(texts)
    expected = SRT
    for old, new in zip(
        SRT_TEXTS, ["Ciao, <b>caro</b> mondo.", "Due\nrighe.", "♪", "A → B", "", "Con\nuna riga", "42"], strict=True
    ):
        expected = expected.replace(old, new) if old else expected
    assert changed == expected.replace("\n", "\r\n")


def test_a_text_whose_tags_were_damaged_loses_them() -> None:
    changed = parse_subtitles(SRT, ".srt").with_texts(["Ciao, <b>caro mondo.", *SRT_TEXTS[1:]])
    assert changed == SRT.replace("Hello, <b>dear</b> world.", "Ciao, caro mondo.")


def test_signs_that_webvtt_reserves_are_escaped_in_new_texts() -> None:
    changed = parse_subtitles("WEBVTT\n\n00:01.000 --> 00:02.000\nx\n", ".vtt").with_texts(["I <3 you --> yes"])
    assert changed == "WEBVTT\n\n00:01.000 --> 00:02.000\nI &lt;3 you --&gt; yes\n"


def test_a_webvtt_file_may_have_no_cues() -> None:
    assert parse_subtitles("WEBVTT", ".vtt").with_texts([]) == "WEBVTT"


def test_a_name_of_a_block_inside_other_lines_is_no_block() -> None:
    assert parse_subtitles("WEBVTT\nNOTE\n00:01.000 --> 00:02.000\nx", ".vtt").texts == ["x"]


def test_five_thousand_cues_are_read_and_written() -> None:
    file = "\n".join(f"{n}\n00:00:00,000 --> 00:00:01,000\nText {n}.\n" for n in range(5000))
    subtitles = parse_subtitles(file, ".srt")
    assert subtitles.texts == [f"Text {n}." for n in range(5000)]
    assert subtitles.with_texts([text.upper() for text in subtitles.texts]) == file.replace("Text", "TEXT")


@pytest.mark.parametrize(
    ("file", "suffix", "message"),
    [
        ("", ".srt", "Line 1 is not the beginning of an SRT file"),
        ("\n\nHello.\n", ".srt", "Line 3 is not the beginning of an SRT file"),
        ("Hello.\n00:00:01,000 --> 00:00:02,000\nx", ".srt", "Line 1 is not the beginning"),
        ("Hello.\n\n\n00:00:01,000 --> 00:00:02,000\nx", ".srt", "Line 1 is not the beginning"),
        ("WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nx", ".srt", "Line 1 is not the beginning"),
        ("1\n00:00:01,000 --> soon\nx", ".srt", "The times in line 2 cannot be read"),
        ("00:00:01,000 --> soon\nx", ".srt", "The times in line 1 cannot be read"),
        ("1\n00:00:01,000 --> 00:00:02,000\nx\n\n2\nnow --> soon\nx", ".srt", "The times in line 6 cannot be read"),
        ("", ".vtt", "Line 1 is not the beginning of a WebVTT file"),
        ("WEBVTTX\n\n", ".vtt", "Line 1 is not the beginning of a WebVTT file"),
        ("1\n00:00:01,000 --> 00:00:02,000\nx", ".VTT", "Line 1 is not the beginning of a WebVTT file"),
        ("WEBVTT\n\nname\nnow --> soon\nx", ".vtt", "The times in line 4 cannot be read"),
    ],
)
def test_a_file_in_another_format_is_refused_with_its_line(file: str, suffix: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_subtitles(file, suffix)


def test_another_number_of_texts_is_refused() -> None:
    with pytest.raises(ValueError, match="has 7 cues, but 1 texts"):
        parse_subtitles(SRT, ".srt").with_texts(["a"])


LINES = st.sampled_from(
    ["", " ", "1", "22", "Hello.", "<i>", "</i>x", "{\\an8}", "<v Bob>Hi", "<3", "a --> b", "NOTE x", "STYLE", "\ufeff",
     "00:00:01,000 --> 00:00:02,000", "00:01.000 --> 00:02.000 line:0", "&amp;", "\u2028", "- Yes."]
)  # fmt: skip
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@pytest.mark.parametrize("suffix", [".srt", ".vtt"])
@given(st.data())
def test_any_file_that_is_read_is_the_same_with_its_own_texts(suffix: str, data: st.DataObject) -> None:
    rest = data.draw(st.lists(st.tuples(LINES, ENDS), max_size=25))
    start = {".srt": "1\n00:00:01,000 --> 00:00:02,000\n", ".vtt": "WEBVTT\n"}[suffix]
    file = start + "".join(line + end for line, end in rest)
    try:
        subtitles = parse_subtitles(file, suffix)
    except ValueError:
        return  # times that cannot be read
    assert subtitles.with_texts(subtitles.texts) == file
    assert "\r" not in "".join(subtitles.texts)


def test_cues_have_their_times_and_no_tags() -> None:
    assert cues(SRT, ".srt") == [
        Cue(1.0, 2.5, "Hello, dear world."),
        Cue(2.0, 4.0, "Two\nlines."),
        Cue(5.5, 6.0, "♪"),
        Cue(7.0, 8.0, "A cue without number --> with an arrow"),
        Cue(9.0, 10.0, "With an empty line\ninside\n1984"),
        Cue(11.0, 12.0, "42"),
    ]
    assert cues("WEBVTT\n\n1:02:03.004 --> 99:00:00.000\n&lt;b>\n", ".vtt") == [Cue(3723.004, 356400.0, "<b>")]
