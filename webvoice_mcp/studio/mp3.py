"""Joins MP3 files frame by frame: nothing is decoded or encoded anew."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from webvoice_mcp.files.mp3_frames import (
    MPEG_1,
    Frame,
    Header,
    first_frame,
    frames,
    is_header_frame,
    skip_tags,
    sound_end,
    stated,
)
from webvoice_mcp.studio.mp3_header import Encoder, Summary, encoder_of, header_frame
from webvoice_mcp.studio.mp3_silence import Silence, SilentFrames, silent

__all__ = ["Mp3Format", "Mp3Stream", "NotMp3", "Silence", "UnlikeParts", "join", "scan"]

_MAX_BOOKMARKS = 512  # of one file


class NotMp3(ValueError):
    """A part has no MP3 frames.

    Attributes:
        index: number of the part among all pieces, from 0.
    """

    def __init__(self, index: int) -> None:
        super().__init__(f"Part {index + 1} has no MP3 frames.")
        self.index = index


class UnlikeParts(ValueError):
    """A part has another format than the parts before it, or changes its own.

    Attributes:
        index: number of the part among all pieces, from 0.
        expected: the format of the parts before it.
        found: its own.
    """

    def __init__(self, index: int, expected: "Mp3Format", found: "Mp3Format") -> None:
        super().__init__(f"Part {index + 1} has {found}, but the sound before it has {expected}.")
        self.index, self.expected, self.found = index, expected, found


class Mp3Format(NamedTuple):
    """The format of frames, the same in all parts that are joined.

    Attributes:
        version: 1, 2 or 2.5, of MPEG.
        rate: samples in a second.
        channels: 1 or 2.
    """

    version: float
    rate: int
    channels: int

    @classmethod
    def of(cls, header: Header) -> "Mp3Format":
        """Return the format of a frame."""
        version, rate = header.stream
        return cls({MPEG_1: 1.0, 2: 2.0}.get(version, 2.5), rate, header.channels)

    def __str__(self) -> str:
        """Return it for messages."""
        return f"{self.rate} Hz, {'mono' if self.channels == 1 else 'stereo'} (MPEG-{self.version:g} layer III)"


@dataclass(frozen=True, slots=True)
class Mp3Stream:
    """The sound of an MP3 file, without its tags and the encoder's header frame.

    Attributes:
        format: version, sample rate and channels.
        frames: number of whole frames.
        samples: samples of all frames, in each channel.
        size: bytes of all frames. Between `start` and `end` there may be more, which are junk.
        start: position of the first frame.
        end: position after the last frame, or after junk that follows it.
        kbits: the bit rate of all frames, None if they differ.
        first: the first frame.
        encoder: its encoder, as the header frame names it; None if it does not.
        bookmarks: positions among the frames' bytes, of the frames 0, `stride`, 2 * `stride` and so on.
        stride: the number of frames from one bookmark to the next.
    """

    format: Mp3Format
    frames: int
    samples: int
    size: int
    start: int
    end: int
    kbits: int | None
    first: bytes
    encoder: Encoder | None
    bookmarks: tuple[int, ...]
    stride: int

    @property
    def seconds(self) -> float:
        """The length of all frames in seconds."""
        return self.samples / self.format.rate


def scan(file: BinaryIO) -> Mp3Stream:
    """Return what an MP3 file holds. Blocks; it reads the whole file, and little of it is in memory at a time.

    Raises:
        NotMp3: it has no MP3 frames.
        UnlikeParts: its frames differ in version, sample rate or channels.
    """
    return _scan(file, 0)


def join(pieces: Sequence[Path | BinaryIO | Silence], write: Callable[[bytes], object]) -> list[float]:
    """Write one MP3 file with the sound of all pieces, and return how many seconds each of them plays. Blocks.

    It begins with one header frame (Xing or Info) that states its length, and has no tags. Nothing is written if the
    pieces cannot be joined. The files are read twice, and must not change in the meantime. A file that is given as a
    path is open only while it is read, so that there may be many.

    Raises:
        ValueError: there is no file among the pieces.
        NotMp3: a file has no MP3 frames.
        UnlikeParts: two files differ in version, sample rate or channels, or one in itself.
    """
    streams = [_stream(piece, index) for index, piece in enumerate(pieces)]
    parts = [stream for stream in streams if stream]
    _check_alike(streams)
    kbits = parts[0].kbits if len({part.kbits for part in parts}) == 1 else None
    silence = SilentFrames(parts[0].first, kbits)
    counts = silence.counts(pieces)
    summary = Summary()
    for stream, count in zip(streams, counts, strict=True):
        if stream:
            summary.add(stream.frames, stream.size, stream.bookmarks, stream.stride)
        else:
            summary.add_equal(count, len(silence.frame))
    write(header_frame(parts[0].first, kbits, summary, parts[0].encoder))
    for piece, stream, count in zip(pieces, streams, counts, strict=True):
        with _opened(piece) as file:
            if file and stream:
                for frame in _sound(file, stream.start, stream.end):
                    write(frame.data)
            else:
                write(silence.frame * count)
    lengths = zip(streams, counts, strict=True)
    return [stream.seconds if stream else count * silence.seconds for stream, count in lengths]


def _stream(piece: Path | BinaryIO | Silence, index: int) -> Mp3Stream | None:
    """Return what a file among the pieces holds, None for silence."""
    with _opened(piece) as file:
        return _scan(file, index) if file else None


def _check_alike(streams: Sequence[Mp3Stream | None]) -> None:
    first = next((stream for stream in streams if stream), None)
    if first is None:
        raise ValueError("There is no MP3 file among the pieces.")
    for index, stream in enumerate(streams):
        if stream and stream.format != first.format:
            raise UnlikeParts(index, first.format, stream.format)


@contextmanager
def _opened(piece: Path | BinaryIO | Silence) -> Iterator[BinaryIO | None]:
    """Yield the piece's file, None for silence."""
    if isinstance(piece, Path):
        with piece.open("rb") as file:
            yield file
    else:
        yield None if isinstance(piece, Silence) else piece


