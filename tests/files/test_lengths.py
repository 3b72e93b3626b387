"""The length of a recording is that of its frames and samples; if a header says something else, it is unknown."""

import io
import struct
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.files.recordings import (
    FLAC_SAMPLES,
    MP3_SECONDS,
    aac_description,
    alac_description,
    edits,
    flac,
    flac_frame,
    header_box,
    m4a,
    m4a_sizes,
    mp3,
    vbri,
    wav,
)
from tests.files.samples import FLAC_BYTES, FRAME, PNG_BYTES, box, mp4_bytes, track
from tests.support import MakeSettings
from webvoice_mcp.files import Files, length
from webvoice_mcp.files.kinds import FLAC, M4A, MP3, PNG, WAV, Kind
from webvoice_mcp.files.length import length_of_recording

ID3 = b"ID3\x04\x00\x00\x00\x00\x00\x0512345"
VBR = b"\xff\xfb\x30\x00" + bytes(152)  # a frame of 48 kbit/s in place of 128
MINUTE = round(60 / MP3_SECONDS)


def seconds(content: bytes, kind: Kind) -> float | None:
    return length_of_recording(io.BytesIO(content), kind)


def lengths(samples: dict[str, bytes], kind: Kind) -> dict[str, float | None]:
    found = {name: seconds(content, kind) for name, content in samples.items()}
    return {name: value and round(value, 3) for name, value in found.items()}


def test_an_mp3_plays_as_long_as_its_frames() -> None:
    hundred = round(100 * MP3_SECONDS, 3)
    samples = {
        "frames": mp3(100),
        "tags": ID3 + mp3(100) + b"TAG" + bytes(125),
        "a tag that hides frames": b"ID3\x04\x00\x00\x00\x00\x7f\x00" + mp3(100),
        "junk first": bytes(600) + b"\xab" * 300 + mp3(100),
        "junk between": mp3(40) + b"\x07" * 5000 + mp3(60),
        "a true header": mp3(100, stated_frames=100, stated_size=101 * len(FRAME)),
        "only the frames stated": mp3(100, stated_frames=100, mark=b"Info"),
        "only the size stated": mp3(100, stated_size=101 * len(FRAME)),
        "a true VBRI header": vbri(100, stated_frames=100, stated_size=101 * len(FRAME)),
        "varying rates without a header": VBR * 60 + FRAME * 40,
        "a last frame that is cut short": mp3(100)[:-100],
    }
    assert lengths(samples, MP3) == dict.fromkeys(samples, hundred)


def test_other_rates_and_channels_have_their_own_headers() -> None:
    head = b"Info" + struct.pack(">II", 1, 5)
    samples = {
        b"\xff\xfb\x90\xc0" + bytes(413): 21,
        b"\xff\xf3\x40\x00" + bytes(100): 21,
        b"\xff\xf3\x40\xc0" + bytes(100): 13,
    }
    for frame, offset in samples.items():
        assert seconds(frame[:offset] + head + frame[offset + 12 :] + frame * 100, MP3) is None


def test_an_mp3_that_contradicts_itself_has_no_known_length() -> None:
    samples = {
        "fewer frames stated": mp3(MINUTE, stated_frames=10),
        "more frames stated": mp3(100, stated_frames=1_000_000),
        "a smaller size stated": mp3(MINUTE, stated_frames=MINUTE, stated_size=10_000),
        "VBRI": vbri(MINUTE, stated_frames=10, stated_size=10_000),
        "half of the file missing": mp3(MINUTE, stated_frames=2 * MINUTE),
        "frames of another layer": FRAME * 10 + b"\xff\xfd\x80\x00" * 100,
        "headers without frames": FRAME * 3 + b"\xff\xfb\x90\x00\x00" * 100,
        "no frames": bytes(1000),
    }
    assert lengths(samples, MP3) == dict.fromkeys(samples)


