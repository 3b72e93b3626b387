"""MP3 files of different formats joined to one, which means encoding their sound anew. The functions block."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

from webvoice_mcp.studio._temporary import open_temporary
from webvoice_mcp.studio.decoder import Guard, damage, load, open_sink, open_source
from webvoice_mcp.studio.mp3 import join
from webvoice_mcp.studio.mp3_silence import Silence
from webvoice_mcp.studio.sound import decoded, resampled

_MAX_SECONDS = 1800.0  # of work
_BITS_PER_SECOND = {"mono": 96_000, "stereo": 160_000}
_RATES = (16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # of MP3 that every player knows
_MP3_SAMPLES = 1152  # in a packet


class BrokenPartError(Exception):
    """A part cannot be read as MP3.

    Attributes:
        index: its position among the parts, from 0.
    """

    def __init__(self, index: int) -> None:
        super().__init__(f"part {index} is damaged, or no MP3")
        self.index = index


def join_sound_anew(
    parts: Sequence[BinaryIO],
    output: BinaryIO,
    *,
    max_bytes: int = 1 << 40,
    checkpoint: Callable[[], None] = lambda: None,
) -> float:
    """Decode MP3 files, join their sound, encode it as one MP3 file, and return how many seconds it plays.

    The highest rate of the parts is kept, and two channels if one of them has them.

    Args:
        parts: open MP3 files, in order.
        output: an empty file to write. It stays open.
        max_bytes: the largest size that the output may have.
        checkpoint: called often; an exception that it raises ends the work.

    Raises:
        BrokenPartError: a part is damaged, or of another kind.
        TooLargeError: the output would be larger than `max_bytes`.
        TimeIsUpError: the work takes longer than half an hour.
        DiskError: the disk refuses.
        ImportError: PyAV is not installed.
    """
    load()
    guard = Guard(checkpoint, _MAX_SECONDS)
    with guard.told():
        seconds = _join(parts, output, guard, max_bytes)
        output.flush()
    return seconds


def join_pieces_anew(pieces: Sequence[Path | Silence], output: BinaryIO) -> list[float]:
    """Join MP3 files of different formats with silence between them, and return how many seconds each piece plays.

    Args:
        pieces: files and silences by turns; it begins with a file.
        output: an empty file to write. It stays open.

    Raises:
        NotMp3: a part has no MP3 frames.
        UnlikeParts: a part changes its own format.
        BrokenPartError: a part cannot be decoded.
        DiskError: the disk refuses.
        ImportError: PyAV is not installed.
    """
    load()
    lengths: list[float] = []
    with ExitStack() as files:
        parts: list[BinaryIO] = []
        for part, silence in zip(pieces[::2], pieces[1::2], strict=True):
            parts.append(files.enter_context(open_temporary()))
            lengths += join([part, silence], parts[-1].write)
        join_sound_anew(parts, output)
    return lengths


def _join(parts: Sequence[BinaryIO], output: BinaryIO, guard: Guard, max_bytes: int) -> float:
    forms = [_form(index, part, guard) for index, part in enumerate(parts)]
    highest = max(rate for rate, _ in forms)
    rate = next(rate for rate in _RATES if rate >= min(highest, _RATES[-1]))
    layout = "stereo" if max(channels for _, channels in forms) > 1 else "mono"
    with open_sink(output, "mp3", guard, max_bytes, id3v2_version="0") as sink:
        track = sink.add_stream("libmp3lame", rate=rate, layout=layout)
        track.bit_rate = _BITS_PER_SECOND[layout]
        fifo, count = load().AudioFifo(), 0
        for frame in _sound(parts, guard, track.codec_context.format.name, layout, rate):
            fifo.write(frame)
            while whole := fifo.read(_MP3_SAMPLES):
                count = _encode(sink, track, whole, count, rate)
        if rest := fifo.read(0, partial=True):
            count = _encode(sink, track, rest, count, rate)
        sink.mux(track.encode(None))
    return count / rate


def _encode(sink: Any, track: Any, frame: Any, count: int, rate: int) -> int:
    """Encode a frame that begins after `count` samples; return the number of samples after it."""
    frame.pts, frame.time_base = count, Fraction(1, rate)
    sink.mux(track.encode(frame))
    total: int = count + frame.samples
    return total


def _sound(parts: Sequence[BinaryIO], guard: Guard, form: str, layout: str, rate: int) -> Iterator[Any]:
    for index, part in enumerate(parts):
        count = 0
        try:
            with open_source(part, "mp3", guard) as source:
                for frame in resampled(decoded(source, source.streams.audio[0], guard), form, layout, rate):
                    count += frame.samples
                    frame.pts = None
                    yield frame
        except damage() as error:
            raise BrokenPartError(index) from error
        if not count:
            raise BrokenPartError(index)


def _form(index: int, part: BinaryIO, guard: Guard) -> tuple[int, int]:
    """Return the rate and the number of channels of a part."""
    try:
        with open_source(part, "mp3", guard) as source:
            context = source.streams.audio[0].codec_context
            return context.sample_rate, context.channels
    except damage(IndexError) as error:
        raise BrokenPartError(index) from error