def _scan(file: BinaryIO, index: int) -> Mp3Stream:
    tags_end = skip_tags(file)
    start = first_frame(file, tags_end)
    if start is None:
        raise NotMp3(index)
    end = sound_end(file, start)
    encoder = None
    first: Frame | None = None
    count = samples = size = 0
    rates: set[int] = set()
    bookmarks: list[int] = []
    stride = 1
    head = next(frames(file, start, end), None)
    if head and stated(head.data):
        encoder = encoder_of(head.data)
        start += len(head.data)
    for frame in _sound(file, start, end):
        if first is None:
            first = frame
        elif frame.header.kind != first.header.kind:
            raise UnlikeParts(index, Mp3Format.of(first.header), Mp3Format.of(frame.header))
        if count % stride == 0:
            bookmarks.append(size)
            if len(bookmarks) > _MAX_BOOKMARKS:
                bookmarks, stride = bookmarks[::2], 2 * stride
        rates.add(frame.header.kbits)
        count += 1
        samples += frame.header.samples
        size += len(frame.data)
    if first is None:
        raise NotMp3(index)
    kbits = rates.pop() if len(rates) == 1 else None
    kind = Mp3Format.of(first.header)
    return Mp3Stream(kind, count, samples, size, start, end, kbits, first.data, encoder, tuple(bookmarks), stride)


def _sound(file: BinaryIO, start: int, end: int) -> Iterator[Frame]:
    """Yield the frames of sound, so that none refers to bytes of frames that are not of this file.

    A frame's data may begin in the frames before it. In a file that begins in the middle of a recording, these are
    missing; the frames that need them are made silent, as a decoder does at the start of a file.
    """
    available = 0
    for frame in frames(file, start, end):
        header = frame.header
        if is_header_frame(frame.data):  # of a file that was joined to another one by appending it
            continue
        main_start = header.side_start + header.side_size
        bits = 9 if header.stream[0] == MPEG_1 else 8
        begin = int.from_bytes(frame.data[header.side_start : header.side_start + 2], "big") >> 16 - bits
        yield frame if begin <= available else Frame(header, silent(frame.data))
        available += max(0, header.size - main_start)
