"""Recordings of a known length, with headers that may say anything."""

import struct

from tests.files.samples import FRAME, box

MP3_SECONDS = 1152 / 44100
FLAC_SAMPLES = 4096


def mp3(
    frames: int, *, stated_frames: int | None = None, stated_size: int | None = None, mark: bytes = b"Xing"
) -> bytes:
    """Return an MP3 file; with a header if it is to state something. The header's frame does not count."""
    if stated_frames is None and stated_size is None:
        return FRAME * frames
    flags = (stated_frames is not None) + 2 * (stated_size is not None)
    numbers = [number for number in (stated_frames, stated_size) if number is not None]
    head = mark + struct.pack(f">I{len(numbers)}I", flags, *numbers)
    return FRAME[:36] + head + FRAME[36 + len(head) :] + FRAME * frames


def vbri(frames: int, *, stated_frames: int, stated_size: int) -> bytes:
    head = b"VBRI" + bytes(6) + struct.pack(">II", stated_size, stated_frames)
    return FRAME[:36] + head + FRAME[36 + len(head) :] + FRAME * frames


def wav(
    seconds: float,
    *,
    code: int = 1,
    channels: int = 1,
    rate: int = 8000,
    bits: int = 16,
    byte_rate: int | None = None,
    align: int | None = None,
    size: int | None = None,
    head: bytes = b"RIFF\xff\xff\xff\xff",
    before: bytes = b"",
    after: bytes = b"",
    extra: bytes = b"",
) -> bytes:
    """Return a WAV file; `size` is what the chunk of the samples states."""
    samples = b"\x10\x01" * int(seconds * rate * channels * bits / 16)
    width = rate * channels * bits // 8
    form = struct.pack(
        "<HHIIHH",
        code,
        channels,
        rate,
        width if byte_rate is None else byte_rate,
        channels * bits // 8 if align is None else align,
        bits,
    )
    form = b"fmt " + struct.pack("<I", len(form) + len(extra)) + form + extra
    return (
        head
        + b"WAVE"
        + before
        + form
        + b"data"
        + struct.pack("<I", len(samples) if size is None else size)
        + samples
        + after
    )


def crc8(data: bytes) -> int:
    value = 0
    for bit in range(8 * len(data)):
        top = (value >> 7 & 1) ^ (data[bit // 8] >> (7 - bit % 8) & 1)
        value = (value << 1 & 0xFF) ^ (0x07 if top else 0)
    return value


def flac_frame(number: int, *, block: bytes = b"\xc9", more: bytes = b"") -> bytes:
    """Return a frame's header and some content; `block` codes for 4096 samples at 44.1 kHz."""
    head = b"\xff\xf8" + block + b"\x08" + chr(number).encode() + more
    return head + bytes([crc8(head)]) + b"\x55" * 50


def flac(frames: int, *, stated: int | None = None, rate: int = 44100, content: bytes | None = None) -> bytes:
    """Return a FLAC file; `stated` is the number of samples that its description states."""
    samples = frames * FLAC_SAMPLES if stated is None else stated
    info = bytes(10) + (rate << 44 | 15 << 36 | samples).to_bytes(8, "big") + bytes(16)
    sound = b"".join(map(flac_frame, range(frames))) if content is None else content
    return b"fLaC\x80\x00\x00\x22" + info + sound


def aac_description(config: bytes = b"\x12\x08", *, kind: int = 0x40, flags: int = 0, version: int = 0) -> bytes:
    """Return the description of an AAC track, of 44.1 kHz by default."""
    decoder = bytes([kind]) + bytes(12) + b"\x05" + bytes([len(config)]) + config
    stream = b"\x00\x00" + bytes([flags]) + b"\x04\x80\x80\x80" + bytes([len(decoder)]) + decoder
    esds = box(b"esds", bytes(4), b"\x03", bytes([len(stream)]), stream)
    return box(b"mp4a", bytes(8), struct.pack(">H", version), bytes({0: 18, 1: 34, 2: 54}.get(version, 18)), esds)


def alac_description(frame: int = 4096, rate: int = 44100) -> bytes:
    return box(b"alac", bytes(28), box(b"alac", bytes(4), struct.pack(">I", frame), bytes(16), struct.pack(">I", rate)))


def header_box(name: bytes, ticks: int, *, scale: int = 44100, wide: bool = False) -> bytes:
    """Return the box that states how long a movie or a track plays."""
    if wide:
        return box(name, b"\x01\x00\x00\x00", bytes(16), struct.pack(">IQ", scale, ticks), bytes(80))
    return box(name, bytes(4), bytes(8), struct.pack(">II", scale, ticks), bytes(80))


def edits(*entries: tuple[int, int], wide: bool = False, count: int | None = None) -> bytes:
    """Return the list of edits, each with its length and its position, in units of 1/44100 s."""
    form = ">QqI" if wide else ">IiI"
    number = struct.pack(">I", len(entries) if count is None else count)
    packed = b"".join(struct.pack(form, *entry, 1 << 16) for entry in entries)
    return box(b"edts", box(b"elst", bytes([wide, 0, 0, 0]), number, packed))


def m4a_sizes(frames: int) -> bytes:
    """Return the table of the sizes of frames of 20 bytes."""
    return box(b"stsz", bytes(4), struct.pack(">II", 0, frames), struct.pack(">I", 20) * frames)


def m4a(frames: int, **parts: bytes) -> bytes:
    """Return an M4A file of frames of 1024 samples and 20 bytes; `parts` replaces boxes, b"" leaves one out."""
    ticks = frames * 1024
    defaults = {
        "ftyp": box(b"ftyp", b"M4A ", bytes(4)),
        "mvhd": header_box(b"mvhd", ticks),
        "mdhd": header_box(b"mdhd", ticks),
        "hdlr": box(b"hdlr", bytes(8), b"soun", bytes(12)),
        "stsd": box(b"stsd", bytes(4), struct.pack(">I", 1), aac_description()),
        "stts": box(b"stts", bytes(4), struct.pack(">III", 1, frames, 1024)),
        "stsz": m4a_sizes(frames),
        "edts": b"",
        "more": b"",  # in the movie
        "mdat": box(b"mdat", bytes(20 * frames)),
    }
    unknown = set(parts) - set(defaults)
    assert not unknown, unknown
    chosen = defaults | parts
    table = box(b"stbl", chosen["stsd"], chosen["stts"], chosen["stsz"])
    media = box(b"mdia", chosen["mdhd"], chosen["hdlr"], box(b"minf", table))
    movie = box(b"moov", chosen["mvhd"], box(b"trak", chosen["edts"], media), chosen["more"])
    return chosen["ftyp"] + movie + chosen["mdat"]
