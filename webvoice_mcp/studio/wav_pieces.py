"""WAV recordings: their loudness, and pieces of them with a header of their own."""

import math
import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import mul

from webvoice_mcp.files.kinds import WAV
from webvoice_mcp.files.pieces import Span as ByteRange
from webvoice_mcp.files.wav_format import ALAW, FLOAT, MULAW, PCM, WavFormat, read_wav_format
from webvoice_mcp.studio.pauses import LEVELS_PER_SECOND, Check, Span, no_check
from webvoice_mcp.studio.piece import RecordingPiece, Source, SourceFile, piece_name

_SAMPLES_PER_LEVEL = 128  # at most; more would not change the level much
_FULL_SCALE = 0x8000
_READ_SECONDS = 5  # at once
_HEADER_BYTES = 12 + 8 + 12 + 8  # without the description
_MAX_DATA_BYTES = 0xFFFFFFFF - 2**20  # sizes in a header have 32 bits


def open_wav(source: Source, name: str) -> "WavRecording | None":
    """Return a WAV file to cut, None if its samples are not described well enough for that."""
    wav = read_wav_format(SourceFile(source))
    if wav is None or not (wav.bytes_per_second and wav.block and wav.data_size):
        return None
    return WavRecording(source, name, wav)


class WavRecording:
    """A WAV file. Its pieces are WAV files, whose samples one after the other are those of the recording.

    Attributes:
        seconds: its length.
        max_piece_bytes: the largest possible piece.
    """

    max_piece_bytes = _MAX_DATA_BYTES

    def __init__(self, source: Source, name: str, wav: WavFormat) -> None:
        self.seconds = wav.data_size / wav.bytes_per_second
        self._source = source
        self._name = name
        self._wav = wav

    def piece_bytes(self, seconds: float) -> int:
        """Return the most bytes that a piece of this length can have."""
        blocks = math.ceil(seconds * self._blocks_per_second) + 1
        return _HEADER_BYTES + len(self._wav.description) + 2 + blocks * self._wav.block

    def levels(self, span: Span, check: Check = no_check) -> "array[float]":
        """Return the loudness of a part, from its start on. In ADPCM it is the same everywhere."""
        found = array("f")
        count = math.ceil((span.end - span.start) * LEVELS_PER_SECOND)
        places = [self._index(span.start + number / LEVELS_PER_SECOND) for number in range(count + 1)]
        step = _READ_SECONDS * LEVELS_PER_SECOND
        for begin in range(0, count, step):
            check()
            marks = places[begin : begin + step + 1]
            data = self._read(marks[0] * self._wav.block, marks[-1] * self._wav.block)
            for first, last in pairwise(marks):
                offset = marks[0]
                part = data[(first - offset) * self._wav.block : (last - offset) * self._wav.block]
                found.append(_level(part, self._wav))
        return found

    def cut(self, span: Span, _check: Check = no_check) -> RecordingPiece:
        """Return the piece of this part."""
        first = self._index(span.start) * self._wav.block
        last = self._wav.data_size if span.end >= self.seconds else self._index(span.end) * self._wav.block
        ranges = tuple(self._ranges(first, last))
        padding = (b"\0",) if (last - first) % 2 else ()
        parts = (_header(self._wav, last - first), *ranges, *padding)
        return RecordingPiece(piece_name(self._name, WAV, span), WAV.mime_type, span, self._source, parts)

    @property
    def _blocks_per_second(self) -> float:
        return self._wav.bytes_per_second / self._wav.block

    def _index(self, seconds: float) -> int:
        """Return the block at a time."""
        return min(round(seconds * self._blocks_per_second), self._wav.data_size // self._wav.block)

    def _ranges(self, first: int, last: int) -> Iterator[ByteRange]:
        """Yield where the bytes of the samples from `first` to `last` are in the file."""
        for span in self._wav.data:
            size = span.end - span.start
            if first < size and last > 0 and first < last:
                yield ByteRange(span.start + max(0, first), span.start + min(last, size))
            first, last = first - size, last - size

    def _read(self, first: int, last: int) -> bytes:
        return b"".join(self._source.read(*part) for part in self._ranges(first, last))


def _header(wav: WavFormat, size: int) -> bytes:
    description = wav.description + b"\0" * (len(wav.description) % 2)
    form = b"fmt " + struct.pack("<I", len(wav.description)) + description
    fact = b"" if wav.code == PCM else b"fact" + struct.pack("<II", 4, size // wav.block * _samples_per_block(wav))
    riff = b"RIFF" + struct.pack("<I", 4 + len(form) + len(fact) + 8 + size + size % 2)
    return riff + b"WAVE" + form + fact + b"data" + struct.pack("<I", size)


def _samples_per_block(wav: WavFormat) -> int:
    stated = int.from_bytes(wav.description[18:20], "little")  # of ADPCM
    return 1 if wav.code in {PCM, FLOAT, ALAW, MULAW} else stated


def _level(data: bytes, wav: WavFormat) -> float:
    """Return the root mean square of samples, where full scale is 1."""
    width = wav.block // wav.channels
    if wav.code not in {PCM, FLOAT, ALAW, MULAW} or width == 0:
        return 1.0
    stride = _stride(len(data) // width, wav.channels)
    values: Sequence[float] = (
        _floats(data, width, stride) if wav.code == FLOAT else _integers(data, width, stride, wav.code)
    )
    return math.sqrt(sum(map(mul, values, values)) / len(values)) / _FULL_SCALE if values else 0.0


def _stride(count: int, channels: int) -> int:
    """Return the distance of samples of which there are enough, from all channels."""
    stride = max(1, count // _SAMPLES_PER_LEVEL)
    while math.gcd(stride, channels) > 1:
        stride += 1
    return stride


def _floats(data: bytes, width: int, stride: int) -> list[float]:
    samples = array("d" if width == 8 else "f", data)
    if sys.byteorder == "big":  # pragma: no cover - few machines are
        samples.byteswap()
    # What is no number is loud, so that no cut is made there.
    finite = (value if math.isfinite(value) else 1.0 for value in samples[::stride])
    return [min(1.0, max(-1.0, value)) * _FULL_SCALE for value in finite]


def _integers(data: bytes, width: int, stride: int, code: int) -> Sequence[float]:
    """Return samples from their two most significant bytes."""
    high = data[width - 1 :: width * stride]
    if code in {ALAW, MULAW}:
        table = _ALAW if code == ALAW else _MULAW
        return [table[byte] for byte in high]
    if width == 1:
        return [(byte - 128) * 256 for byte in high]
    both = bytearray(2 * len(high))
    both[::2], both[1::2] = data[width - 2 :: width * stride], high
    samples = array("h", bytes(both))
    if sys.byteorder == "big":  # pragma: no cover - few machines are
        samples.byteswap()
    return samples


def _decode_alaw(byte: int) -> int:
    byte ^= 0x55
    exponent, mantissa = byte >> 4 & 7, byte & 15
    size = (mantissa << 4) + 8 if not exponent else ((mantissa << 4) + 0x108) << (exponent - 1)
    return size if byte & 0x80 else -size


def _decode_mulaw(byte: int) -> int:
    byte ^= 0xFF
    size = (((byte & 15) << 3) + 0x84 << (byte >> 4 & 7)) - 0x84
    return -size if byte & 0x80 else size


_ALAW = [_decode_alaw(byte) for byte in range(256)]
_MULAW = [_decode_mulaw(byte) for byte in range(256)]
