"""Long recordings: where to cut them, and the pieces that are sent. WAV and MP3 need no decoder, all else the extra."""

import io
import math
from array import array
from importlib.util import find_spec
from typing import Protocol

from webvoice_mcp.errors import InvalidArgument, UnsupportedMedia
from webvoice_mcp.files.kinds import MP3, WAV, Kind
from webvoice_mcp.files.length import length_of_recording
from webvoice_mcp.studio.extra import how_to_add
from webvoice_mcp.studio.mp3_pieces import open_mp3
from webvoice_mcp.studio.pauses import Check, Phrase, Span, find_pause, no_check, phrases
from webvoice_mcp.studio.piece import RecordingPiece, Source, SourceFile, whole
from webvoice_mcp.studio.wav_pieces import open_wav

MAX_PIECE_SECONDS = 1200.0
MAX_PHRASE_SECONDS = 15.0

_WINDOW_SECONDS = 30.0  # around the wished place of a cut
_MARGIN_SECONDS = 0.5  # a piece that begins at a near frame may be longer than planned
_LEAST_PIECE_SECONDS = 2.0


class Recording(Protocol):
    """An open recording that can be cut. All methods block; the memory that they use does not grow with its length."""

    @property
    def seconds(self) -> float:
        """The length in seconds; infinite if that is unknown."""
        ...

    @property
    def max_piece_bytes(self) -> int:
        """The largest possible piece."""
        ...

    def piece_bytes(self, seconds: float) -> int:
        """Return the most bytes that a piece of this length can have."""
        ...

    def levels(self, span: Span, check: Check = no_check) -> "array[float]":
        """Return the loudness of a part, a level for every 20 ms from its start on.

        Args:
            span: the part.
            check: is called between blocks; what it raises ends the work.
        """
        ...

    def cut(self, span: Span, check: Check = no_check) -> RecordingPiece:
        """Return the piece of this part. Pieces of neighbouring spans have nothing in common and leave nothing out."""
        ...


class WholeRecording:
    """A recording that can only be sent as it is, because the extra `media` is missing."""

    max_piece_bytes = 1 << 40

    def __init__(self, source: Source, kind: Kind, name: str, seconds: float | None) -> None:
        self.seconds = math.inf if seconds is None else seconds
        self._source = source
        self._kind = kind
        self._name = name

    def piece_bytes(self, seconds: float) -> int:
        """Return the size of the file."""
        del seconds
        return self._source.size

    def levels(self, span: Span, check: Check = no_check) -> "array[float]":
        """Refuse to cut.

        Raises:
            UnsupportedMedia: always; it names the command that helps.
        """
        del span, check
        raise UnsupportedMedia(
            f"{self._name} is {self._kind.name}, which can be cut into pieces only with the extra `media`; to add it,"
            f" {how_to_add()}. Or give WAV or MP3."
        )

    def cut(self, span: Span, check: Check = no_check) -> RecordingPiece:
        """Return all of it as one piece."""
        del check
        return whole(self._source, self._kind, self._name, span)


def open_recording(source: Source, kind: Kind, name: str, check: Check = no_check) -> Recording:
    """Return a recording that can be cut. Of an MP3 file, every frame is read.

    Args:
        source: the open file.
        kind: its kind.
        name: its name, from which those of pieces are made.
        check: is called between blocks; what it raises ends the work.

    Raises:
        UnsupportedMedia: the file is damaged.
        DiskError: it cannot be read.
    """
    has_decoder = find_spec("av") is not None
    found: Recording | None = None
    if kind is WAV:
        found = open_wav(source, name)
    elif kind is MP3:
        found = open_mp3(source, name, _decode_levels if has_decoder else None, check)
    if found is not None:
        return found
    seconds = length_of_recording(SourceFile(source), kind)
    if not has_decoder:
        return WholeRecording(source, kind, name, seconds)
    from webvoice_mcp.studio.decoded_pieces import DecodedRecording  # noqa: PLC0415 - few recordings need it

    return DecodedRecording(source, kind, name, seconds)


def plan_cuts(
    recording: Recording, *, max_bytes: int, max_seconds: float = MAX_PIECE_SECONDS, check: Check = no_check
) -> list[Span]:
    """Return the parts into which a recording is cut, in pauses; one part if it is short and small enough.

    Args:
        recording: the recording.
        max_bytes: the size of the largest piece.
        max_seconds: the length of the longest piece.
        check: is called between blocks; what it raises ends the work.

    Raises:
        InvalidArgument: not even a piece of two seconds would be small enough.
        UnsupportedMedia: it must be cut, and the extra `media` is missing.
        DiskError: it cannot be read.
    """
    total, max_bytes = recording.seconds, min(max_bytes, recording.max_piece_bytes)
    is_short = total <= max_seconds or math.isinf(total)
    if is_short and recording.piece_bytes(0 if math.isinf(total) else total) <= max_bytes:
        return [Span(0.0, total)]
    if isinstance(recording, WholeRecording):
        recording.levels(Span(0.0, total))
    limit = _longest(recording, max_bytes, max_seconds - _MARGIN_SECONDS)
    window = min(_WINDOW_SECONDS, limit / 4)
    spans: list[Span] = []
    start = 0.0
    while total - start > limit:
        check()
        left = total - start
        wished = start + left / math.ceil(left / (limit - window))
        around = Span(wished - window, min(wished + window, total))
        cut = around.start + find_pause(recording.levels(around, check), window, window)
        spans.append(Span(start, cut))
        start = cut
    return [*spans, Span(start, total)]


def plan_phrases(
    recording: Recording, *, max_seconds: float = MAX_PHRASE_SECONDS, check: Check = no_check
) -> list[Phrase]:
    """Return the phrases of a recording, for subtitles: see `pauses.phrases`.

    Raises:
        UnsupportedMedia: the extra `media` is missing, and the recording is longer than one phrase may be.
        DiskError: it cannot be read.
    """
    total = recording.seconds
    if total <= max_seconds and isinstance(recording, WholeRecording):
        return [Phrase(0.0, total, 0.0, total)]
    *others, last = phrases(recording.levels(Span(0.0, total), check), max_seconds)
    return [*others, last._replace(end=total, heard_to=min(last.heard_to, total))]


def _longest(recording: Recording, max_bytes: int, max_seconds: float) -> float:
    """Return the length of the longest piece that is not too large."""
    if recording.piece_bytes(_LEAST_PIECE_SECONDS) > max_bytes:
        raise InvalidArgument(
            f"Two seconds of this recording can have {recording.piece_bytes(_LEAST_PIECE_SECONDS)} bytes, more than the"
            f" {max_bytes / 1024**2:.3g} MB that WEBVOICE_MAX_UPLOAD_MB allows. Raise the setting."
        )
    low, high = min(_LEAST_PIECE_SECONDS, max_seconds), max_seconds
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (middle, high) if recording.piece_bytes(middle) <= max_bytes else (low, middle)
    return low


def _decode_levels(file: io.BytesIO, check: Check) -> "array[float]":
    from webvoice_mcp.studio.decoded_pieces import decode_levels  # noqa: PLC0415 - loads the decoder

    return decode_levels(file, check)
