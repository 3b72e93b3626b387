"""MP3 recordings: the loudness of their frames, and pieces of whole frames, which are not decoded."""

import io
import math
from array import array
from bisect import bisect_left
from collections.abc import Callable
from itertools import pairwise

from webvoice_mcp.files.kinds import MP3
from webvoice_mcp.files.mp3_frames import (
    MPEG_1,
    Header,
    begins_frames,
    is_header_frame,
    next_frames,
    parse_header,
    skip_tags,
    sound_end,
)
from webvoice_mcp.files.pieces import Span as ByteRange
from webvoice_mcp.studio.pauses import LEVELS_PER_SECOND, Check, Span, no_check
from webvoice_mcp.studio.piece import RecordingPiece, Source, SourceFile, piece_name

Decode = Callable[[io.BytesIO, Check], "array[float]"]
"""Returns the loudness of a whole MP3 file."""

_BLOCK_BYTES = 1024 * 1024
_WINDOW_SECONDS = 60.0  # decoded at once
_WARM_UP = 4  # frames that a decoder needs before its sound is whole
_NEAR_SECONDS = 0.13  # the silence on both sides of a cut


class _Frames:
    """The positions of the frames, the times at which they begin to play, and their sizes without filling.

    A frame's data can begin in the frames before it, if these have room left: the reservoir. `own` is 1 for a frame
    whose data all lie in itself.
    """

    def __init__(self) -> None:
        self.positions = array("Q")
        self.ends = array("Q")
        self.times = array("d")
        self.bits = array("H")
        self.own = bytearray()
        self.seconds = 0.0

    def add(self, position: int, header: Header, side: bytes) -> None:
        self.positions.append(position)
        self.ends.append(position + header.size)
        self.times.append(self.seconds)
        self.bits.append(min(_used_bits(header, side), 0xFFFF))
        self.own.append(_reservoir_bytes(header, side) == 0)
        self.seconds += header.seconds


def open_mp3(source: Source, name: str, decode: Decode | None, check: Check = no_check) -> "Mp3Recording | None":
    """Return an MP3 file to cut, None if there are no frames in it. Reads all of it.

    Args:
        decode: finds the loudness; without it, frames of few bits are taken as quiet.
    """
    frames = _read_frames(SourceFile(source), check)
    return Mp3Recording(source, name, frames, decode) if frames.positions else None


