import gzip
import io
import os
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.files.samples import (
    FLAC_BYTES,
    FRAME,
    GIF_BYTES,
    JPEG_BYTES,
    MP3_BYTES,
    PNG_BYTES,
    WEBP_BYTES,
    box,
    mp4_bytes,
    track,
    wav_bytes,
)
from webvoice_mcp.files.kinds import (
    AAC,
    AIFF,
    AVIF,
    CAF,
    FLAC,
    GIF,
    HEIC,
    JPEG,
    M4A,
    MATROSKA,
    MOV,
    MP3,
    MP4,
    OGG,
    PNG,
    TEXT,
    WAV,
    WEBM,
    WEBP,
    Kind,
    sniff,
)
from webvoice_mcp.files.length import length_of_recording
from webvoice_mcp.files.mp3_frames import parse_header

ID3 = b"ID3\x04\x00\x00\x00\x00\x00\x05hello"
ID3_WITH_FOOTER = b"ID3\x04\x00\x10\x00\x00\x00\x05hello3DI\x04\x00\x10\x00\x00\x00\x05"
PADDED_FRAME = b"\xff\xfb\x92\x00" + bytes(414)  # one byte longer
MPEG_2_FRAME = b"\xff\xf3\x40\x00" + bytes(100)  # 32 kbit/s, 22.05 kHz
MPEG_25_FRAME = b"\xff\xe3\x44\x00" + bytes(188)  # 32 kbit/s, 12 kHz
ADTS_FRAME = b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)
FTYP = box(b"ftyp", b"isom", bytes(4))


LYRICS = b"LYRICSBEGINLYR00005hello000024LYRICS200"
APE_FLAGS = bytes(7) + b"\x80" + bytes(8)  # it has a header, too
APE_WITH_HEADER = b"APETAGEX\xd0\x07\x00\x00\x2a\x00\x00\x00" + APE_FLAGS
APE_WITH_HEADER = APE_WITH_HEADER + b"\xee" * 10 + APE_WITH_HEADER


def tag(size: bytes, *, version: int = 4, flags: int = 0) -> bytes:
    """Return an ID3 tag of this size (4 x 7 bits), filled with bytes that are not audio."""
    length = int("".join(f"{byte:07b}" for byte in size), 2)
    return b"ID3" + bytes([version, 0, flags]) + size + b"\xee" * length


def ape_tag(size: int) -> bytes:
    return b"APETAGEX\xd0\x07\x00\x00" + size.to_bytes(4, "little") + bytes(16) + b"\xee" * size


def movie(handler: bytes) -> bytes:
    return mp4_bytes(b"isom", handler).partition(box(b"mdat", bytes(100)))[2]


def wave_with(*chunks: bytes) -> bytes:
    return b"RIFF\xff\xff\xff\xffWAVE" + b"".join(chunks)


def kinds_of(samples: dict[str, bytes]) -> dict[str, Kind | None]:
    return {label: sniff(io.BytesIO(content)) for label, content in samples.items()}


