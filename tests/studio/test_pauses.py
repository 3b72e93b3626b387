"""Pauses and phrases in the loudness of recordings."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.studio.pauses import find_pause, phrases


def loudness(*parts: tuple[float, float]) -> "array[float]":
    """Return levels of parts, each with its level and seconds; speech is never equally loud."""
    return array(
        "f", (level * (0.8 + index % 5 / 10) for level, seconds in parts for index in range(round(seconds * 50)))
    )


def spans(levels: "array[float]", max_seconds: float = 15.0) -> list[tuple[float, float]]:
    return [(phrase.start, phrase.end) for phrase in phrases(levels, max_seconds)]


def test_the_quietest_place_near_the_wished_one_is_found() -> None:
    levels = loudness((0.3, 50), (0.02, 0.4), (0.3, 19.6), (0.0, 0.4), (0.3, 60))
    assert find_pause(levels, 60) == pytest.approx(70.2, abs=0.07)
    assert find_pause(levels, 60, window=10) == pytest.approx(50.2, abs=0.07)


def test_of_equally_quiet_places_the_nearest_is_taken() -> None:
    assert find_pause(loudness((0.0, 100)), 40) == pytest.approx(40, abs=0.03)
    assert find_pause(loudness((0.3, 10), (0, 1), (0.3, 20), (0, 1), (0.3, 10)), 28) == pytest.approx(31.15, abs=0.05)


def test_without_room_for_a_pause_the_wished_place_is_taken() -> None:
    assert find_pause(loudness((0.3, 0.1)), 0.05) == 0.05


def test_a_phrase_ends_in_every_pause_and_tells_where_it_is_heard() -> None:
    found = phrases(loudness((0.01, 2), (0.3, 4), (0.01, 1), (0.4, 5), (0.01, 0.7), (0.2, 3), (0.01, 2)))
    assert [(round(phrase.heard_from, 2), round(phrase.heard_to, 2)) for phrase in found] == [
        (2, 6),
        (7, 12),
        (12.7, 15.7),
    ]
    assert [phrase.start for phrase in found] == pytest.approx([0, 6.5, 12.34], abs=0.03)
    assert found[-1].end == 17.7


def test_a_long_phrase_is_cut_in_its_longest_short_pause() -> None:
    levels = loudness((0.3, 6), (0.01, 0.3), (0.3, 4), (0.01, 0.5), (0.3, 3), (0.01, 0.34), (0.3, 6))
    assert [end for _, end in spans(levels)] == pytest.approx([10.55, 20.14], abs=0.03)


def test_without_a_pause_a_phrase_is_cut_in_its_quietest_place() -> None:
    levels = loudness((0.3, 12), (0.2, 0.3), (0.3, 12))
    assert [end for _, end in spans(levels)] == pytest.approx([12.15, 24.3], abs=0.03)


def test_a_short_word_is_joined_with_what_follows() -> None:
    assert len(spans(loudness((0.3, 0.4), (0.0, 0.7), (0.3, 4)))) == 1


def test_silence_alone_is_cut_into_phrases_in_which_nothing_is_heard() -> None:
    found = phrases(loudness((0.0, 40)))
    assert [phrase.end for phrase in found] == pytest.approx([14.84, 29.7, 40], abs=0.3)
    assert all(phrase.heard_from == phrase.heard_to == phrase.start for phrase in found)


def test_an_empty_recording_has_no_phrases() -> None:
    assert phrases(array("f")) == []


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.001, 0.1, 0.5]), st.floats(0.02, 20)), min_size=1, max_size=20),
    st.floats(2, 30),
)
def test_phrases_are_the_whole_recording_and_never_too_long(parts: list[tuple[float, float]], most: float) -> None:
    levels = loudness(*parts)
    found = phrases(levels, most)
    assert [phrase.start for phrase in found] == [0.0, *(phrase.end for phrase in found[:-1])][: len(found)]
    assert not levels or found[-1].end == len(levels) / 50
    for phrase in found:
        assert 0 < phrase.end - phrase.start <= most + 1e-9
        assert phrase.start <= phrase.heard_from <= phrase.heard_to <= phrase.end
