"""MP3 files are joined frame by frame, with one new header frame and no tag of a part."""

import io
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.studio.mp3_frames import DUAL, JOINT, LAME, MONO, STEREO, file, frame, header_frame
from webvoice_mcp.files.kinds import MP3, sniff
from webvoice_mcp.files.length import length_of_recording
from webvoice_mcp.files.mp3_frames import frames, is_header_frame, parse_header, stated
from webvoice_mcp.studio.mp3 import NotMp3, Silence, UnlikeParts, join, scan

ID3 = b"ID3\x04\x00\x00\x00\x00\x00\x05hello"
ID3_FOOTER = b"ID3\x04\x00\x10\x00\x00\x00\x05hello3DI\x04\x00\x10\x00\x00\x00\x05"
ID3_V1 = b"TAG" + bytes(125)
APE_HEADER = b"APETAGEX\xd0\x07\x00\x00\x2a\x00\x00\x00" + bytes(7) + b"\x80" + bytes(8)
APE = APE_HEADER + b"\xee" * 10 + APE_HEADER
LYRICS = b"LYRICSBEGINLYR00005hello000024LYRICS200"
OLD_LYRICS = b"LYRICSBEGINhelloLYRICSEND"
SECOND = 44100 / 1152  # frames

FORMATS: list[dict[str, Any]] = [
    {"version": 3, "rate": 44100, "mode": JOINT, "kbits": 128},
    {"version": 3, "rate": 48000, "mode": MONO, "kbits": 32},
    {"version": 3, "rate": 32000, "mode": STEREO, "kbits": 320, "checksum": True},
    {"version": 2, "rate": 24000, "mode": MONO, "kbits": 8},
    {"version": 2, "rate": 22050, "mode": DUAL, "kbits": 64},
    {"version": 2, "rate": 16000, "mode": MONO, "kbits": 24, "checksum": True},
    {"version": 0, "rate": 8000, "mode": STEREO, "kbits": 8},
]


def joined(*pieces: io.BytesIO | Silence) -> tuple[bytes, float]:
    out = io.BytesIO()
    seconds = sum(join(pieces, out.write))
    return out.getvalue(), seconds


def sound(data: bytes) -> list[bytes]:
    """Return the frames of a joined file, without its header frame."""
    found = [part.data for part in frames(io.BytesIO(data), 0, len(data))]
    assert b"".join(found) == data
    return found[1:]


def test_a_file_is_described_without_its_tags_and_header_frame() -> None:
    plain = frame()
    samples = {
        "plain": [plain] * 5,
        "ID3": [ID3, ID3_FOOTER, *[plain] * 5, ID3_V1],
        "APE": [APE, *[plain] * 5, APE],
        "Lyrics": [LYRICS, *[plain] * 5, LYRICS, ID3_V1],
        "old Lyrics": [OLD_LYRICS, *[plain] * 5, OLD_LYRICS, ID3_V1],
        "ID3 at the end": [*[plain] * 5, ID3_FOOTER],
        "header frame": [header_frame(), *[plain] * 5],
        "zeros": [bytes(600), *[plain] * 5],
        "a cut frame first": [plain[100:], *[plain] * 5],
        "a cut frame last": [*[plain] * 5, plain[:100], ID3_V1],
        "junk between": [*[plain] * 3, b"\x07" * 5000, *[plain] * 2],
        "junk with headers": [*[plain] * 3, b"\x07" + plain[:4] * 300, *[plain] * 2],
        "a frame of another kind in the junk": [*[plain] * 3, frame(mode=MONO), b"\x07" * 99, *[plain] * 2],
        "another header frame in it": [*[plain] * 3, header_frame(b"Xing"), *[plain] * 2],
    }
    for name, parts in samples.items():
        stream = scan(file(*parts))
        assert (stream.frames, stream.samples, stream.size, stream.kbits) == (5, 5760, 5 * 417, 128), name
        assert stream.seconds == pytest.approx(5 / SECOND)
        assert str(stream.format) == "44100 Hz, stereo (MPEG-1 layer III)"
        assert stream.first == plain