def test_mp3_is_recognized_by_its_frames_after_any_tags() -> None:
    samples = {
        "one frame": FRAME,
        "a tag at the end": FRAME + b"TAG" + bytes(125),
        "a tag": ID3 + MP3_BYTES,
        "padding as long as is read": ID3 + bytes(64 * 1024) + MP3_BYTES,
        "a footer": ID3_WITH_FOOTER + MP3_BYTES,
        "as many tags as are read": ID3 * 8 + MP3_BYTES,
        "the oldest tags": tag(b"\x00\x00\x00\x7f", version=2) + FRAME,
        "version 3, without footers": tag(b"\x00\x00\x00\x05", version=3, flags=0x10) + FRAME,
        "all flags but the footer": tag(b"\x00\x00\x00\x05", flags=0xEF) + FRAME,
        "a large tag": tag(b"\x01\x02\x7f\x04") + FRAME,
        "padded frames": PADDED_FRAME * 2,
        "MPEG 2": MPEG_2_FRAME * 2,
        "MPEG 2.5": MPEG_25_FRAME * 2,
        "no such tag size": b"ID3\x04\x00\x00\x00\x00\x00\x80" + bytes(128) + MP3_BYTES,
        "a tag of version 1": tag(b"\x00\x00\x00\x05", version=1) + MP3_BYTES,
        "a tag of version 5": tag(b"\x00\x00\x00\x05", version=5) + MP3_BYTES,
        "zero bytes": bytes(600) + FRAME * 2,
        "an APE tag": ape_tag(70_000) + FRAME * 2,
        "a cut frame": FRAME[100:] + MP3_BYTES,
        "junk": b"\xff\xfb\x90\x01" * 100 + MP3_BYTES,
        "as much junk as is read": b"\xab" * 64 * 1024 + MP3_BYTES,
        "a Lyrics tag": LYRICS + FRAME,
        "an old Lyrics tag and another": b"LYRICSBEGIN" + b"la" * 400 + b"LYRICSEND" + ID3 + FRAME,
        "a Lyrics tag without an end": b"LYRICSBEGIN" + MP3_BYTES,
        "an APE tag at the end": FRAME + b"\xee" * 10 + APE_WITH_HEADER[:23] + bytes(9),
        "an APE tag with a header at the end": FRAME + APE_WITH_HEADER,
        "a Lyrics tag at the end": FRAME + LYRICS + b"TAG" + bytes(125),
        "an old Lyrics tag at the end": FRAME + b"LYRICSBEGINlaLYRICSEND" + b"TAG" + bytes(125),
        "an ID3 tag at the end": FRAME + ID3_WITH_FOOTER,
        "as many tags at the end as are read": FRAME + ID3_WITH_FOOTER * 8,
        "all tags": ID3
        + ID3
        + ape_tag(9)
        + LYRICS
        + bytes(99)
        + FRAME
        + APE_WITH_HEADER
        + LYRICS
        + b"TAG"
        + bytes(125),
        "a cut frame after a tag": ID3 + FRAME[9:] + MP3_BYTES,
        "padding and junk": ID3 + bytes(64 * 1024 + 1) + MP3_BYTES,
        "more tags than are read": ID3 * 9 + MP3_BYTES,
    }
    assert kinds_of(samples) == dict.fromkeys(samples, MP3)


def test_bytes_that_only_resemble_mp3_are_not_recognized_as_mp3() -> None:
    samples = {
        "UTF-16": "Hello".encode("utf-16"),
        "free bit rate": b"\xff\xfb\x00\x00" * 200,
        "no such bit rate": b"\xff\xfb\xf0\x00" * 200,
        "no such sample rate": b"\xff\xfb\x9c\x00" * 200,
        "no such version": b"\xff\xeb\x90\x00" * 200,
        "no such emphasis": b"\xff\xfb\x90\x02" * 200,
        "wrong first byte": (b"\xfe" + FRAME[1:]) * 2,
        "wrong second byte": (b"\xff\x1b" + FRAME[2:]) * 2,
        "something after one frame": FRAME + b"\x00" * 10,
        "another sample rate": FRAME + b"\xff\xfb\x94\x00" + bytes(380),
        "a tag cut short": FRAME + b"TAG",
        "half a header": b"\xff\xfb",
        "half a frame": b"\xff\xfb\x90\x00" + bytes(10),
        "only a tag": ID3,
        "more padding than is read": ID3 + bytes(2 * 64 * 1024 + 100) + MP3_BYTES,
        "more junk than is read": b"\xab" * (64 * 1024 + 1) + MP3_BYTES,
        "two frames after junk": b"\xab" + FRAME * 2,
        "AVI": b"RIFF\xff\xff\xff\xffAVI " + MP3_BYTES,
        "ZIP": b"PK\x03\x04" + MP3_BYTES,
        "Matroska": b"\x1aE\xdf\xa3" + MP3_BYTES,
        "half an APE tag": ape_tag(10)[:20] + FRAME,
        "more tags at the end than are read": FRAME + ID3_WITH_FOOTER * 9,
        "a Lyrics tag with a wrong size": FRAME + b"LYRICSBEGINla999999LYRICS200",
        "a Lyrics tag without a size": FRAME + b"LYRICSBEGINlaLYRICS200",
        "an old Lyrics tag without a start": FRAME + b"laLYRICSEND",
        "an APE tag over the start": FRAME + b"APETAGEX\xd0\x07\x00\x00\xff\xff\xff\x7f" + bytes(16),
    }
    assert kinds_of(samples) == dict.fromkeys(samples)


