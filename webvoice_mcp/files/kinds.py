"""Kinds of files, recognized by their bytes and never by their names."""

import re
from dataclasses import dataclass
from typing import Literal

from webvoice_mcp.files._aac import is_aac
from webvoice_mcp.files._bytes import Readable, read_at, size_of
from webvoice_mcp.files._flac import is_flac
from webvoice_mcp.files._mp4 import brand, has_film, has_sound
from webvoice_mcp.files._wav import is_wav
from webvoice_mcp.files.mp3_frames import first_frame, skip_tags

Family = Literal["audio", "image", "video", "text"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Attributes:
        name: the format's common name.
        mime_type: its media type.
        suffixes: its extensions in lower case, the usual one first.
        family: the family of media. A file may replace only a file of its own family.
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
MARKDOWN = Kind("Markdown", "text/markdown", (".md",), "text")
SRT = Kind("SRT subtitles", "application/x-subrip", (".srt",), "text")
VTT = Kind("WebVTT subtitles", "text/vtt", (".vtt",), "text")
OGG = Kind("Ogg", "audio/ogg", (".ogg", ".oga", ".opus"), "audio")
AAC = Kind("AAC", "audio/aac", (".aac",), "audio")
AIFF = Kind("AIFF", "audio/aiff", (".aiff", ".aif", ".aifc"), "audio")
CAF = Kind("CAF", "audio/x-caf", (".caf",), "audio")
MOV = Kind("QuickTime (MOV)", "video/quicktime", (".mov", ".qt"), "video")
WEBM = Kind("WebM", "video/webm", (".webm",), "video")
MATROSKA = Kind("Matroska (MKV)", "video/x-matroska", (".mkv", ".mka"), "video")
HEIC = Kind("HEIC", "image/heic", (".heic", ".heif"), "image")
AVIF = Kind("AVIF", "image/avif", (".avif",), "image")

UPLOADED = (MP3, WAV, M4A, FLAC, PNG, JPEG, WEBP, GIF)
"""The kinds that may be uploaded. The others are saved under their true extension if the service sends them."""

CONVERTED = {"audio": (MP4, MOV, WEBM, MATROSKA, OGG, AAC, AIFF, CAF), "image": (HEIC, AVIF)}
"""The kinds of which sound, or a picture, may be uploaded after it was converted, by the family that is asked for."""

KINDS = (*UPLOADED, TEXT, MARKDOWN, SRT, VTT, *CONVERTED["audio"], *CONVERTED["image"])

_TEXT_BYTES = 64 * 1024  # read to recognize text
_OGG_SOUND = (b"OpusHead", b"\x01vorbis", b"\x7fFLAC", b"Speex   ")  # the first packet; Ogg holds video, too
# Files that are no MP3, but may hold whole MP3 frames: as a track, as an attachment, packed without compression.
_CONTAINERS = (
    # films and sounds: AVI, Matroska, Ogg, MPEG, FLV, ASF, SWF, AIFF, CAF, AU
    b"RIFF", b"\x1a\x45\xdf\xa3", b"OggS", b"\x00\x00\x01\xba", b"FLV\x01", b"\x30\x26\xb2\x75", b"FWS", b"CWS",
    b"FORM", b"caff", b".snd",
    # more sounds and films: RIFX, Wave64, RealMedia, WavPack, Musepack, TTA, DSD, VOC, MIDI
    b"RIFX", b"riff", b".RMF", b"wvpk", b"MPCK", b"TTA1", b"DSD ", b"Creative Voice File", b"MThd",
    # archives: zip, gzip, bzip2, xz, zstd, 7z, rar, cab, ar, cpio
    b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"MSCF", b"!<arch>", b"07070",
    # more of them: lz4, lzip, LZMA, xar, SquashFS, zip in several parts, Git
    b"\x04\x22\x4d\x18", b"LZIP", b"\x5d\x00\x00", b"xar!", b"hsqs", b"PK00PK", b"PACK\x00\x00\x00",
    # programs: ELF, Windows, macOS, Java, WebAssembly, scripts
    b"\x7fELF", b"MZ", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe", b"\x00asm", b"#!/",
    # documents and data: PDF, PostScript, RTF, old Office, HTML and XML, text with a BOM, SQLite, HDF5
    b"%PDF", b"%!PS", b"{\\rtf", b"\xd0\xcf\x11\xe0", b"<?xml", b"<!", b"<html", b"<HTML", b"\xef\xbb\xbf",
    b"SQLite format 3", b"\x89HDF", b"\xff\xfe", b"\xfe\xff",
    # more data: property lists, saved passwords and keys, network captures, shortcuts, Android programs, fonts
    b"bplist", b"kych", b"\x03\xd9\xa2\x9a", b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x0a\x0d\x0d\x0a",
    b"L\x00\x00\x00\x01\x14\x02\x00", b"dex\n", b"OTTO", b"wOFF", b"wOF2", b"AT&TFORM",
    # pictures: PNG, JPEG, GIF, BMP, TIFF, Photoshop
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"8BPS",
)  # fmt: skip
_LATE_MARKS = ((257, b"ustar"), (32769, b"CD001"))  # of tar, and of images of CDs
_BOOT_CODE = (b"\xeb", b"\xe9", b"\xfa", b"\x33")  # of images of disks
_BOXES = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"JXL ", b"jP  "})  # the second word of such files
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_PICTURE_BRANDS = frozenset({b"mif1", b"msf1"})  # of any codec, which a further brand names
_MATROSKA = re.compile(rb"\x1a\x45\xdf\xa3.{,40}?\x42\x82.{1,8}?(webm|matroska)", re.DOTALL)
_OLD_MOV = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip"})  # the first box, before QuickTime had brands
_MAX_BRANDS_BYTES = 256
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_TEXT_START_BYTES = 16
_MARKS = re.compile(r"[\s<>{}\[\]\"'=:;,@-]")