class Mp3Recording:
    """An MP3 file. Its pieces are MP3 files, whose frames one after the other are those of the recording.

    The first frames of a piece may need data of frames before it. Decoders leave those out, at most 0.05 seconds in the
    middle of a pause. Where there is a frame near that needs none, the piece begins with it.

    Attributes:
        seconds: its length.
        max_piece_bytes: the largest possible piece.
    """

    max_piece_bytes = 1 << 40

    def __init__(self, source: Source, name: str, frames: _Frames, decode: Decode | None) -> None:
        self.seconds = frames.seconds
        self._source = source
        self._name = name
        self._frames = frames
        self._decode = decode
        sizes = [end - start for start, end in zip(frames.positions, frames.ends, strict=True)]
        self._most_bytes = max(sizes)
        self._junk_bytes = frames.ends[-1] - frames.positions[0] - sum(sizes)  # between frames
        self._least_seconds = min(after - before for before, after in pairwise([*frames.times, frames.seconds]))

    def piece_bytes(self, seconds: float) -> int:
        """Return the most bytes that a piece of this length can have."""
        frames = math.ceil((seconds + 2 * _NEAR_SECONDS) / self._least_seconds) + 1
        whole = self._frames.ends[-1] - self._frames.positions[0]
        return min(whole, self._most_bytes * frames + self._junk_bytes)

    def levels(self, span: Span, check: Check = no_check) -> "array[float]":
        """Return the loudness of a part, from its start on."""
        found = array("f")
        count = math.ceil((span.end - span.start) * LEVELS_PER_SECOND)
        if self._decode is None:
            times = (span.start + number / LEVELS_PER_SECOND for number in range(count))
            return array("f", (self._frames.bits[self._frame_at(time)] for time in times))
        while len(found) < count:
            start = span.start + len(found) / LEVELS_PER_SECOND
            wanted = min(count - len(found), round(_WINDOW_SECONDS * LEVELS_PER_SECOND))
            found.extend(self._decoded_levels(start, wanted, self._decode, check))
        return found

    def cut(self, span: Span, _check: Check = no_check) -> RecordingPiece:
        """Return the piece of this part. Its own `span` is that of its frames."""
        first, last = self._cut_at(span.start), self._cut_at(span.end)
        frames = self._frames
        times = [frames.times[index] if index < len(frames.times) else self.seconds for index in (first, last)]
        span = Span(*times)
        parts = (ByteRange(frames.positions[first], frames.ends[last - 1]),) if last > first else ()
        return RecordingPiece(piece_name(self._name, MP3, span), MP3.mime_type, span, self._source, parts)

    def _cut_at(self, seconds: float) -> int:
        """Return the frame with which the piece that begins at this time begins."""
        count = len(self._frames.times)
        if seconds <= 0 or seconds >= self.seconds:
            return 0 if seconds <= 0 else count
        near = range(self._frame_at(seconds - _NEAR_SECONDS), self._frame_at(seconds + _NEAR_SECONDS) + 1)
        independent = [index for index in near if self._frames.own[index]]
        middle = bisect_left(self._frames.times, seconds)
        return min(independent or [min(middle, count - 1)], key=lambda index: abs(index - middle))

    def _frame_at(self, seconds: float) -> int:
        """Return the frame that plays at a time."""
        return min(max(bisect_left(self._frames.times, seconds + 1e-9) - 1, 0), len(self._frames.times) - 1)

    def _decoded_levels(self, start: float, count: int, decode: Decode, check: Check) -> "array[float]":
        frames = self._frames
        first = max(0, self._frame_at(start) - _WARM_UP)
        last = self._frame_at(start + count / LEVELS_PER_SECOND) + 1
        levels = decode(io.BytesIO(self._source.read(frames.positions[first], frames.ends[last - 1])), check)
        skipped = round((start - frames.times[first]) * LEVELS_PER_SECOND)
        wanted = levels[skipped : skipped + count]
        missing = count - len(wanted)  # of damaged frames
        return wanted + array("f", [0.0]) * missing


def _read_frames(file: SourceFile, check: Check) -> _Frames:
    found = _Frames()
    start = skip_tags(file)
    end = sound_end(file, start)
    kind: tuple[int, int, int] | None = None
    position: int | None = next_frames(file, start, end)
    while position is not None:
        check()
        file.seek(position)
        block = file.read(min(_BLOCK_BYTES, max(0, end - position)))
        offset = 0
        while (header := parse_header(block[offset : offset + 4])) and offset + header.size <= len(block):
            if header.kind != kind and not begins_frames(file, position + offset, 2):
                break
            kind = header.kind
            frame = block[offset : offset + header.size]
            if found.positions or not is_header_frame(frame):
                found.add(position + offset, header, frame[header.side_start :])
            offset += header.size
        position = position + offset if offset else next_frames(file, position + 1, end)
    return found


def _reservoir_bytes(header: Header, side: bytes) -> int:
    """Return how many bytes before the frame its data begin."""
    return side[0] << 1 | side[1] >> 7 if header.stream[0] == MPEG_1 else side[0]


def _used_bits(header: Header, side: bytes) -> int:
    """Return how many bits the sound of a frame takes, which are few where it is quiet."""
    bits = int.from_bytes(side[: header.side_size], "big")
    total = 8 * header.side_size
    is_mono = header.channels == 1
    if header.stream[0] == MPEG_1:
        first, step, parts = (18, 59, 2) if is_mono else (20, 59, 4)
    else:
        first, step, parts = (9, 63, 1) if is_mono else (10, 63, 2)
    return sum(bits >> (total - first - step * part - 12) & 0xFFF for part in range(parts))
