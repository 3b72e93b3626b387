"""MP3: MPEG audio layer III frames, behind ID3 tags or not."""

from typing import BinaryIO, NamedTuple

from webvoice_mcp.files._bytes import at, length

_MPEG_1, _MPEG_2 = 3, 2  # 0 is MPEG 2.5, 1 is no version
_LAYER_III = 1
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = {_MPEG_1: (44100, 48000, 32000), _MPEG_2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}

_MOST_TAGS = 8
_MOST_PADDING = 64 * 1024


class _Frame(NamedTuple):
    size: int
    stream: tuple[int, int]  # version and sample rate, the same in all frames


def after_tags(file: BinaryIO) -> int:
    """Where the sound begins: behind the ID3 tags at the start of the file and the zeros that fill them up."""
    position = 0
    for _ in range(_MOST_TAGS):
        tag = at(file, position, 10)
        size = _tag_size(tag)
        if not size:
            break
        position += size
    if position:
        padding = at(file, position, _MOST_PADDING)
        position += len(padding) - len(padding.lstrip(b"\x00"))
    return position


def is_mp3(file: BinaryIO, start: int) -> bool:
    """Whether two frames of one stream follow each other there, or one frame is all that there is."""
    # Four bytes prove little: text in UTF-16 begins with FF FE, AAC with the same eleven set bits.
    first = _frame(at(file, start, 4))
    if not first:
        return False
    end = start + first.size
    second = _frame(at(file, end, 4))
    if second:
        return first.stream == second.stream
    return end == length(file) or (at(file, end, 3) == b"TAG" and end + 128 == length(file))


def _tag_size(tag: bytes) -> int:
    """The size of the ID3v2 tag with this header, 0 if it is none."""
    if len(tag) < 10 or tag[:3] != b"ID3" or not 2 <= tag[3] <= 4 or max(tag[6:]) > 0x7F:
        return 0
    size = tag[6] << 21 | tag[7] << 14 | tag[8] << 7 | tag[9]
    footer = 10 if tag[3] == 4 and tag[5] & 0x10 else 0
    return 10 + size + footer


def _frame(header: bytes) -> _Frame | None:
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bits, rate = header[2] >> 4, header[2] >> 2 & 3
    # A bit rate of 0 is "free": the frame's length could not be known.
    if version not in _RATES or layer != _LAYER_III or bits in {0, 15} or rate == 3 or header[3] & 3 == 2:
        return None
    hertz = _RATES[version][rate]
    bits_per_second = 1000 * (_KBITS_1 if version == _MPEG_1 else _KBITS_2)[bits]
    size = (144 if version == _MPEG_1 else 72) * bits_per_second // hertz
    return _Frame(size + (header[2] >> 1 & 1), (version, hertz))
