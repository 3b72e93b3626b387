"""WAV files, RF64 and BW64 too: chunks, of which `fmt ` describes the samples and `data` holds them."""

from collections.abc import Iterator
from typing import NamedTuple

from webvoice_mcp.files._bytes import Readable, read_at, size_of

_SIGNATURES = (b"RIFF", b"RF64", b"BW64")
_MAX_CHUNKS = 32  # before the one that describes the samples
_MAX_ALL_CHUNKS = 1000
_OPEN = 0xFFFFFFFF  # a chunk's size that was not known when it was begun, or that has more than 32 bits
_BITS = {1: 0, 3: 0, 6: 8, 7: 8, 2: 4, 17: 4}  # of a sample, by format; 0: as `fmt ` says. 2 and 17 are ADPCM
_ADPCM_BITS = 4
_EXTENSIBLE = 0xFFFE
_TOLERANCE = 0.05


class _Chunk(NamedTuple):
    type: bytes
    start: int  # position of its content
    size: int


def is_wav(file: Readable, head: bytes) -> bool:
    """Return True if the file with this start is WAV, and one of its first chunks describes the samples."""
    if not (head.startswith(_SIGNATURES) and head[8:12] == b"WAVE"):
        return False
    return any(chunk.type == b"fmt " for _, chunk in zip(range(_MAX_CHUNKS), _chunks(file), strict=False))


def seconds(file: Readable) -> float | None:
    """Return how long the samples play, None if that is not certain within 5 %.

    The number of samples is that of the file if the header leaves it open, as programs that write to a pipe do.
    """
    rate, length, large, end = 0.0, 0, 0, 12
    size = size_of(file)
    for chunk in _chunks(file):
        if chunk.type == b"ds64":
            large = int.from_bytes(read_at(file, chunk.start + 8, 8), "little")
        elif chunk.type == b"fmt ":
            rate = rate or _bytes_per_second(read_at(file, chunk.start, 40))
        end = chunk.start + chunk.size + chunk.size % 2
        if chunk.type == b"data":
            stated = large if chunk.size == _OPEN and large else chunk.size
            if stated in {0, _OPEN} or chunk.start + stated > size:
                stated = size - chunk.start
            length += stated
            end = chunk.start + stated + stated % 2
            if chunk.size == _OPEN:
                break
    rest = size - end  # bytes that belong to no chunk, so that another reader may play them
    return length / rate if rate and rest <= _TOLERANCE * length else None


def _chunks(file: Readable) -> Iterator[_Chunk]:
    position = 12
    for _ in range(_MAX_ALL_CHUNKS):
        header = read_at(file, position, 8)
        if len(header) < 8 or not header[:4].isascii() or not header[:4].decode("ascii").isprintable():
            return
        size = int.from_bytes(header[4:], "little")
        yield _Chunk(header[:4], position + 8, size)
        position += 8 + size + size % 2


def _bytes_per_second(form: bytes) -> float:
    """Return the bytes of a second of sound; 0 if they are unknown, or if the fields disagree."""
    code, channels, frequency, stated, align, bits = (
        int.from_bytes(form[start:end], "little")
        for start, end in ((0, 2), (2, 4), (4, 8), (8, 12), (12, 14), (14, 16))
    )
    if code == _EXTENSIBLE:
        code = int.from_bytes(form[24:26], "little")  # the first part of a longer identifier
    if code not in _BITS:
        return 0
    width = _BITS[code] or 8 * ((bits + 7) // 8)  # samples fill whole bytes
    if width == _ADPCM_BITS and bits != width:  # decoders know ADPCM of two, three and five bits too
        return 0
    rate = frequency * channels * width / 8
    if width == _ADPCM_BITS and not stated:  # ADPCM, of which some programs do not state it
        return rate
    is_exact = width == _ADPCM_BITS or align * 8 == channels * width  # ADPCM is made of blocks
    return rate if is_exact and abs(stated - rate) <= 0.1 * rate else 0
