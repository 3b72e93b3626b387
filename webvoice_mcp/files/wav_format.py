"""WAV files, RF64 and BW64 too, are made of chunks: `fmt ` describes the samples, `data` holds them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from webvoice_mcp.files._bytes import Readable, read_at, size_of
from webvoice_mcp.files.pieces import Span

PCM, FLOAT, ALAW, MULAW = 1, 3, 6, 7
_ADPCM = (2, 17)

_MAX_ALL_CHUNKS = 1000
_OPEN = 0xFFFFFFFF  # a chunk's size that was not known when it was begun, or that has more than 32 bits
_BITS = {PCM: 0, FLOAT: 0, ALAW: 8, MULAW: 8, 2: 4, 17: 4}  # of a sample, by format; 0: as `fmt ` says
_ADPCM_BITS = 4
_EXTENSIBLE = 0xFFFE
_MAX_DESCRIPTION_BYTES = 64 * 1024  # of the longest structure that `fmt ` can hold


class Chunk(NamedTuple):
    """A chunk.

    Attributes:
        type: its four letters.
        start: position of its content.
        size: bytes of its content, as it says.
    """

    type: bytes
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class WavFormat:
    """The samples of a WAV file.

    Attributes:
        description: the content of the chunk `fmt `.
        code: PCM, FLOAT, ALAW, MULAW or another format.
        channels: their number.
        rate: samples per second in each channel.
        bits: the size of a sample as stated.
        block: bytes of the smallest part that can be decoded by itself.
        bytes_per_second: of sound; 0 if they are unknown, or if the fields disagree.
        data: the ranges of the file that hold the samples.
        rest: bytes at the end that belong to no chunk.
    """

    description: bytes
    code: int
    channels: int
    rate: int
    bits: int
    block: int
    bytes_per_second: float
    data: tuple[Span, ...]
    rest: int

    @property
    def data_size(self) -> int:
        """The bytes of all samples."""
        return sum(span.end - span.start for span in self.data)


def read_wav_format(file: Readable) -> WavFormat | None:
    """Return the format of a WAV file, None if no chunk describes the samples.

    The number of samples is that of the file if the header leaves it open, as programs that write to a pipe do.
    """
    description, large, end = b"", 0, 12
    data: list[Span] = []
    size = size_of(file)
    for chunk in chunks(file):
        if chunk.type == b"ds64":
            large = int.from_bytes(read_at(file, chunk.start + 8, 8), "little")
        elif chunk.type == b"fmt ":
            description = description or read_at(file, chunk.start, min(chunk.size, _MAX_DESCRIPTION_BYTES))
        end = chunk.start + chunk.size + chunk.size % 2
        if chunk.type == b"data":
            stated = large if chunk.size == _OPEN and large else chunk.size
            if stated in {0, _OPEN} or chunk.start + stated > size:
                stated = size - chunk.start
            data.append(Span(chunk.start, chunk.start + stated))
            end = chunk.start + stated + stated % 2
            if chunk.size == _OPEN:
                break
    return _format(description, tuple(data), size - end) if description else None


def chunks(file: Readable) -> Iterator[Chunk]:
    """Yield the chunks of a file, at most 1000."""
    position = 12
    for _ in range(_MAX_ALL_CHUNKS):
        header = read_at(file, position, 8)
        if len(header) < 8 or not header[:4].isascii() or not header[:4].decode("ascii").isprintable():
            return
        size = int.from_bytes(header[4:], "little")
        yield Chunk(header[:4], position + 8, size)
        position += 8 + size + size % 2


def _format(description: bytes, data: tuple[Span, ...], rest: int) -> WavFormat:
    code, channels, rate, stated, block, bits = (
        int.from_bytes(description[start:end], "little")
        for start, end in ((0, 2), (2, 4), (4, 8), (8, 12), (12, 14), (14, 16))
    )
    if code == _EXTENSIBLE:
        code = int.from_bytes(description[24:26], "little")  # the first part of a longer identifier
    width = _bits(code, bits)
    exact = rate * channels * width / 8
    if width == _ADPCM_BITS and not stated:  # some programs do not state it
        agreed = exact
    else:
        is_exact = width == _ADPCM_BITS or block * 8 == channels * width  # ADPCM is made of blocks
        agreed = exact if is_exact and abs(stated - exact) <= 0.1 * exact else 0.0
    return WavFormat(description, code, channels, rate, bits, block, agreed, data, rest)


def _bits(code: int, stated: int) -> int:
    """Return the bits that a sample takes, 0 if they are unknown."""
    if code not in _BITS:
        return 0
    width = _BITS[code] or 8 * ((stated + 7) // 8)  # samples fill whole bytes
    # Decoders know ADPCM of two, three and five bits too.
    return 0 if width == _ADPCM_BITS and stated != width else width
