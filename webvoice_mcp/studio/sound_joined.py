"""MP3 files of different formats joined to one, which means encoding their sound anew. The functions block."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

from webvoice_mcp.studio.decoder import Guard, damage, load, open_sink, open_source
from webvoice_mcp.studio.mp3_silence import Silence
from webvoice_mcp.studio.sound import decoded, resampled, silence

_MAX_SECONDS = 1800.0  # of work
_BITS_PER_SECOND = {"mono": 96_000, "stereo": 160_000}
_RATES = (16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # of MP3 that every player knows
_MP3_SAMPLES = 1152  # in a packet

Piece = BinaryIO | Path | Silence
"""An open file, the path of a file that is open only while it is read, or a pause."""


class BrokenPartError(Exception):
    """A part cannot be read as MP3.

    Attributes:
        index: its position among the pieces, from 0.
    """

    def __init__(self, index: int) -> None:
        super().__init__(f"part {index} is damaged, or no MP3")
        self.index = index


def join_sound_anew(
    pieces: Sequence[Piece],
    output: BinaryIO,
    *,
    max_bytes: int = 1 << 40,
    checkpoint: Callable[[], None] = lambda: None,
) -> list[float]:
    """Decode MP3 files, encode their sound as one MP3 file, and return how many seconds each piece plays in it.

    The highest rate of the files is kept, and two channels if one of them has them. The arguments and errors are those
    of `films.join_films`, but for these.

    Args:
        pieces: MP3 files and silences, in order; at least one file.

    Raises:
        BrokenPartError: a file is damaged, or of another kind.
    """
    load()
    guard = Guard(checkpoint, _MAX_SECONDS)
    with guard.told():
        seconds = _join(pieces, output, guard, max_bytes)
        output.flush()
    return seconds


def _join(pieces: Sequence[Piece], output: BinaryIO, guard: Guard, max_bytes: int) -> list[float]:
    forms = [_form(index, piece, guard) for index, piece in enumerate(pieces) if not isinstance(piece, Silence)]
    highest = max(rate for rate, _ in forms)
    rate = next(rate for rate in _RATES if rate >= min(highest, _RATES[-1]))
    layout = "stereo" if max(channels for _, channels in forms) > 1 else "mono"
    lengths: list[float] = []
    with open_sink(output, "mp3", guard, max_bytes, id3v2_version="0") as sink:
        track = sink.add_stream("libmp3lame", rate=rate, layout=layout)
        track.bit_rate = _BITS_PER_SECOND[layout]
        form = track.codec_context.format.name
        fifo, count = load().AudioFifo(), 0
        for index, piece in enumerate(pieces):
            samples = 0
            for frame in _sound(index, piece, guard, form, layout, rate):
                samples += frame.samples
                frame.pts = None
                fifo.write(frame)
                while whole := fifo.read(_MP3_SAMPLES):
                    count = _encode(sink, track, whole, count, rate)
            lengths.append(samples / rate)
        if rest := fifo.read(0, partial=True):
            _encode(sink, track, rest, count, rate)
        sink.mux(track.encode(None))
    return lengths


def _encode(sink: Any, track: Any, frame: Any, count: int, rate: int) -> int:
    """Encode a frame that begins after `count` samples; return the number of samples after it."""
    frame.pts, frame.time_base = count, Fraction(1, rate)
    sink.mux(track.encode(frame))
    total: int = count + frame.samples
    return total


def _sound(index: int, piece: Piece, guard: Guard, form: str, layout: str, rate: int) -> Iterator[Any]:
    """Yield the sound of a piece in the format that is encoded."""
    if isinstance(piece, Silence):
        yield from silence(round(piece.seconds * rate), form, layout, rate)
        return
    is_empty = True
    with _opened(index, piece, guard) as source:
        for frame in resampled(decoded(source, source.streams.audio[0], guard), form, layout, rate):
            is_empty = False
            yield frame
    if is_empty:
        raise BrokenPartError(index)


def _form(index: int, part: BinaryIO | Path, guard: Guard) -> tuple[int, int]:
    """Return the rate and the number of channels of a part."""
    with _opened(index, part, guard) as source:
        context = source.streams.audio[0].codec_context
        return context.sample_rate, context.channels


@contextmanager
def _opened(index: int, part: BinaryIO | Path, guard: Guard) -> Iterator[Any]:
    """Open a part; an error of the block that means that it is damaged names it."""
    if isinstance(part, Path):
        with part.open("rb") as file, _opened(index, file, guard) as source:
            yield source
        return
    try:
        with open_source(part, "mp3", guard) as source:
            yield source
    except damage(IndexError) as error:  # IndexError: no sound
        raise BrokenPartError(index) from error
