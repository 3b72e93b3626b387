"""A clip of a film, and what decides whether its packets can be copied."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, BinaryIO

from webvoice_mcp.studio.decoder import Guard, damage, open_source

_MAX_FPS = 120


class BrokenClipError(Exception):
    """A clip cannot be read as a film.

    Attributes:
        index: its position among the clips, from 0.
    """

    def __init__(self, index: int) -> None:
        super().__init__(f"clip {index} is damaged, or no film")
        self.index = index


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip.

    Attributes:
        index: its position in the film.
        start: time of its first picture, in units of its track.
        packets: number of its pictures.
        video: the form of its pictures; clips of one form can be copied.
        sound: the form of its sound, None if it has none.
    """

    index: int
    file: BinaryIO
    start: int
    seconds: Fraction
    packets: int
    size: tuple[int, int]
    fps: Fraction
    video: tuple[Any, ...]
    sound: tuple[Any, ...] | None


def inspect(index: int, file: BinaryIO, guard: Guard) -> Clip:
    """Read the times of all packets of a clip; nothing is decoded.

    Raises:
        BrokenClipError: it is damaged, or no film.
    """
    with opened(index, file, guard, film=True) as source:
        track = source.streams.video[0]
        starts, ends, is_edited = [], [], False
        for packet in source.demux(track):
            guard.check()
            if packet.size:
                starts.append(packet.pts)
                ends.append(packet.pts + packet.duration)
                is_edited = is_edited or packet.is_discard
        context, fps = track.codec_context, Fraction(track.average_rate)
        seconds = (max(ends) - min(starts)) * Fraction(track.time_base)
        if seconds <= 0 or not 0 < fps <= _MAX_FPS or not context.width:
            raise BrokenClipError(index)
        size = context.width, context.height
        # What an edit has cut off must not come back, so such a clip has a form of its own.
        form = context.name, context.extradata, context.pix_fmt, fps, track.time_base, index if is_edited else -1
        return Clip(index, file, min(starts), seconds, len(starts), size, fps, (*size, *form), _sound_form(source))


@contextmanager
def opened(index: int, file: BinaryIO, guard: Guard, *, film: bool) -> Iterator[Any]:
    """Open a clip; an error of the block that means that it is damaged names it.

    Args:
        film: the pictures are to be decoded, too.

    Raises:
        BrokenClipError: it is damaged.
    """
    try:
        with open_source(file, "mov", guard, film=film) as source:
            yield source
    except damage(IndexError, TypeError, ZeroDivisionError) as error:  # no pictures, or pictures without times
        raise BrokenClipError(index) from error


def _sound_form(source: Any) -> tuple[Any, ...] | None:
    track = sound_track(source)
    if track is None:
        return None
    context = track.codec_context
    codec = context.codec.canonical_name
    return codec, context.sample_rate, context.layout.name, context.extradata, track.time_base


def sound_track(source: Any) -> Any:
    """Return the first track of sound, None if there is none that can be decoded."""
    return next((track for track in source.streams.audio if track.codec_context is not None), None)
