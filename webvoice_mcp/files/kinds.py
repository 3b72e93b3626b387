"""What a file is, judged by its bytes. Its name has no say."""

import re
from dataclasses import dataclass
from typing import BinaryIO, Literal

from webvoice_mcp.files._bytes import at, length
from webvoice_mcp.files._mp3 import after_tags, is_mp3
from webvoice_mcp.files._mp4 import brand, tracks

Family = Literal["audio", "image", "video", "text"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Attributes:
        name: as people call it.
        suffixes: the file name endings that tell the truth about it, the usual one first.
        family: what it is a kind of; a file may replace another of its family.
    """

    name: str
    mime_type: str
    suffixes: tuple[str, ...]
    family: Family


MP3 = Kind("MP3", "audio/mpeg", (".mp3",), "audio")
WAV = Kind("WAV", "audio/wav", (".wav", ".wave"), "audio")
FLAC = Kind("FLAC", "audio/flac", (".flac",), "audio")
M4A = Kind("M4A", "audio/mp4", (".m4a", ".m4b"), "audio")
PNG = Kind("PNG", "image/png", (".png",), "image")
JPEG = Kind("JPEG", "image/jpeg", (".jpg", ".jpeg"), "image")
WEBP = Kind("WebP", "image/webp", (".webp",), "image")
GIF = Kind("GIF", "image/gif", (".gif",), "image")
MP4 = Kind("MP4", "video/mp4", (".mp4", ".m4v"), "video")
TEXT = Kind("plain text", "text/plain", (".txt",), "text")

KINDS = (MP3, WAV, M4A, FLAC, PNG, JPEG, WEBP, GIF, MP4, TEXT)

_TEXT_SEEN = 64 * 1024
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


def kind_for(suffix: str) -> Kind | None:
    """The kind that files with this ending (such as ".mp3", in any case) are said to be."""
    return next((kind for kind in KINDS if suffix.lower() in kind.suffixes), None)


def sniff(file: BinaryIO) -> Kind | None:
    """The kind of an open, seekable file, None for one that is not known here. Reads a few small pieces of it."""
    head = at(file, 0, 32)
    return _picture(file, head) or _sound_or_film(file, head) or _text(file)


def _picture(file: BinaryIO, head: bytes) -> Kind | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return PNG
    if head.startswith(b"\xff\xd8\xff") and head[3:4] >= b"\xc0":
        return JPEG
    if head.startswith(b"RIFF") and head[8:15] == b"WEBPVP8":
        return WEBP
    if head.startswith((b"GIF87a", b"GIF89a")) and _is_gif(file, head):
        return GIF
    return None


def _is_gif(file: BinaryIO, head: bytes) -> bool:
    """Whether a block of the picture follows its header and colours; a text may well begin with "GIF89a"."""
    if len(head) < 13:
        return False
    colours = 3 * 2 ** ((head[10] & 7) + 1) if head[10] & 0x80 else 0
    return at(file, 13 + colours, 1) in {b"!", b",", b";"}


def _sound_or_film(file: BinaryIO, head: bytes) -> Kind | None:
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return WAV if _has_wave_format(file) else None
    if head[4:8] == b"ftyp":
        return _mp4(file)
    start = after_tags(file)
    if at(file, start, 4) == b"fLaC" and _is_stream_info(at(file, start + 4, 4)):
        return FLAC
    return MP3 if is_mp3(file, start) else None


def _has_wave_format(file: BinaryIO) -> bool:
    """Whether one of the first chunks is the one that says how the samples are to be read."""
    position = 12
    for _ in range(32):
        chunk = at(file, position, 8)
        if len(chunk) < 8:
            return False
        if chunk[:4] == b"fmt ":
            return True
        size = int.from_bytes(chunk[4:], "little")
        position += 8 + size + size % 2
    return False


def _is_stream_info(block: bytes) -> bool:
    # The first block is always this one, and always this long; its top bit says whether it is the last.
    return len(block) == 4 and block[0] & 0x7F == 0 and block[1:] == b"\x00\x00\x22"


def _mp4(file: BinaryIO) -> Kind | None:
    family = brand(file)
    if family == "audio":
        return M4A
    found = tracks(file) if family else frozenset()
    if b"vide" in found:
        return MP4
    return M4A if b"soun" in found else None


def _text(file: BinaryIO) -> Kind | None:
    seen = at(file, 0, _TEXT_SEEN)
    try:
        text = seen.decode()
    except UnicodeDecodeError as error:
        # A character that is cut where we stopped reading is no fault of the file's.
        if not (length(file) > len(seen) and error.start > len(seen) - 4):
            return None
        text = seen[: error.start].decode()
    return TEXT if text and not _NOT_TEXT.search(text) else None