def test_a_wav_plays_as_long_as_its_samples() -> None:
    large = b"ds64\x1c\x00\x00\x00" + struct.pack("<QQQI", 0, 80_000, 40_000, 0)
    samples = {
        "plain": wav(5),
        "a size left open": wav(5, size=0xFFFFFFFF),
        "a size of 0": wav(5, size=0),
        "a size over the end": wav(5, size=2_000_000_000),
        "RF64": wav(5, size=0xFFFFFFFF, head=b"RF64\xff\xff\xff\xff", before=large),
        "RF64 without a size": wav(5, size=0xFFFFFFFF, head=b"RF64\xff\xff\xff\xff"),
        "chunks after the samples": wav(5, after=b"LIST\x04\x00\x00\x00abcd"),
        "24 bits": wav(5, bits=24, channels=2),
        "floats": wav(5, code=3, bits=32),
        "extensible": wav(5, code=0xFFFE, extra=bytes(8) + b"\x01" + bytes(15)),
        "A-law": wav(5, code=6, bits=8),
        "ADPCM": wav(5, code=17, bits=4, align=256),
        "ADPCM without a byte rate": wav(5, code=2, bits=4, align=256, byte_rate=0),
    }
    assert lengths(samples, WAV) == dict.fromkeys(samples, 5.0)


def test_a_wav_that_contradicts_itself_has_no_known_length() -> None:
    samples = {
        "a smaller size": wav(60, size=1000),
        "another byte rate": wav(60, byte_rate=16_000_000),
        "no byte rate": wav(60, byte_rate=0),
        "another alignment": wav(60, align=64),
        "another width": wav(60, bits=16, byte_rate=32_000),
        "an unknown format": wav(60, code=85),
        "no format": wav(60).replace(b"fmt ", b"fmx "),
        "ADPCM of two bits": wav(60, code=17, bits=2, align=256),
        "ADPCM of two bits with the rate of four": wav(60, code=17, bits=2, align=256, byte_rate=4000),
        "no samples": wav(0),
        "too many chunks": wav(60, before=b"junk\x00\x00\x00\x00" * 1001),
    }
    assert lengths(samples, WAV) == dict.fromkeys(samples)


def test_a_flac_plays_as_long_as_its_frames() -> None:
    hundred = round(100 * FLAC_SAMPLES / 44100, 3)
    samples = {
        "plain": flac(100),
        "nothing stated": flac(100, stated=0),
        "a tag first": ID3 + flac(100),
        "across blocks": flac(100, content=b"".join(map(flac_frame, range(100))) + bytes(3_000_000)),
    }
    assert lengths(samples, FLAC) == dict.fromkeys(samples, hundred)


def test_a_flac_frame_may_code_its_size_and_rate_in_many_ways() -> None:
    ways = {
        (b"\x19", b""): 192 / 44100,
        (b"\x29", b""): 576 / 44100,
        (b"\x69", b"\xff"): 256 / 44100,
        (b"\x79", b"\x7f\xff"): 32768 / 44100,
        (b"\xc0", b""): 4096 / 48000,
        (b"\xcc", b"\x30"): 4096 / 48000,
        (b"\xcd", b"\xbb\x80"): 4096 / 48000,
        (b"\xce", b"\x12\xc0"): 4096 / 48000,
        (b"\xcd", b"\x00\x00"): None,
        (b"\xcf", b""): None,
    }
    for (block, more), expected in ways.items():
        content = flac(0, rate=48000, content=flac_frame(200, block=block, more=more))
        assert seconds(content, FLAC) == expected, block


def test_a_flac_that_contradicts_itself_has_no_known_length() -> None:
    wrong = bytearray(flac(100))
    for position in range(42, len(wrong)):
        wrong[position] ^= 1 if wrong[position] == 0x08 else 0
    samples = {
        "fewer samples": flac(100, stated=10),
        "more samples": flac(100, stated=1 << 35),
        "another rate": flac(100, rate=96000),
        "no rate": flac(100, rate=0),
        "no frame whose checksum is right": bytes(wrong),
        "a header at the end": flac(0, content=b"\xff\xf8\xc9\x08"),
        "no frames": FLAC_BYTES,
    }
    assert lengths(samples, FLAC) == dict.fromkeys(samples)


