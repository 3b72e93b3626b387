"""Cuts a text into sentences for the voices, and puts silence between them.

So a long text is spoken in bounded memory, and its pauses are long enough to be found in the recording.
"""

import re
import sys
from array import array
from collections.abc import Callable, Iterator

from webvoice_mcp.sandbox.engines import BYTES_PER_SAMPLE

# Silence in seconds at speed 1. It is at least 0.3 s at speed 2.
SENTENCE_PAUSE = 0.6
PARAGRAPH_PAUSE = 1.2
_CUT_PAUSE = 0.1  # in a sentence that is too long to be spoken at once

_MAX_CHARACTERS = 250  # spoken at once; the engines need memory in proportion
_PARAGRAPH_END = re.compile(r"\n\s*\n")
# Some scripts write no space after a sentence. A line may be a heading or an item of a list.
_SENTENCE_END = re.compile(r"""[.!?…؟।۔]+["”’»)\]]*\s+|[。！？]+["”’」』）]*|\n""")  # noqa: RUF001 - full-width marks
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs)$")
_CLAUSE_END = re.compile(r".*(?:[,;:—–]\s+|[，；：、])", re.DOTALL)  # noqa: RUF001 - full-width marks
_WORD_END = re.compile(r".*\s", re.DOTALL)
_AUDIBLE = 100  # of 32767; the silence that the voices themselves make is quieter
_EDGE_SECONDS = 0.03  # kept of that silence, because words begin and end softly


def speak_paced(text: str, speed: float, rate: int, synthesise: Callable[[str], bytes]) -> Iterator[bytes]:
    """Yield the samples of a text's sentences and of the pauses between them: 16 bits, mono.

    Sentences that make no sound leave no pause.

    Args:
        text: blank lines separate its paragraphs.
        speed: shortens the pauses.
        rate: samples per second.
        synthesise: returns the samples of one sentence, or of a part of a long one.
    """
    is_first, pause = True, 0.0
    for piece, pause_after in _pieces(text):
        if pcm := _trim(synthesise(piece), rate) if piece.strip() else b"":
            if not is_first:
                yield bytes(BYTES_PER_SAMPLE * round(pause / speed * rate))
            yield pcm
            is_first, pause = False, 0.0
        pause = max(pause, pause_after)


def _pieces(text: str) -> Iterator[tuple[str, float]]:
    """Yield what is spoken at once, and the pause after it."""
    for paragraph in _PARAGRAPH_END.split(text):
        for sentence in _sentences(paragraph):
            for part in _parts(sentence):
                yield part, _CUT_PAUSE
            yield "", SENTENCE_PAUSE
        yield "", PARAGRAPH_PAUSE


def _sentences(paragraph: str) -> Iterator[str]:
    start = 0
    for end in _SENTENCE_END.finditer(paragraph):
        if not _is_abbreviation(paragraph, end):
            yield paragraph[start : end.end()]
            start = end.end()
    yield paragraph[start:]


def _is_abbreviation(paragraph: str, end: re.Match[str]) -> bool:
    if not end[0].startswith(". "):
        return False
    is_title = _ABBREVIATION.search(paragraph, max(0, end.start() - 6), end.start())
    return bool(is_title) or paragraph[end.end() : end.end() + 1].islower()


def _parts(sentence: str) -> Iterator[str]:
    """Cut a long sentence after a clause, else after a word, else anywhere."""
    start = 0
    while len(sentence) - start > _MAX_CHARACTERS:
        window = sentence[start : start + _MAX_CHARACTERS]
        found = _CLAUSE_END.match(window) or _WORD_END.match(window)
        end = start + (found.end() if found else _MAX_CHARACTERS)
        yield sentence[start:end]
        start = end
    yield sentence[start:]


def _trim(pcm: bytes, rate: int) -> bytes:
    """Return the samples without the silence at both ends; nothing if there is no sound."""
    samples = array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    heard = range(len(samples))
    first = next((index for index in heard if abs(samples[index]) > _AUDIBLE), None)
    if first is None:
        return b""
    last = next(index for index in reversed(heard) if abs(samples[index]) > _AUDIBLE)
    edge = round(_EDGE_SECONDS * rate)
    return pcm[BYTES_PER_SAMPLE * max(0, first - edge) : BYTES_PER_SAMPLE * (last + 1 + edge)]
