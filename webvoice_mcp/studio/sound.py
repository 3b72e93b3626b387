"""The sound of recordings and films of other formats, as a file that may be uploaded."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any, BinaryIO

from webvoice_mcp.files.kinds import AAC, AIFF, CAF, FLAC, M4A, MATROSKA, MOV, MP3, MP4, OGG, WEBM, Kind
from webvoice_mcp.files.opened_file import Converted
from webvoice_mcp.studio._temporary import discard, open_temporary, temporary_disk
from webvoice_mcp.studio.decoder import DamagedError, Guard, TooLargeError, damage, load, open_sink, open_source

_DEMUXERS = {
    MP4: "mov",
    MOV: "mov",
    WEBM: "matroska",
    MATROSKA: "matroska",
    OGG: "ogg",
    AAC: "aac",
    AIFF: "aiff",
    CAF: "caf",
}
_COPIED = {"aac": ("ipod", M4A), "alac": ("ipod", M4A), "mp3": ("mp3", MP3), "flac": ("flac", FLAC)}
_OPTIONS = {"mp3": {"id3v2_version": "0"}}
_MAX_RATE = 48_000  # samples per second
_SMALL_RATE = 16_000  # speech recognition needs no more
_SILENT_SAMPLES = 1024  # at once


class NoSoundError(Exception):
    """The file has no sound that can be read."""


def extract_sound(file: BinaryIO, kind: Kind, guard: Guard, max_bytes: int) -> Converted:
    """Return the sound of a recording or film, in a temporary file without a name. Blocks; the memory used is small.

    The sound is copied where a format that may be uploaded can hold it. Else it becomes FLAC of one or two channels and
    16 bit; if that were too large, of one channel at 16 kHz.

    Raises:
        NoSoundError: there is none.
        TooLargeError: the result would be larger than `max_bytes`.
        DamagedError: it cannot be read.
        DiskError: there is no room.
        ImportError: PyAV is not installed.
    """
    damaged = damage()
    target = open_temporary()
    try:
        kept = _extract(file, _DEMUXERS[kind], target, guard, max_bytes)
        with temporary_disk():
            target.flush()
    except BaseException as error:
        discard(target)
        if guard.stopped and guard.stopped is not error:
            raise guard.stopped from None
        if isinstance(error, damaged):
            raise DamagedError from error
        raise
    return Converted(target, kept)


def _extract(file: BinaryIO, demuxer: str, target: BinaryIO, guard: Guard, max_bytes: int) -> Kind:
    """Try the ways one after the other, of which the first keeps the most of the sound; return the kind made."""
    with open_source(file, demuxer, guard) as source:
        codec = _codec(_sound_track(source))
    *others, last = _ways(codec)
    expected = damage(TooLargeError)
    for way in others:
        try:
            return way(file, demuxer, target, guard, max_bytes)
        except expected:  # also times or frames that the other format cannot hold
            guard.stopped = None
    return last(file, demuxer, target, guard, max_bytes)


def _ways(codec: str) -> list["partial[Kind]"]:
    """Return the ways in which the sound of a codec can be taken out."""
    encode = [partial(_carry_over, _encode, "flac", FLAC), partial(_carry_over, _encode_small, "flac", FLAC)]
    return [partial(_carry_over, _copy, *_COPIED[codec]), *encode] if codec in _COPIED else encode


def _carry_over(
    way: Callable[[Any, Any, Guard], None],
    muxer: str,
    kind: Kind,
    file: BinaryIO,
    demuxer: str,
    target: BinaryIO,
    guard: Guard,
    max_bytes: int,
) -> Kind:
    with (
        guard.told(),
        open_source(file, demuxer, guard) as source,
        open_sink(target, muxer, guard, max_bytes, **_OPTIONS.get(muxer, {})) as sink,
    ):
        way(source, sink, guard)
    return kind


def _sound_track(source: Any) -> Any:
    """Return the track that players choose, or else the first that can be decoded."""
    tracks = [track for track in source.streams.audio if track.codec_context is not None]
    if not tracks:
        raise NoSoundError
    best = source.streams.best("audio")
    return best if best in tracks else tracks[0]


def _codec(track: Any) -> str:
    name: str = track.codec_context.codec.canonical_name
    return name


def _copy(source: Any, sink: Any, guard: Guard) -> None:
    """Copy the packets, without those that an edit of the recording has cut off."""
    track = _sound_track(source)
    copied = sink.add_stream_from_template(track)
    copied.metadata.clear()
    count, start, last = 0, 0, -1
    for packet in source.demux(track):
        guard.check()
        if not packet.size or packet.is_discard:
            continue
        time = last + 1 if packet.dts is None else packet.dts
        start = start if count else time
        last = max(time - start, last + 1)
        packet.pts = packet.dts = last
        packet.stream = copied
        sink.mux(packet)
        count += 1
    if not count:
        raise NoSoundError


def _encode(source: Any, sink: Any, guard: Guard) -> None:
    """Encode the sound with its own rate and channels, as far as files that may be uploaded usually have them."""
    context = _sound_track(source).codec_context
    rate = min(context.sample_rate or _MAX_RATE, _MAX_RATE)
    _encode_as(source, sink, guard, rate, "stereo" if context.channels > 1 else "mono")


def _encode_small(source: Any, sink: Any, guard: Guard) -> None:
    _encode_as(source, sink, guard, _SMALL_RATE, "mono")


def _encode_as(source: Any, sink: Any, guard: Guard, rate: int, layout: str) -> None:
    encoder = sink.add_stream("flac", rate=rate, layout=layout)
    encoder.format = "s16"
    count = 0
    for frame in resampled(decoded(source, _sound_track(source), guard), "s16", layout, rate):
        guard.check()
        frame.pts, frame.time_base = count, Fraction(1, rate)
        count += frame.samples
        sink.mux(encoder.encode(frame))
    if not count:
        raise NoSoundError
    sink.mux(encoder.encode(None))


def decoded(source: Any, track: Any, guard: Guard) -> Iterator[Any]:
    """Yield the frames of a track; damaged parts are skipped, as players do."""
    invalid = load().error.InvalidDataError
    for packet in source.demux(track):
        guard.check()
        try:
            frames = packet.decode()
        except invalid:
            continue
        yield from frames


def resampled(frames: Iterator[Any], form: str, layout: str, rate: int) -> Iterator[Any]:
    """Yield sound in one format, though its own may change on the way."""
    resampler: Any = None
    own: tuple[str, str, int] | None = None
    for frame in frames:
        now = (frame.format.name, frame.layout.name, frame.sample_rate)
        if now != own:
            yield from resampler.resample(None) if resampler else ()
            resampler, own = load().AudioResampler(format=form, layout=layout, rate=rate), now
        frame.pts = None
        yield from resampler.resample(frame)
    yield from resampler.resample(None) if resampler else ()


def silence(samples: int, form: str, layout: str, rate: int) -> Iterator[Any]:
    """Yield so many silent samples in a format whose samples have a sign."""
    while samples > 0:
        frame = load().AudioFrame(format=form, layout=layout, samples=min(samples, _SILENT_SAMPLES))
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate = rate
        samples -= frame.samples
        yield frame
