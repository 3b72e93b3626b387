"""MP3 files: frames of MPEG audio layer III, with or without ID3 tags before them."""

from typing import BinaryIO, NamedTuple

from webvoice_mcp.files._bytes import read_at, size_of

_MPEG_1, _MPEG_2, _MPEG_25 = 3, 2, 0  # 1 is reserved
_LAYER_III = 1
_KBITS_MPEG_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_MPEG_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SAMPLE_RATES = {
    _MPEG_1: (44100, 48000, 32000),
    _MPEG_2: (22050, 24000, 16000),
    _MPEG_25: (11025, 12000, 8000),
}

_MAX_TAGS = 8
_MAX_PADDING_BYTES = 64 * 1024


class _Frame(NamedTuple):
    size: int
    stream: tuple[int, int]  # version and sample rate, the same in all frames of one file


def skip_tags(file: BinaryIO) -> int:
    """Return the position after the ID3 tags at the start of the file and the zero bytes that pad them."""
    position = 0
    for _ in range(_MAX_TAGS):
        tag = read_at(file, position, 10)
        size = _tag_size(tag)
        if not size:
            break
        position += size
    if position:
        padding = read_at(file, position, _MAX_PADDING_BYTES)
        position += len(padding) - len(padding.lstrip(b"\x00"))
    return position


def is_mp3(file: BinaryIO, start: int) -> bool:
    """Return True if two frames of one stream follow each other at `start`, or the file ends after one frame."""
    # One frame header is weak evidence: UTF-16 text starts with FF FE, and AAC starts with the same eleven bits.
    first = _parse_frame(read_at(file, start, 4))
    if not first:
        return False
    end = start + first.size
    second = _parse_frame(read_at(file, end, 4))
    if second:
        return first.stream == second.stream
    return end == size_of(file) or (read_at(file, end, 3) == b"TAG" and end + 128 == size_of(file))


def _tag_size(tag: bytes) -> int:
    """Return the total size of the ID3v2 tag with this header, 0 if it is not a tag's header."""
    if len(tag) < 10 or tag[:3] != b"ID3" or not 2 <= tag[3] <= 4 or max(tag[6:]) > 0x7F:
        return 0
    size = tag[6] << 21 | tag[7] << 14 | tag[8] << 7 | tag[9]
    footer = 10 if tag[3] == 4 and tag[5] & 0x10 else 0
    return 10 + size + footer


def _parse_frame(header: bytes) -> _Frame | None:
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bit_rate, sample_rate = header[2] >> 4, header[2] >> 2 & 3
    if version not in _SAMPLE_RATES or layer != _LAYER_III or header[3] & 3 == 2:
        return None
    if bit_rate in {0, 15} or sample_rate == 3:  # bit rate 0 means "free": the frame's size is unknown
        return None
    hertz = _SAMPLE_RATES[version][sample_rate]
    bits_per_second = 1000 * (_KBITS_MPEG_1 if version == _MPEG_1 else _KBITS_MPEG_2)[bit_rate]
    size = (144 if version == _MPEG_1 else 72) * bits_per_second // hertz
    return _Frame(size + (header[2] >> 1 & 1), (version, hertz))
