"""Sentences and pauses of the sandbox's voices. The voice of these tests needs no engine."""

from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.sounds import silences
from webvoice_mcp.sandbox.engines import espeak, hibari
from webvoice_mcp.sandbox.engines.pacing import speak_paced

_RATE = 1000
_LOUD = b"\x00\x10"


def spoken(text: str, speed: float = 1.0) -> tuple[list[str], list[float]]:
    """Return what a voice is given to speak, and the seconds of the pauses between."""
    given_pieces = []

    def synthesise(piece: str) -> bytes:
        given_pieces.append(piece)
        return bytes(100) + _LOUD * 50 + bytes(300) if piece.strip(" .*") else bytes(100)

    sounds = list(speak_paced(text, speed, _RATE, synthesise))
    return given_pieces, [len(sound) / 2 / _RATE for sound in sounds if not sound.strip(b"\0")]


def test_sentences_and_paragraphs_are_followed_by_pauses() -> None:
    pieces, pauses = spoken("One. Two!\nThree\n\nFour 今日は。明日は。")
    assert pieces == ["One. ", "Two!\n", "Three", "Four 今日は。", "明日は。"]
    assert pauses == [0.6, 0.6, 1.2, 0.6]


def test_pauses_are_shorter_at_a_higher_speed() -> None:
    assert spoken("One. Two.\n\nThree.", speed=2.0)[1] == [0.3, 0.6]


def test_titles_initials_and_abbreviations_end_no_sentence() -> None:
    text = "Dr. Smith met J. K. Rowling, approx. at noon. She left."
    assert spoken(text)[0] == ["Dr. Smith met J. K. Rowling, approx. at noon. ", "She left."]


def test_what_makes_no_sound_leaves_no_pause() -> None:
    assert spoken("One.\n\n***\n\n\n\nTwo.\n\n")[1] == [1.2]


def test_a_long_sentence_is_cut_after_a_clause_or_a_word() -> None:
    assert [len(piece) for piece in spoken("clause, " + "word " * 60 + "x" * 300)[0]] == [8, 250, 50, 250, 50]


@given(st.text(alphabet="aB .,\n!。、Mr1", max_size=1200))
def test_everything_is_spoken_once_and_in_order(text: str) -> None:
    pieces, _ = spoken(text)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(len(piece) <= 250 for piece in pieces)


@pytest.mark.engines
@pytest.mark.skipif(not (find_spec("hibari") and find_spec("espeakng_loader")), reason="the extra is not installed")
def test_the_voices_own_silence_is_replaced_by_the_pauses() -> None:
    english = hibari.speak("We sailed away. The sea was calm.\n\nThen came the wind.", 1.0, hibari.MAN)
    italian = espeak.speak("Andiamo via. Il mare era calmo.\n\nPoi venne il vento.", "it", 1.0)
    for sound in (english, italian):
        assert silences(sound) == pytest.approx([0.65, 1.25], abs=0.06)
