"""Recordings that must be decoded to be cut, with the extra `media`: M4A, FLAC and unusual WAV. Pieces are FLAC."""

import io
import math
import os
import sys
import tempfile
import threading
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast

from webvoice_mcp.errors import UnsupportedMedia
from webvoice_mcp.files.disk import disk_errors
from webvoice_mcp.files.kinds import FLAC, M4A, MP3, WAV, Kind
from webvoice_mcp.files.pieces import Span as ByteRange
from webvoice_mcp.studio._temporary import discard, open_temporary
from webvoice_mcp.studio.decoder import Guard, damage, load, open_sink, open_source
from webvoice_mcp.studio.pauses import LEVELS_PER_SECOND, Check, Span, no_check
from webvoice_mcp.studio.piece import RecordingPiece, Source, SourceFile, piece_name, whole
from webvoice_mcp.studio.sound import decoded, resampled

_DEMUXERS = {MP3: "mp3", WAV: "wav", FLAC: "flac", M4A: "mov"}
_LEVEL_RATE = 8000  # samples per second; enough to hear a pause
_MAX_RATE = 48_000
_MAX_WORK_SECONDS = 900.0
_MAX_TEMPORARY_BYTES = 1 << 32
_PREROLL_SECONDS = 1.0  # decoded before a part, because the first frames after a jump may be damaged
_LARGEST_SHARE = 1.05  # of FLAC, compared with its samples


