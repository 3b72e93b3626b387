"""AAC in ADTS: frames, each with a header of its own."""

from webvoice_mcp.files._bytes import Readable, read_at, size_of

_FRAMES = 3  # or fewer, if the file ends after them


def is_aac(file: Readable, position: int) -> bool:
    """Return True if frames of one stream follow each other."""
    end, stream = size_of(file), b""
    for number in range(_FRAMES):
        header = read_at(file, position, 7)
        if number and position == end:
            return True
        size = int.from_bytes(header[3:6], "big") >> 5 & 0x1FFF
        facts = header[1:3]
        if len(header) < 7 or header[0] != 0xFF or facts[0] & 0xF6 != 0xF0 or size < 7 or facts[1] >> 2 & 15 > 12:
            return False
        if stream not in {b"", facts}:
            return False
        position, stream = position + size, facts
    return True