def archives(content: bytes) -> dict[str, bytes]:
    """Return files of other kinds that hold the content as it is."""
    packed, tape = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.mp3", content)
    with tarfile.open(fileobj=tape, mode="w") as archive:
        member = tarfile.TarInfo("a.mp3")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return {
        "zip": packed.getvalue(),
        "tar": tape.getvalue(),
        "gzip": gzip.compress(content, compresslevel=0),
        "7z": b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(24) + content,
        "rar": b"Rar!\x1a\x07\x01\x00" + bytes(50) + content,
        "ar": b"!<arch>\n" + b"a.mp3/".ljust(60) + content,
        "cpio": b"070701" + b"0" * 104 + content,
        "cabinet": b"MSCF" + bytes(60) + content,
        "ELF": b"\x7fELF\x02\x01\x01" + bytes(500) + content,
        "Windows": b"MZ\x90\x00" + bytes(500) + content,
        "macOS": b"\xcf\xfa\xed\xfe" + bytes(500) + content,
        "Java": b"\xca\xfe\xba\xbe\x00\x00\x00\x41" + content,
        "WebAssembly": b"\x00asm\x01\x00\x00\x00" + content,
        "script": b"#!/bin/sh\ntail -c +99 $0 | mpg123 -; exit\n" + content,
        "PDF": b"%PDF-1.7\n1 0 obj << /Type /EmbeddedFile >> stream\n" + content,
        "old Office": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + content,
        "RTF": b"{\\rtf1\\bin9999 " + content,
        "HTML": b"<!DOCTYPE html><p>" + content,
        "SQLite": b"SQLite format 3\x00" + bytes(84) + content,
        "TIFF": b"II*\x00" + bytes(100) + content,
        "SWF": b"FWS\x06" + bytes(40) + content,
        "FLV": b"FLV\x01\x04" + bytes(20) + content,
        "Wave64": b"riff\x2e\x91\xcf\x11" + bytes(32) + content,
        "QuickTime without an index": b"\x00\x01\x00\x00mdat" + content,
        "lz4": b"\x04\x22\x4d\x18" + bytes(7) + content,
        "image of a CD": bytes(32769) + b"CD001" + bytes(999) + content,
        "image of a disk": b"\xeb\x58\x90mkfs.fat" + bytes(499) + b"\x55\xaa" + content,
        "HTML after a line break": b"\n<Html><Head><title>A secret" + content,
        "JSON": b'{"password":"hunter2","memo":"' + content,
        "mail": b"From ann@example.com Sat Jan 3 12:00:00 2026\n" + content,
        "key": b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + content,
        "environment": b"API_KEY=0123456789\n" + content,
        "text in Greek": "Αυτό είναι μυστικό: ".encode() + content,
        "property list": b"bplist00\xd1\x01\x02" + content,
    }


@given(st.sampled_from([FRAME, PADDED_FRAME, MPEG_2_FRAME, MPEG_25_FRAME]), st.integers(3, 9))
def test_archives_programs_and_documents_with_an_mp3_are_no_mp3(frame: bytes, count: int) -> None:
    samples = archives(frame * count)
    assert MP3 not in kinds_of(samples).values()
    # Without what comes before it, the same content is one.
    assert sniff(io.BytesIO(frame * count)) is MP3


