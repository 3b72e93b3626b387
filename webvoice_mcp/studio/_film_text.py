"""Subtitles as a track of a film."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
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
    """Yield the texts in order. One ends when the next begins, and the last with the film."""
    shown = 0
    ordered = sorted(subtitles, key=lambda subtitle: subtitle.start)
    for number, subtitle in enumerate(ordered):
        following = ordered[number + 1].start if number + 1 < len(ordered) else seconds
        start = max(round(subtitle.start * _TICKS), shown)
        end = round(min(subtitle.end, following, seconds) * _TICKS)
        if end <= start:
            continue
        if not shown and start:
            yield _packet("", 0, start, track)
        yield _packet(subtitle.text, start, end, track)
        shown = end


def _packet(text: str, start: int, end: int, track: Any) -> Any:
    content = text.encode(errors="replace")[:0xFFFF].decode(errors="ignore").encode()
    packet = load().Packet(len(content).to_bytes(2, "big") + content)
    packet.pts = packet.dts = start
    packet.duration, packet.time_base, packet.stream = end - start, Fraction(1, _TICKS), track
    return packet