class DecodedRecording:
    """A recording that is decoded. Its pieces are FLAC of 16 bit with its own rate, up to 48 kHz, in temporary files.

    Attributes:
        seconds: its length.
        max_piece_bytes: the largest possible piece.
    """

    max_piece_bytes = _MAX_TEMPORARY_BYTES

    def __init__(self, source: Source, kind: Kind, name: str, seconds: float | None) -> None:
        self._source = source
        self._kind = kind
        self._name = name
        with self._opened(no_check) as (container, track, _):
            context = track.codec_context
            self._rate = min(context.sample_rate or _MAX_RATE, _MAX_RATE)
            self._layout = "stereo" if context.channels > 1 else "mono"
            self.seconds = float(seconds or (container.duration or 0) / 1_000_000)

    def piece_bytes(self, seconds: float) -> int:
        """Return the most bytes that a piece of this length can have."""
        if seconds >= self.seconds:
            return self._source.size
        return 16_384 + math.ceil(seconds * self._rate * self._width * _LARGEST_SHARE)

    def levels(self, span: Span, check: Check = no_check) -> "array[float]":
        """Return the loudness of a part, from its start on."""
        with self._opened(check) as (container, track, guard):
            part = _samples(container, track, guard, self._whole(span), "mono", _LEVEL_RATE)
            found = _levels(part)
        count = math.ceil((span.end - span.start) * LEVELS_PER_SECOND)
        return found[:count] + array("f", [0.0]) * (count - len(found))

    def cut(self, span: Span, check: Check = no_check) -> RecordingPiece:
        """Return the piece of this part, in a temporary file of its own until `close`.

        Raises:
            DiskError: there is no room.
            UnsupportedMedia: the recording is damaged.
        """
        if span.start <= 0 and span.end >= self.seconds:
            return whole(self._source, self._kind, self._name, span)
        target = open_temporary()
        try:
            with self._opened(check) as (container, track, guard):
                self._encode(container, track, guard, span, target)
            piece = _TemporarySource(target)
        except BaseException:
            discard(target)
            raise
        parts = (ByteRange(0, piece.size),)
        return RecordingPiece(piece_name(self._name, FLAC, span), FLAC.mime_type, span, piece, parts, piece.close)

    @property
    def _width(self) -> int:
        return 4 if self._layout == "stereo" else 2

    def _whole(self, span: Span) -> Span:
        """Return the span without bounds at the recording's own ends, which timestamps may pass by a little."""
        return Span(span.start if span.start > 0 else -math.inf, span.end if span.end < self.seconds else math.inf)

    def _encode(self, container: Any, track: Any, guard: Guard, span: Span, target: BinaryIO) -> None:
        with open_sink(target, "flac", guard, _MAX_TEMPORARY_BYTES) as sink:
            encoder = sink.add_stream("flac", rate=self._rate, layout=self._layout)
            encoder.format = "s16"
            count = 0
            for data in _samples(container, track, guard, self._whole(span), self._layout, self._rate):
                frame = load().AudioFrame(format="s16", layout=self._layout, samples=len(data) // self._width)
                plane = frame.planes[0]
                plane.update(data + bytes(plane.buffer_size - len(data)))
                frame.sample_rate, frame.pts, frame.time_base = self._rate, count, Fraction(1, self._rate)
                count += frame.samples
                sink.mux(encoder.encode(frame))
            sink.mux(encoder.encode(None))

    @contextmanager
    def _opened(self, check: Check) -> Iterator[tuple[Any, Any, Guard]]:
        guard = Guard(check, _MAX_WORK_SECONDS)
        file = cast("BinaryIO", SourceFile(self._source))
        with (
            guard.told(),  # FFmpeg takes a file that cannot be read further for one that ends there
            _damage_named(self._name),
            open_source(file, _DEMUXERS[self._kind], guard) as container,
        ):
            if not container.streams.audio:
                raise UnsupportedMedia(f"{self._name} has no sound that can be read. Give a file in which it is.")
            yield container, container.streams.audio[0], guard


class _TemporarySource:
    """A temporary file that has no name."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.size = file.seek(0, os.SEEK_END)

    def read(self, start: int, end: int) -> bytes:
        with self._lock, disk_errors("read", Path(tempfile.gettempdir())):
            self._file.seek(start)
            return self._file.read(end - start)

    def close(self) -> None:
        with self._lock:
            self._file.close()


def decode_levels(file: io.BytesIO, check: Check) -> "array[float]":
    """Return the loudness of an MP3 file in memory; nothing of what cannot be decoded."""
    guard = Guard(check, _MAX_WORK_SECONDS)
    everything = Span(-math.inf, math.inf)
    with guard.told(), suppress(*damage()), open_source(file, "mp3", guard) as container:
        return _levels(_samples(container, container.streams.audio[0], guard, everything, "mono", _LEVEL_RATE))
    return array("f")


@contextmanager
def _damage_named(name: str) -> Iterator[None]:
    try:
        yield
    except damage() as error:
        raise UnsupportedMedia(f"{name} is damaged, so it cannot be cut. Save it anew, or give WAV or MP3.") from error


def _samples(container: Any, track: Any, guard: Guard, span: Span, layout: str, rate: int) -> Iterator[bytes]:
    """Yield the samples of a part, 16 bit, exactly those that begin to play in it."""
    width = 4 if layout == "stereo" else 2
    frames = _frames_from(container, track, guard, span.start)
    first = next(frames, None)
    if first is None:
        return
    position = round((first.time or 0.0) * rate)
    begin, end = (round(time * rate) if math.isfinite(time) else time for time in span)
    for frame in resampled(chain([first], frames), "s16", layout, rate):
        low, high = int(max(begin - position, 0)), int(min(end - position, frame.samples))
        if low < high:
            yield bytes(frame.planes[0])[low * width : high * width]
        position += frame.samples
        if position >= end:
            return


def _frames_from(container: Any, track: Any, guard: Guard, start: float) -> Iterator[Any]:
    """Yield decoded frames, of which the first begins before `start`."""
    if start > _PREROLL_SECONDS:
        container.seek(round((start - _PREROLL_SECONDS) / track.time_base), stream=track)
        frames = decoded(container, track, guard)
        first = next(frames, None)
        if first is not None and first.time is not None and first.time <= start:
            yield first
            yield from frames
            return
        container.seek(0, stream=track)  # the file has no index that is right
    yield from decoded(container, track, guard)


def _levels(parts: Iterator[bytes]) -> "array[float]":
    """Return the loudness of samples at the rate for levels."""
    step = 2 * _LEVEL_RATE // LEVELS_PER_SECOND
    found, rest = array("f"), b""
    for part in parts:
        rest += part
        whole = len(rest) - len(rest) % step
        found.extend(_level(rest[start : start + step]) for start in range(0, whole, step))
        rest = rest[whole:]
    if rest:
        found.append(_level(rest))
    return found


def _level(data: bytes) -> float:
    samples = array("h", data)
    if sys.byteorder == "big":  # pragma: no cover - few machines are
        samples.byteswap()
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples)) / 0x8000
