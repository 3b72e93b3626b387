"""Subtitles as a track of a film."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from operator import itemgetter
from typing import Any

from webvoice_mcp.studio.decoder import load

_TICKS = 1000  # per second
# FFmpeg makes the track's description of this; players choose their own font.
_HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


@dataclass(frozen=True, slots=True)
class Subtitle:
    """A text that is shown for some time.

    Attributes:
        start: in seconds from the start of the film.
        end: in seconds.
    """

    start: float
    end: float
    text: str


def text_track(sink: Any) -> Any:
    """Add a track of subtitles to a film."""
    track = sink.add_stream("mov_text")
    track.codec_context.subtitle_header = _HEADER
    track.time_base = track.codec_context.time_base = Fraction(1, _TICKS)
    return track


def text_packets(subtitles: Sequence[Subtitle], seconds: float, track: Any) -> Iterator[Any]:
    """Yield the texts in order, until the end of the film.

    A track shows one text at a time, so texts that are shown together are lines of one.
    """
    shown = 0
    for start, end, texts in _together(subtitles, round(seconds * _TICKS)):
        if not shown and start:
            yield _packet("", 0, start, track)
        yield _packet("\n".join(texts), start, end, track)
        shown = end


def _together(subtitles: Sequence[Subtitle], end_of_film: int) -> Iterator[tuple[int, int, list[str]]]:
    """Yield start, end and texts of all times at which the same texts are shown, in order."""
    timed = [
        (round(subtitle.start * _TICKS), min(round(subtitle.end * _TICKS), end_of_film), subtitle.text)
        for subtitle in subtitles
    ]
    waiting = deque(sorted((subtitle for subtitle in timed if subtitle[0] < subtitle[1]), key=itemgetter(0)))
    times = sorted({time for start, end, _ in waiting for time in (start, end)})
    active: list[tuple[int, int, str]] = []
    for start, end in pairwise(times):
        while waiting and waiting[0][0] <= start:
            active.append(waiting.popleft())
        active = [subtitle for subtitle in active if subtitle[1] > start]
        if active:
            yield start, end, [text for _, _, text in active]


def _packet(text: str, start: int, end: int, track: Any) -> Any:
    content = text.encode(errors="replace")[:0xFFFF].decode(errors="ignore").encode()
    packet = load().Packet(len(content).to_bytes(2, "big") + content)
    packet.pts = packet.dts = start
    packet.duration, packet.time_base, packet.stream = end - start, Fraction(1, _TICKS), track
    return packet