def test_nothing_of_tags_and_header_frames_is_left() -> None:
    first, second = frame(fill=b"\x01"), frame(fill=b"\x02")
    data, _ = joined(
        file(ID3, ID3, header_frame(), first * 4, APE, LYRICS, ID3_V1),
        file(APE, header_frame(b"Xing"), second * 4, OLD_LYRICS, ID3_V1),
        file(header_frame(b"VBRI", like=frame(mode=STEREO)), first * 4, b"\x07" * 999, first, ID3_FOOTER),
    )
    assert sound(data) == [first] * 4 + [second] * 4 + [first] * 5


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: f"{form['rate']} {form['mode']} {form['kbits']}")
def test_every_format_joins_with_silence_of_its_own(form: dict[str, Any]) -> None:
    plain = frame(**form)
    header = parse_header(plain)
    assert header
    data, seconds = joined(Silence(0.2), file(plain * 20), Silence(1), file(header_frame(like=plain), plain * 9))
    found = [parse_header(part) for part in sound(data)]
    assert {part.kind for part in found if part} == {header.kind}
    assert {part.kbits for part in found if part} == {header.kbits}
    assert seconds == pytest.approx(29 * header.seconds + 1.2, abs=0.05)
    assert seconds == pytest.approx(len(found) * header.seconds)
    said = stated(data)
    assert said == (len(found), len(data))
    assert sniff(io.BytesIO(data)) is MP3
    assert length_of_recording(io.BytesIO(data), MP3) == pytest.approx(seconds)


def test_parts_of_different_bit_rates_get_a_header_of_vbr() -> None:
    quiet, loud = frame(kbits=32), frame(kbits=320)
    data, _ = joined(file(quiet * 100), file(loud * 100), Silence(0.1))
    assert b"Xing" in data[:200]
    last = parse_header(sound(data)[-1])
    assert last
    assert last.kbits == 32
    table = data[36 + 16 : 36 + 116]
    assert table[0] * len(data) // 256 <= len(data) - 100 * len(quiet)
    assert table[50] == pytest.approx(256 * (100 * len(quiet) + 2 * len(loud)) / len(data), abs=3)
    assert table[99] >= 250
    assert sorted(table) == list(table)
    alike, _ = joined(file(quiet * 3), file(quiet * 3))
    assert b"Info" in alike[:200]


def test_the_table_of_contents_holds_for_long_files() -> None:
    data, _ = joined(file(frame(kbits=32) * 3000, frame(kbits=320) * 3000))
    table = data[36 + 16 : 36 + 116]
    for percent in (10, 49, 75):
        before = 60 * percent
        position = len(frame(kbits=32)) * min(3000, before) + len(frame(kbits=320)) * max(0, before - 3000)
        assert table[percent] == pytest.approx(256 * position / len(data), abs=2)


def test_only_a_frame_states_how_long_a_file_is() -> None:
    for content in (b"", b"RIFF", bytes(36) + b"VBRI" + bytes(99), frame()):
        assert stated(content) is None
        assert not is_header_frame(content)
    spoken = frame()[:36] + b"Info" + bytes(200)  # sound whose data begin with the mark
    assert stated(spoken) == (None, None)
    assert not is_header_frame(spoken)


def test_the_encoder_is_told_on_where_its_delay_is_short() -> None:
    slow: dict[str, Any] = {"version": 2, "rate": 16000, "mode": MONO, "kbits": 64}
    data, _ = joined(file(header_frame(), frame() * 5), file(frame() * 5))
    start = 36 + 120
    assert data[start : start + 9] == b"LAME3.100"
    assert data[start + 21 : start + 24] == (576 << 12).to_bytes(3, "big")
    assert struct.unpack(">I", data[start + 28 : start + 32]) == (len(data),)
    assert data[start + 34 : start + 36] == crc16(data[: start + 34]).to_bytes(2, "big")
    for parts in (
        [frame(**slow) * 5],
        [header_frame(like=frame(**slow)), frame(**slow) * 5],
        [header_frame(fields=b"GOGO"), frame() * 5],
        [header_frame(fields=LAME, flags=0)[:-200], frame() * 5],
        [header_frame(b"VBRI", like=frame(mode=STEREO)), frame() * 5],
        [frame() * 5],
    ):
        assert b"LAME" not in joined(file(*parts))[0][:417] or parts[0] == header_frame(flags=0)[:-200]


def crc16(data: bytes) -> int:
    """Return the CRC-16/ARC, bit by bit as its definition has it."""
    value = 0
    for byte in data:
        for bit in range(8):
            top = (value >> 15) ^ (byte >> bit & 1)
            value = (value << 1 & 0xFFFF) ^ (0x8005 if top else 0)
    return int(f"{value:016b}"[::-1], 2)


def test_no_frame_refers_to_bytes_of_another_part() -> None:
    start = frame()
    inside = frame(begin=300)
    far = frame(begin=500)
    part = [inside, far, inside, far]
    got = sound(joined(file(start * 3), file(*part))[0])[3:]
    room = 417 - 36
    assert room < 500 <= 2 * room
    # The first may refer to nothing, the second only to what the first holds.
    silent = [data[4:36] == bytes(32) for data in got]
    assert silent == [True, True, False, False]
    assert [data[36:] for data in got] == [data[36:] for data in part]
    assert sound(joined(file(start, far, inside))[0]) == [start, silenced(far), inside]


