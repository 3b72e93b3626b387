"""Making of subtitles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.studio.documents import texts
from webvoice_mcp.studio.subtitle_files import parse_subtitles
from webvoice_mcp.studio.subtitles import Cue, format_srt, format_vtt, spread
from webvoice_mcp.studio.text import sentences

TIMES = st.floats(-10, 400_000)


def test_srt_has_numbers_times_with_commas_and_empty_lines_between() -> None:
    cues = [Cue(0, 1.5, "Hello."), Cue(3661.0006, 360_000.9999, "Two\nlines")]
    assert format_srt(cues) == (
        "1\n00:00:00,000 --> 00:00:01,500\nHello.\n\n2\n01:01:01,001 --> 100:00:01,000\nTwo\nlines\n"
    )


def test_vtt_has_a_header_and_escaped_text() -> None:
    assert format_vtt([Cue(0, 1.5, "a < b & c --> d")]) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\na &lt; b &amp; c --&gt; d\n"
    )


def test_no_cues_make_files_without_cues() -> None:
    assert format_srt([]) == ""
    assert format_vtt([]) == "WEBVTT\n"


def test_an_arrow_in_a_text_is_no_time_line() -> None:
    assert format_srt([Cue(0, 1, "1\n00:00:00,000 --> 00:00:01,000")]).count("-->") == 1


def test_empty_lines_and_cues_without_text_are_left_out() -> None:
    assert format_srt([Cue(0, 1, " \n\n"), Cue(1, 2, "\na\n\n \r\nb\x00\n")]) == (
        "1\n00:00:01,000 --> 00:00:02,000\na\nb\n"
    )


def test_times_are_never_negative_nor_end_before_they_start() -> None:
    assert format_srt([Cue(-3, -1, "a"), Cue(5, 4, "b")]) == (
        "1\n00:00:00,000 --> 00:00:00,000\na\n\n2\n00:00:05,000 --> 00:00:05,000\nb\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "write"), [(".srt", format_srt), (".vtt", format_vtt)])
@given(cues=st.lists(st.builds(Cue, TIMES, TIMES, texts()), max_size=5))
def test_what_is_written_reads_as_the_same_number_of_cues(suffix: str, write: object, cues: list[Cue]) -> None:
    assert callable(write)
    shown = [cue for cue in cues if cue.text.replace("\x00", "").strip()]
    if shown:
        assert len(parse_subtitles(write(cues), suffix).texts) == len(shown)


def test_a_part_is_divided_by_the_letters_of_its_sentences() -> None:
    assert spread("Abc. Défghijk.", 10, 13) == [Cue(10, 10 + 3 * 4 / 13, "Abc."), Cue(10 + 3 * 4 / 13, 13, "Défghijk.")]
    assert spread("👨‍👩‍👧. Ab.\n\n", 0, 5) == [Cue(0, 2, "👨‍👩‍👧."), Cue(2, 5, "Ab.")]
    assert spread("", 0, 5) == []


@given(texts(), st.floats(0, 1e5), st.floats(0, 1e4))
def test_spread_cues_follow_each_other_from_start_to_end(text: str, start: float, length: float) -> None:
    cues = spread(text, start, start + length)
    assert [cue.text for cue in cues] == sentences(text)
    if cues:
        assert (cues[0].start, cues[-1].end) == (start, start + length)
        assert [cue.end for cue in cues[:-1]] == [cue.start for cue in cues[1:]]
        assert all(round(cue.start, 3) <= round(cue.end, 3) for cue in cues)
