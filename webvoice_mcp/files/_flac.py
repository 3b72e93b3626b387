"""FLAC files: a description of the stream, then frames."""

import re

from webvoice_mcp.files._bytes import Readable, read_at

_BLOCK_BYTES = 1024 * 1024
_MAX_HEADER_BYTES = 16
_FRAME = re.compile(rb"\xff(?=[\xf8\xf9][^\x00-\x0f][\x00-\xaf])", re.DOTALL)
_FREQUENCIES = (0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000)
_TOLERANCE = 0.05


def is_flac(file: Readable, start: int) -> bool:
    """Return True if the file is FLAC from this position on."""
    # The first block has type 0 and 34 bytes. The top bit of its type may be set: it marks the last block.
    head = read_at(file, start, 8)
    return len(head) == 8 and head[:4] == b"fLaC" and head[4] & 0x7F == 0 and head[5:] == b"\x00\x00\x22"


def seconds(file: Readable, start: int) -> float | None:
    """Return how long all frames play; None if the description says another length, or has no sample rate."""
    info = int.from_bytes(read_at(file, start + 18, 8), "big")
    frequency, stated = info >> 44, info & (1 << 36) - 1
    if not frequency:
        return None
    total, position = 0.0, start + 42
    while block := read_at(file, position, _BLOCK_BYTES + _MAX_HEADER_BYTES):
        for found in _FRAME.finditer(block, 0, _BLOCK_BYTES + 3):
            header = block[found.start() : found.start() + _MAX_HEADER_BYTES]
            total += _frame_seconds(header, frequency)
        position += _BLOCK_BYTES
    return total if not stated or abs(stated / frequency - total) <= _TOLERANCE * total else None


def _frame_seconds(header: bytes, frequency: int) -> float:
    """Return how long the frame with this header plays, 0 if it is not a header."""
    code, rate_code = header[2] >> 4, header[2] & 15
    number_bytes = max(1, 8 - (header[4] ^ 0xFF).bit_length()) if len(header) > 4 else 99
    end = 4 + number_bytes
    samples, end = _sample_count(header, code, end)
    if rate_code == 15:
        return 0
    if rate_code < len(_FREQUENCIES):
        hertz = _FREQUENCIES[rate_code] or frequency
    else:
        size = 1 if rate_code == 12 else 2
        unit = {12: 1000, 13: 1, 14: 10}[rate_code]
        hertz, end = unit * int.from_bytes(header[end : end + size], "big"), end + size
    if not hertz or end >= len(header) or _crc(header[:end]) != header[end]:
        return 0
    return samples / hertz


def _sample_count(header: bytes, code: int, end: int) -> tuple[int, int]:
    """Return the samples of a frame, and the position after the fields that say so."""
    if code == 1:
        return 192, end
    if code < 6:
        return 576 << code - 2, end
    if code > 7:
        return 256 << code - 8, end
    size = code - 5
    return int.from_bytes(header[end : end + size], "big") + 1, end + size


def _crc(data: bytes) -> int:
    value = 0
    for byte in data:
        value = _CRC_TABLE[value ^ byte]
    return value


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = value << 1 ^ (0x107 if value & 0x80 else 0)
    return value


_CRC_TABLE = [_crc_of_byte(byte) for byte in range(256)]
