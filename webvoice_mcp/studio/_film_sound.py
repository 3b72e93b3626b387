"""The sound of a film: copied from its clips, encoded anew, or of another recording."""

import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, BinaryIO

from webvoice_mcp.studio._film_clip import Clip, opened, sound_track
from webvoice_mcp.studio.decoder import Guard, damage, load, open_source
from webvoice_mcp.studio.sound import decoded, resampled, silence

RATE = 48_000
"""Samples per second of sound that is encoded anew."""

_BITS_PER_SECOND = 192_000
_AAC_SAMPLES = 1024  # in a packet
_FORMAT, _LAYOUT = "fltp", "stereo"


class BrokenSoundError(Exception):
    """The recording that shall be laid under the film cannot be read."""


def can_be_copied(clips: Sequence[Clip]) -> bool:
    """Return True if all clips have AAC sound of one form."""
    forms = {clip.sound for clip in clips}
    return len(forms) == 1 and all(form and form[0] == "aac" and form[4] == Fraction(1, form[1]) for form in forms)


def copied_sound(clips: Sequence[Clip], track: Any, guard: Guard) -> Iterator[Any]:
    """Yield the packets of all clips without a gap, so many of each that sound and pictures stay together.

    A clip's sound is at most half a packet, some 20 ms, away from its pictures.
    """
    count, end = 0, Fraction(0)
    for clip in clips:
        end += clip.seconds
        exact = end / track.time_base / _AAC_SAMPLES
        is_last_clip = clip is clips[-1]
        last = math.ceil(exact) if is_last_clip else round(exact)
        with opened(clip.index, clip.file, guard, film=False) as source:
            for packet in source.demux(sound_track(source)):
                is_lead_in = packet.is_discard or (packet.pts or 0) < 0
                if not packet.size or (is_lead_in and clip.index):  # only at the start it is silence
                    continue
                if not is_lead_in and count >= last:
                    break
                if not is_lead_in:
                    packet.pts = packet.dts = count * _AAC_SAMPLES
                    count += 1
                    if is_last_clip:  # the film ends with its pictures
                        packet.duration = min(_AAC_SAMPLES, round(end / track.time_base) - packet.pts)
                packet.stream = track
                yield packet
        count = last


def encoded_sound(frames: Iterable[Any], sink: Any) -> Iterator[Any]:
    """Encode frames of any size as AAC."""
    track = sink.add_stream("aac", rate=RATE, layout=_LAYOUT)
    track.bit_rate = _BITS_PER_SECOND
    return _encoded(frames, track)


def _encoded(frames: Iterable[Any], track: Any) -> Iterator[Any]:
    fifo, count = load().AudioFifo(), 0

    def packets(*, is_last: bool) -> Iterator[Any]:
        nonlocal count
        while frame := fifo.read(_AAC_SAMPLES, partial=is_last):
            frame.pts, frame.time_base = count, Fraction(1, RATE)
            count += frame.samples
            yield from track.encode(frame)

    for frame in frames:
        frame.pts = None
        fifo.write(frame)
        yield from packets(is_last=False)
    yield from packets(is_last=True)
    yield from track.encode(None)


def own_sound(clips: Sequence[Clip], guard: Guard) -> Iterator[Any]:
    """Yield the sound of all clips, silence for those without, each as long as its pictures."""
    count, end = 0, Fraction(0)
    for clip in clips:
        end += clip.seconds
        wanted = round(end * RATE) - count
        count += wanted
        if clip.sound is None:
            yield from silence(wanted, _FORMAT, _LAYOUT, RATE)
            continue
        with opened(clip.index, clip.file, guard, film=False) as source:
            yield from _exactly(wanted, decoded(source, sound_track(source), guard))


def laid_under(file: BinaryIO, seconds: Fraction, guard: Guard) -> Iterator[Any]:
    """Yield an MP3 file's sound, cut or filled with silence to this length."""
    try:
        with open_source(file, "mp3", guard) as source:
            yield from _exactly(round(seconds * RATE), decoded(source, source.streams.audio[0], guard))
    except damage(IndexError) as error:
        raise BrokenSoundError from error


def _exactly(wanted: int, frames: Iterator[Any]) -> Iterator[Any]:
    fifo = load().AudioFifo()
    for frame in resampled(frames, _FORMAT, _LAYOUT, RATE):
        frame.pts = None
        fifo.write(frame)
        part = fifo.read(min(wanted, frame.samples))
        wanted -= part.samples
        yield part
        if not wanted:
            return
    yield from silence(wanted, _FORMAT, _LAYOUT, RATE)
