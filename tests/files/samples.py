"""Small files of each kind, and helpers for folders and permissions."""

import io
import os
import struct
import wave
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FRAME = b"\xff\xfb\x90\x00" + bytes(413)  # MPEG 1 layer III, 128 kbit/s, 44.1 kHz
MP3_BYTES = FRAME * 3
FLAC_BYTES = b"fLaC\x80\x00\x00\x22" + bytes(34)
JPEG_BYTES = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(9) + b"\xff\xda\x00\x02" + bytes(4) + b"\xff\xd9"
WEBP_BYTES = b"RIFF\x16\x00\x00\x00WEBPVP8L\x0a\x00\x00\x00" + bytes(10)
GIF_BYTES = b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + bytes(6) + b"!\xf9\x04" + bytes(8)


def wav_bytes(frames: int = 100) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(2 * frames))
    return file.getvalue()


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


PNG_BYTES = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\x00"))
    + _chunk(b"IEND", b"")
)


def box(name: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + name + content


def track(handler: bytes) -> bytes:
    return box(b"trak", box(b"tkhd"), box(b"mdia", box(b"mdhd"), box(b"hdlr", bytes(8), handler, bytes(12))))


def mp4_bytes(brand: bytes, *handlers: bytes) -> bytes:
    movie = box(b"moov", box(b"mvhd"), *map(track, handlers))
    return box(b"ftyp", brand, bytes(4)) + box(b"mdat", bytes(100)) + movie


@contextmanager
def without_root() -> Iterator[None]:
    """Run the block as a user without root's permissions."""
    before = os.geteuid()
    os.seteuid(before or 65534)
    try:
        yield
    finally:
        os.seteuid(before)


def put(path: Path, content: bytes) -> None:
    """Write a file, creating its folder if it is missing."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def everything_in(folder: Path) -> list[str]:
    """Return the relative paths of everything in a folder, hidden or not; [] if there is no folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
