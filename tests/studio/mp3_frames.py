"""MP3 frames made byte by byte."""

import io

from webvoice_mcp.files.mp3_frames import KBITS, parse_header

RATES = {(3, 44100): 0, (3, 48000): 1, (3, 32000): 2, (2, 22050): 0, (2, 24000): 1, (2, 16000): 2, (0, 8000): 2}
STEREO, JOINT, DUAL, MONO = 0, 1, 2, 3
LAME = b"LAME3.100" + bytes(12) + (576 << 12 | 1000).to_bytes(3, "big") + bytes(12)


def frame(
    *,
    version: int = 3,
    rate: int = 44100,
    mode: int = JOINT,
    kbits: int = 128,
    begin: int = 0,
    checksum: bool = False,
    fill: bytes = b"\x5a",
) -> bytes:
    """Return a frame; `begin` says how many bytes of the frames before it its data need."""
    index = KBITS[version].index(kbits) + 1
    head = bytes([0xFF, 0xE2 | version << 3 | (not checksum), index << 4 | RATES[version, rate] << 2, mode << 6])
    header = parse_header(head)
    assert header
    side = (begin << (7 if version == 3 else 8)).to_bytes(2, "big")
    data = head + b"\x11\x22" * checksum + side.ljust(header.side_size, b"\x33")
    return data + fill * (header.size - len(data))


def header_frame(mark: bytes = b"Info", *, like: bytes | None = None, fields: bytes = LAME, flags: int = 15) -> bytes:
    """Return an encoder's header frame, with these fields at its end."""
    plain = like or frame()
    header = parse_header(plain)
    assert header
    size = sum(number for bit, number in ((1, 4), (2, 4), (4, 100), (8, 4)) if flags & bit)
    content = mark + flags.to_bytes(4, "big") + bytes(size) + fields
    start = 4 + header.side_size
    data = plain[: header.side_start] + bytes(start - header.side_start) + content
    return data.ljust(header.size, b"\x00")[: header.size]


def file(*parts: bytes) -> io.BytesIO:
    return io.BytesIO(b"".join(parts))