def test_an_m4a_plays_as_long_as_its_frames() -> None:
    chapters = box(
        b"trak",
        box(
            b"mdia",
            box(b"hdlr", bytes(8), b"text", bytes(12)),
            box(b"minf", box(b"stbl", box(b"stsz", bytes(4), struct.pack(">II", 10, 2)))),
        ),
    )
    alac = box(b"stsd", bytes(4), struct.pack(">I", 1), alac_description(1024))
    in_quicktime = box(
        b"stsd",
        bytes(4),
        struct.pack(">I", 1),
        box(b"alac", bytes(8), b"\x00\x01", bytes(34), box(b"wave", alac_description(1024)[36:])),
    )
    described = [
        aac_description(b"\x12\x08", kind=0x67),
        aac_description(version=1),
        aac_description(version=2),
        aac_description(b"\x2a\x12\x08\x00"),  # with SBR
    ]
    samples = {
        "AAC": m4a(100),
        "wide headers": m4a(
            100, mvhd=header_box(b"mvhd", 102_400, wide=True), mdhd=header_box(b"mdhd", 102_400, wide=True)
        ),
        "equal sizes": m4a(100, stsz=box(b"stsz", bytes(4), struct.pack(">II", 20, 100))),
        "chapters": m4a(100, more=chapters),
        "edits that leave out the start": m4a(100, edts=edits((100_000, 2048))),
        "a short silence before": m4a(100, edts=edits((2000, -1), (100_000, 1024), wide=True)),
        "ALAC": m4a(100, stsd=alac),
        "ALAC in QuickTime": m4a(100, stsd=in_quicktime),
        **{
            f"AAC {number}": m4a(100, stsd=box(b"stsd", bytes(4), struct.pack(">I", 1), entry))
            for number, entry in enumerate(described)
        },
    }
    assert lengths(samples, M4A) == dict.fromkeys(samples, round(102_400 / 44100, 3))


def test_an_m4a_that_contradicts_itself_has_no_known_length() -> None:
    def described(*entries: bytes) -> bytes:
        return m4a(1000, stsd=box(b"stsd", bytes(4), struct.pack(">I", len(entries)), *entries))

    short = struct.pack(">III", 1, 1000, 10)
    samples = {
        "the movie's length": m4a(1000, mvhd=header_box(b"mvhd", 1024)),
        "the track's length": m4a(1000, mdhd=header_box(b"mdhd", 1024)),
        "the track's scale": m4a(1000, mdhd=header_box(b"mdhd", 1_024_000, scale=96000)),
        "all lengths": m4a(
            1000,
            mvhd=header_box(b"mvhd", 10_000),
            mdhd=header_box(b"mdhd", 10_000),
            stts=box(b"stts", bytes(4), short),
        ),
        "the number of frames": m4a(1000, stts=box(b"stts", bytes(4), struct.pack(">III", 1, 10, 1024))),
        "the number of sizes": m4a(1000, stsz=box(b"stsz", bytes(4), struct.pack(">II", 0, 10), bytes(40))),
        "more sizes than there are": m4a(1000, stsz=box(b"stsz", bytes(4), struct.pack(">II", 0, 1 << 30))),
        "more times than there are": m4a(1000, stts=box(b"stts", bytes(4), struct.pack(">III", 1 << 30, 10, 1024))),
        "edits that repeat it": m4a(1000, edts=edits((1_024_000, 0), (1_024_000, 0))),
        "wide edits that repeat it": m4a(1000, edts=edits((1_024_000, 0), (1_024_000, 0), wide=True)),
        "more edits than there are": m4a(1000, edts=edits((1_024_000, 0), count=2)),
        "too many edits": m4a(1000, edts=edits(*[(1, 0)] * 1001)),
        "two tables of sizes": m4a(1000, stsz=2 * m4a_sizes(1000)),
        "two tables of times": m4a(1000, stts=2 * box(b"stts", bytes(4), struct.pack(">III", 1, 1000, 1024))),
        "two movies": m4a(1000, ftyp=m4a(1000, mdat=b"")),
        "more data than frames": m4a(1000, mdat=box(b"mdat", bytes(2_000_000))),
        "no scale": m4a(1000, mdhd=header_box(b"mdhd", 1_024_000, scale=0)),
        "fragments": m4a(1000, more=box(b"mvex")),
        "another codec": described(box(b"samr", bytes(28))),
        "AAC of another kind": described(aac_description(b"\xb9\x08")),
        "a rate of its own": described(aac_description(b"\x17\x80\x00\x00\x00")),
        "MP3 as AAC": described(aac_description(kind=0x6B)),
        "unusual fields": described(aac_description(flags=0x80)),
        "no configuration": described(aac_description(b"")),
        "no rate": described(alac_description(rate=0)),
        "two descriptions": described(aac_description(), aac_description()),
        "no description": described(),
        "a description without entries": m4a(1000, stsd=box(b"stsd", bytes(4), struct.pack(">I", 1))),
        "a description without its codec": described(box(b"mp4a", bytes(28))),
        "a stream without an end": described(box(b"mp4a", bytes(28), box(b"esds", bytes(4), b"\x03\x80\x80\x80\x80"))),
        "a codec without a stream": described(box(b"mp4a", bytes(28), box(b"esds", bytes(10)))),
        **{f"no {name}": m4a(1000, **{name: b""}) for name in ("mvhd", "mdhd", "stsd", "stts", "stsz", "hdlr")},
        "no movie": box(b"ftyp", b"M4A ", bytes(4)),
        "no tables": mp4_bytes(b"M4A ", b"soun"),
        "no sound": box(b"moov", header_box(b"mvhd", 1), track(b"vide")),
    }
    assert lengths(samples, M4A) == dict.fromkeys(samples)