@given(st.text(max_size=3000), st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252"]))
def test_a_text_is_never_mp3(text: str, encoding: str) -> None:
    assert sniff(io.BytesIO(text.encode(encoding, "ignore"))) is not MP3


@given(st.binary(max_size=5000))
def test_bytes_without_frames_are_never_mp3(noise: bytes) -> None:
    content = noise.replace(b"\xff", b"\xfe")
    assert sniff(io.BytesIO(content)) is not MP3
    assert sniff(io.BytesIO(content + FRAME + content + b"\x01")) is not MP3


def test_programs_of_this_computer_are_no_mp3() -> None:
    programs = [Path(sys.executable), Path(zlib.__file__ or sys.executable), *Path(os.__file__).parent.glob("*.py")]
    for path in programs:
        with path.open("rb") as file:
            assert sniff(file) is not MP3, path


@given(
    st.lists(st.sampled_from([ID3, ID3_WITH_FOOTER, ape_tag(40), LYRICS]), max_size=8),
    st.sampled_from([b"", bytes(1), bytes(600), FRAME[50:], b"\xab" * 999]),
    st.sampled_from([FRAME, PADDED_FRAME, MPEG_2_FRAME, MPEG_25_FRAME]),
    st.lists(st.sampled_from([APE_WITH_HEADER, LYRICS, ID3_WITH_FOOTER]), max_size=3),
)
def test_an_mp3_is_found_and_measured_behind_tags_and_junk(
    before: list[bytes], junk: bytes, frame: bytes, after: list[bytes]
) -> None:
    file = io.BytesIO(b"".join([*before, junk, frame * 50, *after]))
    assert sniff(file) is MP3
    header = parse_header(frame)
    assert header
    assert length_of_recording(file, MP3) == pytest.approx(50 * header.seconds)


def test_wav_and_flac_are_recognized_by_their_first_blocks() -> None:
    samples = {
        "WAV": (wav_bytes(), WAV),
        "WAV with another chunk first": (
            wave_with(b"JUNK\x03\x00\x00\x00abc\x00", b"fmt \x10\x00\x00\x00"),
            WAV,
        ),
        "WAV without chunks": (wave_with(), None),
        "RF64": (b"RF64\xff\xff\xff\xffWAVEds64\x00\x00\x00\x00fmt \x10\x00\x00\x00", WAV),
        "BW64": (b"BW64\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00", WAV),
        "WAV with a chunk without a name": (wave_with(bytes(8), b"fmt \x10\x00\x00\x00"), None),
        "WAV with too many chunks": (wave_with(b"junk\x00\x00\x00\x00" * 40, b"fmt \x10\x00\x00\x00"), None),
        "AVI": (b"RIFF\xff\xff\xff\xffAVI fmt \x10\x00\x00\x00", None),
        "big-endian WAV": (b"RIFX\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00", None),
        "FLAC": (FLAC_BYTES, FLAC),
        "FLAC with a tag": (ID3 + FLAC_BYTES, FLAC),
        "FLAC with more blocks": (FLAC_BYTES.replace(b"\x80", b"\x00"), FLAC),
        "FLAC with another block": (b"fLaC\x01\x00\x00\x22" + bytes(34), None),
    }
    found = kinds_of({label: content for label, (content, _) in samples.items()})
    assert found == {label: kind for label, (_, kind) in samples.items()}


def test_sound_that_is_only_kept_and_never_sent_is_recognized() -> None:
    samples = {
        "Opus": (ogg_page(b"OpusHead"), OGG),
        "Vorbis": (ogg_page(b"\x01vorbis"), OGG),
        "Ogg video": (ogg_page(b"\x80theora"), None),
        "half a page": (b"OggS\x00", None),
        "AAC": (ADTS_FRAME * 4, AAC),
        "AAC of one frame": (ADTS_FRAME, AAC),
        "AAC with a tag": (ID3 + ADTS_FRAME * 3, AAC),
        "AAC and something else": (ADTS_FRAME * 2 + bytes(10), None),
        "AAC of two streams": (ADTS_FRAME + ADTS_FRAME.replace(b"\x50", b"\x4c"), None),
        "AAC without a rate": (ADTS_FRAME.replace(b"\x50", b"\x74") * 3, None),
        "AIFF": (b"FORM\x00\x00\x00\x04AIFF", AIFF),
        "compressed AIFF": (b"FORM\x00\x00\x00\x04AIFC", AIFF),
        "another form": (b"FORM\x00\x00\x00\x04ILBM\x00", None),
        "CAF": (b"caff\x00\x01\x00\x00desc" + bytes(40), CAF),
    }
    found = kinds_of({label: content for label, (content, _) in samples.items()})
    assert found == {label: kind for label, (_, kind) in samples.items()}


def ogg_page(packet: bytes) -> bytes:
    return b"OggS\x00\x02" + bytes(20) + bytes([1, len(packet)]) + packet


def test_the_tracks_of_an_mp4_file_tell_audio_from_video() -> None:
    short = movie(b"soun")
    long_data = b"\x00\x00\x00\x01mdat" + (116).to_bytes(8, "big") + bytes(100)
    samples = {
        "audio brand": (mp4_bytes(b"M4A ", b"soun"), M4A),
        "audiobook brand": (mp4_bytes(b"M4B ", b"soun"), M4A),
        "generic brand": (mp4_bytes(b"isom", b"soun"), M4A),
        "later brand": (mp4_bytes(b"iso5", b"text", b"soun"), M4A),
        "video and audio": (mp4_bytes(b"mp42", b"soun", b"vide"), MP4),
        "video brand": (mp4_bytes(b"M4V ", b"vide"), MP4),
        "64-bit box and box to the end": (FTYP + long_data + b"\x00\x00\x00\x00" + short[4:], M4A),
        "64-bit movie": (FTYP + b"\x00\x00\x00\x01moov" + (len(short) + 8).to_bytes(8, "big") + short[8:], M4A),
        "phone's brand": (mp4_bytes(b"3gp4", b"soun"), M4A),
        "unknown brand": (mp4_bytes(b"isox", b"soun"), M4A),
        "phone's film": (mp4_bytes(b"3gp4", b"soun", b"vide"), MP4),
        "picture brand": (mp4_bytes(b"heix"), HEIC),
        "QuickTime": (mp4_bytes(b"qt  ", b"soun", b"text"), M4A),
        "QuickTime film": (mp4_bytes(b"qt  ", b"soun", b"vide"), MOV),
        "audio brand without sound": (mp4_bytes(b"M4A ", b"text"), None),
        "audio brand without tracks": (mp4_bytes(b"M4A "), None),
        "film of an audio brand": (mp4_bytes(b"M4A ", b"soun", b"vide"), None),
        "film of an audio brand with its codec": (audiobook(b"avc1"), None),
        "audiobook with pictures of its chapters": (audiobook(b"jpeg"), M4A),
        "film with a layer of its own": (mp4_bytes(b"isom", b"soun", b"auxv"), MP4),
        "QuickTime without tracks": (mp4_bytes(b"qt  "), None),
        "QuickTime before it had brands": (box(b"wide") + movie(b"vide"), MOV),
        "only a box of that name": (box(b"wide") + bytes(100), None),
        "no tracks": (mp4_bytes(b"isom"), None),
        "only text": (mp4_bytes(b"isom", b"text"), None),
        "no movie": (FTYP, None),
        "empty tracks": (FTYP + box(b"moov", box(b"trak"), box(b"trak", box(b"mdia"))), None),
        "box too short": (FTYP + b"\x00\x00\x00\x04moov", None),
        "box too long": (FTYP + b"\x7f\x00\x00\x00moov", None),
        "too many boxes": (FTYP + box(b"free") * 1000 + box(b"moov"), None),
        "first box too short": (b"\x00\x00\x00\x02ftypM4A ", None),
        "cut short": (mp4_bytes(b"isom", b"soun")[:-1], None),
        "wrong 64-bit size": (FTYP + b"\x00\x00\x00\x01mdat\x01" + bytes(6) + b"\x10" + movie(b"soun"), None),
    }
    found = kinds_of({label: content for label, (content, _) in samples.items()})
    assert found == {label: kind for label, (_, kind) in samples.items()}


PICTURE_BRANDS = {b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}


def audiobook(codec: bytes) -> bytes:
    """Return an audiobook with a track of pictures."""
    table = box(b"stbl", box(b"stsd", bytes(4), b"\x00\x00\x00\x01", box(codec)))
    pictures = box(b"trak", box(b"mdia", box(b"hdlr", bytes(8), b"vide", bytes(12)), box(b"minf", table)))
    return box(b"ftyp", b"M4B ", bytes(4)) + box(b"moov", track(b"soun"), pictures)


@given(st.binary(min_size=4, max_size=4).filter(lambda brand: brand not in PICTURE_BRANDS))
def test_sound_alone_is_m4a_whatever_its_brand(brand: bytes) -> None:
    assert sniff(io.BytesIO(mp4_bytes(brand, b"soun"))) is M4A
    assert sniff(io.BytesIO(mp4_bytes(brand, b"text"))) is None
    assert sniff(io.BytesIO(mp4_bytes(brand, b"soun", b"vide"))) in {MP4, MOV, None}


def test_matroska_and_webm_are_told_apart() -> None:
    samples = {
        "WebM": (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", WEBM),
        "Matroska": (b"\x1a\x45\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x23\x42\x82\x88matroska", MATROSKA),
        "another": (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84mine", None),
    }
    found = kinds_of({label: content for label, (content, _) in samples.items()})
    assert found == {label: kind for label, (_, kind) in samples.items()}


def test_images_are_recognized_by_more_than_their_signature() -> None:
    samples = {
        "HEIC": (mp4_bytes(b"heic"), HEIC),
        "HEIC of many": (box(b"ftyp", b"mif1", bytes(4), b"mif1heic"), HEIC),
        "AVIF": (mp4_bytes(b"avif"), AVIF),
        "AVIF of many": (box(b"ftyp", b"mif1", bytes(4), b"miafavif"), AVIF),
        "another modern picture": (box(b"ftyp", b"mif1", bytes(4), b"miafjpeg"), None),
        "a modern picture cut short": (b"\x00\x00\x00\x02ftypmif1" + bytes(20), None),
        "PNG": (PNG_BYTES, PNG),
        "PNG without header": (b"\x89PNG\r\n\x1a\nno picture", None),
        "JPEG": (JPEG_BYTES, JPEG),
        "JPEG with the first marker": (b"\xff\xd8\xff\xc0" + bytes(20), JPEG),
        "JPEG with no such marker": (b"\xff\xd8\xff\xbf" + bytes(20), None),
        "JPEG cut short": (b"\xff\xd8\xff", None),
        "WebP": (WEBP_BYTES, WEBP),
        "WebP without picture": (b"RIFF\x1a\x00\x00\x00WEBP\x00\x00\x00\x00", None),
        "GIF": (GIF_BYTES, GIF),
        "old GIF without colours": (b"GIF87a\x01\x00\x01\x00\x00\x00\x00," + bytes(10), GIF),
        "GIF with all colours": (b"GIF89a\x01\x00\x01\x00\xf7\x00\x00" + bytes(3 * 256) + b";", GIF),
    }
    found = kinds_of({label: content for label, (content, _) in samples.items()})
    assert found == {label: kind for label, (_, kind) in samples.items()}


def test_text_is_utf_8_without_control_characters_even_if_about_media() -> None:
    samples = {
        "lines": (b"Hello\r\n\tworld", TEXT),
        "a character across the end of what is read": (b"ab" + "€".encode() * 50_000, TEXT),
        "only a signature": (b"GIF89a", TEXT),
        "about GIF": (b"GIF89a is a picture format", TEXT),
        "about WAV": (b"RIFF....WAVEs are great", TEXT),
        "about tags": (b"ID3 tags", TEXT),
        "about FLAC": (b"fLaC", TEXT),
        "nothing": (b"", None),
        "zero": (b"\x00", None),
        "Latin-1": (b"caf\xe9 in Latin-1", None),
        "Latin-1 at the start of a long text": (b"\xe9" + b"a" * 70_000, None),
        "a character cut at the end": (b"cut in the middle of \xe2\x82", None),
        "an escape": (b"text with \x1b an escape", None),
    }
    found = kinds_of({label: content for label, (content, _) in samples.items()})
    assert found == {label: kind for label, (_, kind) in samples.items()}


def test_a_large_file_is_recognized_from_a_few_small_parts() -> None:
    class Counted(io.BytesIO):
        total = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.total += len(data)
            return data

    contents = (
        FTYP + box(b"mdat", bytes(5_000_000)) + box(b"moov"),
        ID3 + MP3_BYTES + bytes(5_000_000),
        ID3 + bytes(5_000_000),
        b"a" * 5_000_000,
    )
    for content in contents:
        file = Counted(content)
        sniff(file)
        assert file.total < 200_000


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"RIFF0000WAVE", b"\x00\x00\x00\x10ftypisom", b"ID3\x04", b"\xff\xfb"]),
)
def test_any_bytes_can_be_sniffed(content: bytes, start: bytes) -> None:
    kind = sniff(io.BytesIO(start + content))

    assert kind is None or kind.mime_type


@given(st.text(alphabet=st.characters(exclude_categories=["C"]), min_size=1))
def test_text_is_text_in_any_language(text: str) -> None:
    assert sniff(io.BytesIO(b"\n" + text.encode())) is TEXT