def silenced(data: bytes) -> bytes:
    return data[:4] + bytes(32) + data[36:]


def test_a_silenced_frame_has_no_checksum_and_the_same_data() -> None:
    form: dict[str, Any] = {"version": 2, "rate": 24000, "mode": MONO, "kbits": 64, "checksum": True}
    cut = frame(**form, begin=200)
    got = sound(joined(file(cut, frame(**form) * 3))[0])[0]
    header = parse_header(got)
    assert header
    assert (header.side_start, len(got)) == (4, len(cut))
    assert got[4:13] == bytes(9)
    assert got[15:] == cut[15:]


def test_unlike_parts_are_refused_with_their_number_and_write_nothing() -> None:
    stereo, mono, slow = frame(), frame(mode=MONO), frame(version=2, rate=22050, kbits=64)
    out = io.BytesIO()
    samples: list[tuple[list[io.BytesIO | Silence], int, str]] = [
        ([file(stereo * 4), Silence(1), file(mono * 4)], 2, "Part 3 has 44100 Hz, mono (MPEG-1 layer III), but"),
        ([file(slow * 4), file(slow * 4), file(stereo * 4)], 2, "but the sound before it has 22050 Hz, stereo"),
        ([file(stereo * 4), file(stereo * 4, slow * 4)], 1, "Part 2 has 22050 Hz, stereo (MPEG-2 layer III), but"),
    ]
    for parts, index, message in samples:
        with pytest.raises(UnlikeParts) as caught:
            join(parts, out.write)
        assert caught.value.index == index
        assert message in str(caught.value)
    assert out.getvalue() == b""


def test_what_is_no_mp3_is_refused() -> None:
    for content in (b"", b"hello" * 100, bytes(2000), frame()[:200], header_frame()):
        with pytest.raises(NotMp3, match=r"^Part 1 has no MP3 frames\.$"):
            scan(file(content))
    with pytest.raises(NotMp3) as caught:
        joined(file(frame() * 3), file(b"text"))
    assert caught.value.index == 1
    no_file: list[list[io.BytesIO | Silence]] = [[], [Silence(1)]]
    for pieces in no_file:
        with pytest.raises(ValueError, match="no MP3 file"):
            join(pieces, io.BytesIO().write)
    for seconds in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not possible"):
            Silence(seconds)


@given(st.lists(st.one_of(st.integers(3, 30), st.floats(0, 3)), max_size=12), st.sampled_from(FORMATS))
def test_the_length_is_that_of_the_parts_and_pauses(sizes: list[int | float], form: dict[str, Any]) -> None:
    header = parse_header(frame(**form))
    assert header
    pieces = [file(frame(**form) * size) if isinstance(size, int) else Silence(size) for size in [5, *sizes]]
    data, seconds = joined(*pieces)
    wanted = sum(size * header.seconds if isinstance(size, int) else size for size in [5, *sizes])
    assert seconds == pytest.approx(wanted, abs=0.05)
    assert len(sound(data)) == pytest.approx(seconds / header.seconds)
    assert length_of_recording(io.BytesIO(data), MP3) == pytest.approx(seconds)


@given(st.binary(max_size=3000), st.integers(0, 5 * 417))
def test_any_damaged_file_is_joined_to_whole_frames_or_refused(noise: bytes, position: int) -> None:
    content = frame() * 5
    damaged = content[:position] + noise + content[position:]
    try:
        data, seconds = joined(file(damaged), file(frame() * 3))
    except ValueError:
        return
    assert len(sound(data)) == pytest.approx(seconds * SECOND)


@pytest.mark.slow
@pytest.mark.untraced
def test_a_big_file_is_joined_in_little_memory(tmp_path: Path) -> None:
    block = frame(kbits=320) * 1000
    with (tmp_path / "big.mp3").open("w+b") as big, (tmp_path / "out.mp3").open("wb") as out:
        for _ in range(15):
            big.write(block)
        tracemalloc.start()
        try:
            seconds = sum(join([big, Silence(1), big], out.write))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert seconds == pytest.approx(30_000 / SECOND + 1, abs=0.05)
    assert peak < 4 << 20


def test_many_short_runs_of_frames_do_not_take_long() -> None:
    assert scan(file(frame() * 4, (frame() * 2 + b"\x07" * 5) * 3000)).frames > 5900
