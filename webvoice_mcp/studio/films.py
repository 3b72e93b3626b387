"""Films joined from clips. PyAV does the work; the functions block, so call them in a worker thread."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, BinaryIO, NamedTuple

from webvoice_mcp.studio._film_clip import BrokenClipError, Clip, inspect, sound_track
from webvoice_mcp.studio._film_sound import (
    BrokenSoundError,
    can_be_copied,
    copied_sound,
    encoded_sound,
    laid_under,
    own_sound,
)
from webvoice_mcp.studio._film_text import Subtitle, text_packets, text_track
from webvoice_mcp.studio._film_video import copied_video, encoded_video
from webvoice_mcp.studio.decoder import Guard, load, open_sink, open_source

__all__ = ["BrokenClipError", "BrokenSoundError", "Film", "Subtitle", "join_films"]

_MAX_SECONDS = 1800.0  # of work
_INDEX_BYTES = 16_384  # of the index at the front, besides those for packets
_INDEX_BYTES_PER_PACKET = 40
_SOUND_PACKETS_PER_SECOND = 94  # of AAC at 96 kHz


class Film(NamedTuple):
    """A film that was joined.

    Attributes:
        seconds: its length.
        has_new_pictures: True if the clips' pictures differ in form, so that all were encoded anew.
        has_new_sound: True if the clips' sound differs in form, or is missing in some, so that it was encoded anew.
    """

    seconds: float
    has_new_pictures: bool
    has_new_sound: bool


def join_films(
    clips: Sequence[BinaryIO],
    output: BinaryIO,
    *,
    sound: BinaryIO | None = None,
    subtitles: Sequence[Subtitle] = (),
    max_bytes: int = 1 << 40,
    checkpoint: Callable[[], None] = lambda: None,
) -> Film:
    """Join MP4 films to one, with the index at its front, and return how long it plays and what was encoded anew.

    Clips of one codec, size and rate are copied packet by packet. Otherwise all are encoded anew as H.264 in the size
    and rate of the first; others are fitted inside, with black borders. Likewise for the sound, which becomes AAC. A
    clip without sound is silent if another has some.

    Args:
        clips: open MP4 files, in order.
        output: an empty file to write. It stays open.
        sound: an MP3 file that takes the place of the clips' own sound, as far as the film is long.
        subtitles: texts for a track of subtitles, in order.
        max_bytes: the largest size that the output may have.
        checkpoint: called often; an exception that it raises ends the work.

    Raises:
        BrokenClipError, BrokenSoundError: a file is damaged, or of another kind.
        TooLargeError: the output would be larger than `max_bytes`.
        TimeIsUpError: the work takes longer than half an hour.
        DiskError: the disk refuses.
        ImportError: PyAV is not installed.
    """
    load()
    guard = Guard(checkpoint, _MAX_SECONDS)
    with guard.told():
        found = [inspect(index, clip, guard) for index, clip in enumerate(clips)]
        _write(found, output, sound, subtitles, guard, max_bytes)
        output.flush()
    has_own_sound = sound is None and any(clip.sound for clip in found)
    return Film(
        float(sum(clip.seconds for clip in found)),
        has_new_pictures=_differ(found),
        has_new_sound=has_own_sound and not can_be_copied(found),
    )


def _write(
    clips: Sequence[Clip],
    output: BinaryIO,
    sound: BinaryIO | None,
    subtitles: Sequence[Subtitle],
    guard: Guard,
    max_bytes: int,
) -> None:
    seconds = sum((clip.seconds for clip in clips), Fraction(0))
    packets = sum(clip.packets for clip in clips) + round(seconds * (_SOUND_PACKETS_PER_SECOND + clips[0].fps))
    index_bytes = _INDEX_BYTES + _INDEX_BYTES_PER_PACKET * (packets + 2 * len(subtitles))
    with open_sink(output, "mp4", guard, max_bytes, moov_size=str(index_bytes)) as sink:
        tracks = [_video(clips, sink, guard), *_sound(clips, sink, sound, guard)]
        if subtitles:
            tracks.append(text_packets(subtitles, float(seconds), text_track(sink)))
        # Packets of all tracks follow each other in time, so that players need not jump.
        for packet in heapq.merge(*tracks, key=lambda packet: packet.dts * packet.time_base):
            guard.check()
            sink.mux(packet)


def _video(clips: Sequence[Clip], sink: Any, guard: Guard) -> Iterator[Any]:
    if _differ(clips):
        return encoded_video(clips, sink, guard)
    with open_source(clips[0].file, "mov", guard, film=True) as source:
        track = sink.add_stream_from_template(source.streams.video[0])
    return copied_video(clips, track, guard)


def _differ(clips: Sequence[Clip]) -> bool:
    """Return True if the clips' pictures differ in form."""
    return len({clip.video for clip in clips}) > 1


def _sound(clips: Sequence[Clip], sink: Any, sound: BinaryIO | None, guard: Guard) -> Iterator[Iterator[Any]]:
    """Yield the packets of the film's sound, if it has any."""
    if sound is not None:
        yield encoded_sound(laid_under(sound, sum((clip.seconds for clip in clips), Fraction(0)), guard), sink)
    elif can_be_copied(clips):
        with open_source(clips[0].file, "mov", guard) as source:
            track = sink.add_stream_from_template(sound_track(source))
        yield copied_sound(clips, track, guard)
    elif any(clip.sound for clip in clips):
        yield encoded_sound(own_sound(clips, guard), sink)