def kind_for_suffix(suffix: str) -> Kind | None:
    """Return the kind of an extension such as ".mp3", in upper or lower case; None if it is unknown."""
    return next((kind for kind in KINDS if suffix.lower() in kind.suffixes), None)


def sniff(file: Readable) -> Kind | None:
    """Return the kind of an open, seekable file, None if it is unknown. Only a few small parts are read."""
    head = read_at(file, 0, 64)
    return _image(file, head) or _audio_or_video(file, head) or _text(file)


def _image(file: Readable, head: bytes) -> Kind | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return PNG
    if head.startswith(b"\xff\xd8\xff") and head[3:4] >= b"\xc0":
        return JPEG
    if head.startswith(b"RIFF") and head[8:15] == b"WEBPVP8":
        return WEBP
    if head.startswith((b"GIF87a", b"GIF89a")) and _is_gif(file, head):
        return GIF
    return _modern_picture(file, head) if head[4:8] == b"ftyp" else None


def _modern_picture(file: Readable, head: bytes) -> Kind | None:
    """Return the kind of an MP4-like file whose brands name a picture."""
    brands = [head[8:12]]
    if brands[0] in _PICTURE_BRANDS:
        more = read_at(file, 16, max(0, min(int.from_bytes(head[:4], "big"), _MAX_BRANDS_BYTES) - 16))
        brands = [more[start : start + 4] for start in range(0, len(more), 4)]
    if _AVIF_BRANDS.intersection(brands):
        return AVIF
    return HEIC if _HEIC_BRANDS.intersection(brands) else None


def _is_gif(file: Readable, head: bytes) -> bool:
    # A text may begin with "GIF89a", so the block after the header and the colour table must also be valid.
    if len(head) < 13:
        return False
    colour_bytes = 3 * 2 ** ((head[10] & 7) + 1) if head[10] & 0x80 else 0
    return read_at(file, 13 + colour_bytes, 1) in {b"!", b",", b";"}


def _audio_or_video(file: Readable, head: bytes) -> Kind | None:
    if is_wav(file, head):
        return WAV
    if head[4:8] == b"ftyp":
        return _mp4(file, head)
    if head.startswith(b"OggS") and read_at(file, 27 + sum(head[26:27]), 8).startswith(_OGG_SOUND):
        return OGG
    if head.startswith(b"FORM") and head[8:12] in {b"AIFF", b"AIFC"}:
        return AIFF
    if head.startswith(b"caff\x00\x01\x00\x00desc"):
        return CAF
    if film := _film(file, head):
        return film
    return None if _is_container(file, head) or _begins_as_text(head) else _frames(file)


def _is_container(file: Readable, head: bytes) -> bool:
    """Return True for a file that is no MP3, but may hold whole MP3 frames."""
    if head.startswith(_CONTAINERS) or head[4:8] in _BOXES:
        return True
    is_disk = head.startswith(_BOOT_CODE) and read_at(file, 510, 2) == b"\x55\xaa"
    return is_disk or any(read_at(file, position, 5) == mark for position, mark in _LATE_MARKS)


def _begins_as_text(head: bytes) -> bool:
    """Return True if a file begins as a page, a mail, a script or a key does, which may have an MP3 attached."""
    start = head[:_TEXT_START_BYTES]
    try:
        text = start.decode()
    except UnicodeDecodeError as error:
        text = start[: error.start].decode()
    # Before frames there may be words that tags and encoders write, such as LAME3.100UUUU. They have no such marks.
    is_whole = len(start) == _TEXT_START_BYTES and len(text.encode()) > _TEXT_START_BYTES - 4
    return is_whole and not _NOT_TEXT.search(text) and _MARKS.search(text) is not None


def _film(file: Readable, head: bytes) -> Kind | None:
    if found := _MATROSKA.match(head):
        return WEBM if found[1] == b"webm" else MATROSKA
    is_mov = head[4:8] in _OLD_MOV and (has_film(file) or has_sound(file))
    return MOV if is_mov else None


def _frames(file: Readable) -> Kind | None:
    start = skip_tags(file)
    if is_flac(file, start):
        return FLAC
    if is_aac(file, start):
        return AAC
    return None if first_frame(file, start) is None else MP3


def _mp4(file: Readable, head: bytes) -> Kind | None:
    if has_film(file):
        if head[8:12] == b"qt  ":
            return MOV
        return MP4 if brand(file) != "audio" else None
    return M4A if has_sound(file) else None  # of any brand: those of phones and recorders are many


def _text(file: Readable) -> Kind | None:
    start = read_at(file, 0, _TEXT_BYTES)
    try:
        text = start.decode()
    except UnicodeDecodeError as error:
        # An incomplete last character is allowed only where reading stopped before the end of the file.
        if not (size_of(file) > len(start) and error.start > len(start) - 4):
            return None
        text = start[: error.start].decode()
    return TEXT if text and not _NOT_TEXT.search(text) else None