def test_a_picture_plays_for_no_time() -> None:
    assert seconds(PNG_BYTES, PNG) is None


# Headers that lie


@given(st.sampled_from(["MP3", "WAV", "FLAC", "M4A"]), st.data())
def test_no_lie_in_a_header_makes_a_recording_shorter(name: str, data: st.DataObject) -> None:
    kind, content, length = {
        "MP3": (MP3, ID3 + mp3(400, stated_frames=400, stated_size=401 * len(FRAME)), 400 * MP3_SECONDS),
        "WAV": (WAV, wav(10, before=b"fact\x04\x00\x00\x00abcd"), 10.0),
        "FLAC": (FLAC, flac(100), 100 * FLAC_SAMPLES / 44100),
        "M4A": (M4A, m4a(200), 200 * 1024 / 44100),
    }[name]
    header = {"MP3": 200, "WAV": 56, "FLAC": 42, "M4A": 500}[name]
    start = data.draw(st.integers(0, header - 4))
    lie = data.draw(st.binary(min_size=1, max_size=4))
    found = seconds(content[:start] + lie + content[start + len(lie) :], kind)
    assert found is None or found >= 0.95 * length


@given(st.integers(3, 60), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_an_mp3_is_never_shorter_than_its_frames(frames: int, stated_frames: int, stated_size: int) -> None:
    found = seconds(mp3(frames, stated_frames=stated_frames, stated_size=stated_size), MP3)
    assert found is None or found == pytest.approx(frames * MP3_SECONDS)


@given(st.integers(0, 2**32 - 1), st.sampled_from([b"", b"LIST\x04\x00\x00\x00abcd"]))
def test_a_wav_is_never_shorter_than_its_samples(size: int, after: bytes) -> None:
    found = seconds(wav(2, size=size, after=after), WAV)
    assert found is None or found >= 2 * 0.95


@given(st.sampled_from([MP3, WAV, FLAC, M4A]), st.binary(max_size=300), st.integers(0, 600))
def test_any_damaged_recording_can_be_measured(kind: Kind, noise: bytes, position: int) -> None:
    whole = {MP3: mp3(3, stated_frames=3), WAV: wav(0.1), FLAC: flac(5), M4A: m4a(5)}[kind]
    found = seconds(whole[:position] + noise + whole[position + len(noise) // 2 :], kind)
    assert found is None or found > 0


# Large and hostile files


async def test_a_huge_chunk_is_skipped_and_not_read(make_settings: MakeSettings, out: Path) -> None:
    out.mkdir()  # noqa: ASYNC240 - nothing else needs the event loop of this test
    size = 190 << 20
    start, samples = wav(1, before=b"fact" + struct.pack("<I", size)).split(b"fmt ")
    with (out / "a.wav").open("wb") as file:
        file.write(start)
        file.seek(size, 1)
        file.write(b"fmt " + samples)
    tracemalloc.start()
    try:
        async with Files(make_settings()).open_input("a.wav", family="audio", argument="audio_path") as recording:
            assert await recording.seconds() == 1.0
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


def test_a_recording_that_takes_too_long_has_no_known_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(length, "_MAX_SECONDS", -1.0)
    assert seconds(mp3(100), MP3) is None


@pytest.mark.slow
@pytest.mark.untraced
def test_a_large_mp3_is_measured_in_about_a_second(tmp_path: Path) -> None:
    count = 200_000_000 // len(FRAME)
    (tmp_path / "a.mp3").write_bytes(FRAME * count)
    started = time.monotonic()
    with (tmp_path / "a.mp3").open("rb", buffering=0) as file:
        assert length_of_recording(file, MP3) == pytest.approx(count * MP3_SECONDS)
    assert time.monotonic() - started < 2.0  # a tenth of it on a fast machine
