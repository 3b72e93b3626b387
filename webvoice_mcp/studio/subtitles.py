"""Making of subtitles: cues as SRT and WebVTT, and the times of sentences inside a recording."""

import html
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

from webvoice_mcp.studio.graphemes import count
from webvoice_mcp.studio.text import sentences

__all__ = ["Cue", "format_srt", "format_vtt", "spread"]


@dataclass(frozen=True, slots=True)
class Cue:
    """A text shown for some time; `start` and `end` are seconds from the beginning."""

    start: float
    end: float
    text: str


def format_srt(cues: Iterable[Cue]) -> str:
    """Return the cues as an SRT file, numbered from 1. Cues without text are left out."""
    blocks = [
        # SRT has no way to write an arrow that is not a time line's.
        f"{number}\n{_time(start, ',')} --> {_time(end, ',')}\n{text.replace('-->', '→')}\n"
        for number, (start, end, text) in enumerate(_shown(cues), start=1)
    ]
    return "\n".join(blocks)


def format_vtt(cues: Iterable[Cue]) -> str:
    """Return the cues as a WebVTT file. Cues without text are left out."""
    blocks = [
        f"{_time(start, '.')} --> {_time(end, '.')}\n{html.escape(text, quote=False)}\n"
        for start, end, text in _shown(cues)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def spread(text: str, start: float, end: float) -> list[Cue]:
    """Return a cue a sentence, with the time from `start` to `end` divided in proportion to their letters."""
    texts = sentences(text)
    letters = list(accumulate(map(count, texts), initial=0))
    times = [start + (end - start) * before / (letters[-1] or 1) for before in letters[:-1]] + [end]
    return [Cue(begin, stop, sentence) for (begin, stop), sentence in zip(pairwise(times), texts, strict=True)]


def _shown(cues: Iterable[Cue]) -> Iterator[tuple[int, int, str]]:
    """Yield start and end in milliseconds, and the text without empty lines, which would end a cue."""
    for cue in cues:
        lines = [line.strip() for line in cue.text.replace("\x00", "").splitlines()]
        if text := "\n".join(filter(None, lines)):
            start = max(round(cue.start * 1000), 0)
            yield start, max(round(cue.end * 1000), start), text


def _time(milliseconds: int, mark: str) -> str:
    seconds, fraction = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{fraction:03}"
