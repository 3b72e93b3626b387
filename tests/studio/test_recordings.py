"""Long recordings are cut in pauses; nothing is lost, and nothing is in two pieces."""

import io
import itertools
import math
import random
import struct
import sys
import tracemalloc
from array import array
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.files.recordings import flac, m4a
from tests.files.samples import FRAME
from webvoice_mcp.errors import DiskError, InvalidArgument, UnsupportedMedia
from webvoice_mcp.files.kinds import FLAC, M4A, MP3, WAV, Kind, sniff
from webvoice_mcp.sandbox.engines import audio, hibari
from webvoice_mcp.storage.threads import WorkerThreads
from webvoice_mcp.studio.pauses import Span
from webvoice_mcp.studio.piece import RecordingPiece, SourceFile
from webvoice_mcp.studio.recordings import Recording, open_recording, plan_cuts, plan_phrases

MIB = 1 << 20
needs_av = [
    pytest.mark.engines,
    pytest.mark.skipif(find_spec("av") is None, reason="the extra is not installed"),
]
FORMATS = [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64), (6, 8), (7, 8)]  # code and bits


class Opened:
    """An open file in memory or on the disk."""

    def __init__(self, content: bytes | Path) -> None:
        self._file = io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
        self.size = self._file.seek(0, 2)
        self.read_bytes = 0

    def close(self) -> None:
        self._file.close()

    def read(self, start: int, end: int) -> bytes:
        assert 0 <= start <= end <= self.size
        self.read_bytes += end - start
        self._file.seek(start)
        return self._file.read(end - start)


class Failing(Opened):
    """An open file on a disk that fails.

    Attributes:
        reads: number of reads before it fails.
    """

    reads = sys.maxsize

    def read(self, start: int, end: int) -> bytes:
        self.reads -= 1
        if self.reads < 0:
            raise DiskError("Cannot read x: Input/output error")
        return super().read(start, end)


def content_of(piece: RecordingPiece) -> bytes:
    content = b"".join(piece.blocks())
    assert len(content) == piece.size
    return content


def data_of(wav_file: bytes) -> bytes:
    """Return the samples of a WAV file."""
    rest = wav_file.partition(b"data")[2]
    return rest[4 : 4 + int.from_bytes(rest[:4], "little")]


def cut_all(recording: Recording, spans: list[Span]) -> list[RecordingPiece]:
    assert spans[0].start == 0
    assert spans[-1].end == recording.seconds
    assert all(one.end == other.start for one, other in itertools.pairwise(spans))
    return [recording.cut(span) for span in spans]


def close(pieces: list[RecordingPiece]) -> None:
    for piece in pieces:
        piece.close()


def without_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)  # Python's own way to make an import fail


# WAV


def wav(
    samples: bytes, *, code: int = 1, bits: int = 16, channels: int = 1, rate: int = 8000, extra: bytes = b""
) -> bytes:
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", code, channels, rate, rate * block, block, bits) + extra
    head = b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<I", len(form)) + form
    return head + b"LIST\x04\x00\x00\x00abcd" + b"data" + struct.pack("<I", len(samples)) + samples


def encoded(value: float, code: int, bits: int) -> bytes:
    """Return a sample of this value; a logarithmic one is only loud or silent."""
    if code == 3:
        return struct.pack("<f" if bits == 32 else "<d", value)
    if code in {6, 7}:
        silent, loud = (0xD5, 0xAA) if code == 6 else (0xFF, 0x80)
        return bytes([loud if abs(value) > 0.01 else silent])
    if bits == 8:
        return bytes([round(128 + value * 127)])
    return round(value * ((1 << bits - 1) - 1)).to_bytes(bits // 8, "little", signed=True)


def speech(parts: list[tuple[float, float]], code: int, bits: int, channels: int = 1, rate: int = 800) -> bytes:
    """Return noise of some levels, each for some seconds."""
    chance = random.Random(1)
    kinds = {level: [encoded(level * sign, code, bits) for sign in (-1, -0.7, 0.8, 1)] for level, _ in parts}
    return b"".join(
        b"".join(chance.choices(kinds[level], k=round(seconds * rate) * channels)) for level, seconds in parts
    )


@pytest.mark.parametrize(("code", "bits"), FORMATS)
@pytest.mark.parametrize("channels", [1, 2])
def test_a_wav_is_cut_in_its_pauses_into_wavs(code: int, bits: int, channels: int) -> None:
    samples = speech([(0.4, 47), (0.0, 1), (0.4, 60), (0.0, 1), (0.4, 21)], code, bits, channels)
    recording = open_recording(
        Opened(wav(samples, code=code, bits=bits, channels=channels, rate=800)), WAV, "a/Talk.wav"
    )
    pieces = cut_all(recording, plan_cuts(recording, max_bytes=200 * MIB, max_seconds=90))
    assert [piece.span.start for piece in pieces] == pytest.approx([0, 47.5], abs=0.4)
    contents = [content_of(piece) for piece in pieces]
    assert b"".join(map(data_of, contents)) == samples
    for piece, content in zip(pieces, contents, strict=True):
        assert sniff(io.BytesIO(content)) is WAV
        assert int.from_bytes(content[4:8], "little") == len(content) - 8
        found = open_recording(Opened(content), WAV, "x")
        assert found.seconds == pytest.approx(piece.seconds, abs=0.01)
    assert [piece.name for piece in pieces] == ["Talk-0.00s.wav", f"Talk-{pieces[1].span.start:.2f}s.wav"]


@given(st.integers(1, 4000), st.sampled_from(FORMATS), st.integers(1, 3), st.floats(4, 30), st.integers(600, 40_000))
def test_pieces_of_any_wav_are_small_and_together_the_whole(
    count: int, form: tuple[int, int], channels: int, max_seconds: float, max_bytes: int
) -> None:
    code, bits = form
    block = channels * bits // 8
    samples = random.Random(count).randbytes(count * block)
    recording = open_recording(Opened(wav(samples, code=code, bits=bits, channels=channels, rate=50)), WAV, "x.wav")
    try:
        spans = plan_cuts(recording, max_bytes=max_bytes, max_seconds=max_seconds)
    except InvalidArgument:
        assert max_bytes < 110 * block + 80
        return
    pieces = cut_all(recording, spans)
    contents = [content_of(piece) for piece in pieces]
    assert b"".join(map(data_of, contents)) == samples
    assert all(0 < piece.seconds <= max_seconds for piece in pieces)
    assert all(piece.size <= max_bytes for piece in pieces)
    assert all(len(data_of(content)) % block == 0 for content in contents)


@pytest.mark.slow
@pytest.mark.untraced
def test_a_wav_of_three_hours_is_cut_with_little_memory_and_reading(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    size = 3 * 3600 * 2 * 44_100 * 2
    form = struct.pack("<HHIIHH", 1, 2, 44_100, 4 * 44_100, 4, 16)
    with path.open("wb") as file:
        file.write(b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<IQQQI", 28, size + 72, size, size // 4, 0))
        file.write(b"fmt \x10\x00\x00\x00" + form + b"data\xff\xff\xff\xff")
        file.truncate(file.tell() + size)
    source = Opened(path)
    tracemalloc.start()
    recording = open_recording(source, WAV, "long.wav")
    pieces = cut_all(recording, plan_cuts(recording, max_bytes=200 * MIB))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [len(pieces), recording.seconds] == [10, 10_800]
    assert max(piece.size for piece in pieces) <= 200 * MIB
    assert sum(piece.size for piece in pieces) == size + 44 * len(pieces)
    assert source.read_bytes < 0.06 * size
    assert peak < 8 * MIB
    source.close()


def test_adpcm_is_cut_between_its_blocks() -> None:
    block, per_block = 256, 505
    extra = struct.pack("<HH", 2, per_block)
    samples = random.Random(0).randbytes(256 * 300)
    form = struct.pack("<HHIIHH", 17, 1, 8000, 4055, block, 4) + extra
    content = b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<I", len(form)) + form
    content += b"data" + struct.pack("<I", len(samples)) + samples
    recording = open_recording(Opened(content), WAV, "x.wav")
    pieces = [content_of(piece) for piece in cut_all(recording, plan_cuts(recording, max_bytes=MIB, max_seconds=8))]
    datas = list(map(data_of, pieces))
    assert len(pieces) > 2
    assert b"".join(datas) == samples
    for piece, data in zip(pieces, datas, strict=True):
        assert len(data) % block == 0
        fact = piece.partition(b"fact")[2]
        assert struct.unpack("<II", fact[:8]) == (4, len(data) // block * per_block)


def test_samples_in_several_chunks_are_all_sent() -> None:
    one, two = (speech([(0.4, 10)], 1, 8) for _ in range(2))
    content = wav(one, bits=8, rate=800) + b"data" + struct.pack("<I", len(two)) + two
    recording = open_recording(Opened(content), WAV, "x.wav")
    pieces = cut_all(recording, plan_cuts(recording, max_bytes=MIB, max_seconds=8))
    assert b"".join(data_of(content_of(piece)) for piece in pieces) == one + two


def test_floats_that_are_no_numbers_are_no_pause() -> None:
    samples = b"\x00\x00\xc0\x7f" * 800 * 5 + bytes(4 * 800) + b"\x00\x00\xc0\x7f" * 800 * 5
    recording = open_recording(Opened(wav(samples, code=3, bits=32, rate=800)), WAV, "x.wav")
    assert [phrase.heard_from for phrase in plan_phrases(recording)] == pytest.approx([0, 6], abs=0.03)


def test_a_voice_on_the_last_channel_alone_is_heard() -> None:
    right = memoryview(speech([(0.4, 5), (0.0, 1), (0.4, 5)], 1, 16, rate=6400)).cast("h")
    samples = array("h", (sample for pair in zip(itertools.repeat(0), right) for sample in pair))
    recording = open_recording(Opened(wav(samples.tobytes(), channels=2, rate=6400)), WAV, "x.wav")
    assert [phrase.heard_from for phrase in plan_phrases(recording)] == pytest.approx([0, 6], abs=0.03)


@pytest.mark.parametrize("parts", [[(0.4, 50)], [(0.0, 50)], [(0.4, 1)]], ids=["no pause", "silence", "a second"])
def test_phrases_of_a_recording_without_pauses_are_all_of_it(parts: list[tuple[float, float]]) -> None:
    recording = open_recording(Opened(wav(speech(parts, 1, 16), rate=800)), WAV, "x.wav")
    found = plan_phrases(recording)
    spans = [Span(phrase.start, phrase.end) for phrase in found]
    assert sum(len(content_of(piece)) - 44 for piece in cut_all(recording, spans)) == 1600 * parts[0][1]
    assert all(span.end - span.start <= 15 for span in spans)


def test_a_check_that_fails_ends_the_work() -> None:
    def cancelled() -> None:
        raise TimeoutError

    recording = open_recording(Opened(wav(bytes(2 * 8000 * 100))), WAV, "x.wav")
    with pytest.raises(TimeoutError):
        plan_cuts(recording, max_bytes=MIB, check=cancelled)
    with pytest.raises(TimeoutError):
        open_recording(Opened(FRAME * 100), MP3, "x.mp3", cancelled)


async def test_a_piece_is_read_in_a_thread_and_known_by_its_bytes() -> None:
    samples = random.Random(0).randbytes(3 * MIB)
    recording = open_recording(Opened(wav(samples)), WAV, "x.wav")
    piece = recording.cut(Span(0.0, recording.seconds))
    chunks = [chunk async for chunk in piece.chunks(WorkerThreads(1))]
    assert b"".join(chunks) == content_of(piece)
    assert max(map(len, chunks)) <= 2 * MIB
    assert piece.digest() == recording.cut(piece.span).digest() != recording.cut(Span(0.0, 1.0)).digest()


# MP3


def frame(bits: int, *, reservoir: int = 0, mono: bool = False, mpeg_2: bool = False) -> bytes:
    """Return a frame of some bits of sound."""
    granules, head = (1 if mpeg_2 else 2), (0xF3 if mpeg_2 else 0xFB)
    channels = 1 if mono else 2
    first, step = ({1: 9, 2: 10}[channels], 63) if mpeg_2 else ({1: 18, 2: 20}[channels], 59)
    side_bytes = {(False, 1): 17, (False, 2): 32, (True, 1): 9, (True, 2): 17}[(mpeg_2, channels)]
    size = 208 if mpeg_2 else 417
    number = reservoir << (8 * side_bytes - (8 if mpeg_2 else 9))
    for part in range(granules * channels):
        number |= bits // (granules * channels) << (8 * side_bytes - first - step * part - 12)
    start = bytes([0xFF, head, 0x80 if mpeg_2 else 0x90, 0xC0 if mono else 0x00]) + number.to_bytes(side_bytes, "big")
    return start + random.Random(bits + reservoir).randbytes(size - len(start)).replace(b"\xff", b"\xfe")


@pytest.mark.parametrize("mono", [False, True])
@pytest.mark.parametrize("mpeg_2", [False, True])
def test_without_the_extra_an_mp3_is_cut_where_frames_have_few_bits(
    monkeypatch: pytest.MonkeyPatch, *, mono: bool, mpeg_2: bool
) -> None:
    without_decoder(monkeypatch)
    loud = frame(800, reservoir=100, mono=mono, mpeg_2=mpeg_2)
    quiet = [frame(8, reservoir=index != 7 and 50, mono=mono, mpeg_2=mpeg_2) for index in range(40)]
    frames = [loud] * 1500 + quiet + [loud] * 1700
    content = b"ID3\x03\x00\x00\x00\x00\x00\x0a" + bytes(10) + b"".join(frames) + b"TAG" + bytes(125)
    recording = open_recording(Opened(content), MP3, "Talk.mp3")
    pieces = cut_all(recording, plan_cuts(recording, max_bytes=200 * MIB, max_seconds=50))
    contents = [content_of(piece) for piece in pieces]
    assert b"".join(contents) == b"".join(frames)
    assert contents[1].startswith(quiet[7])
    assert [piece.seconds for piece in pieces] == pytest.approx([1507 * 0.02612, 1733 * 0.02612], rel=0.001)


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), min_size=1, max_size=600), st.floats(3, 9))
def test_pieces_of_any_mp3_are_whole_frames_and_together_all(parts: list[tuple[int, int]], most: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        without_decoder(patch)
        frames = [frame(bits, reservoir=reservoir) for bits, reservoir in parts]
        recording = open_recording(Opened(b"".join(frames)), MP3, "x.mp3")
        spans = plan_cuts(recording, max_bytes=200_000, max_seconds=most)
        pieces = cut_all(recording, spans)
        phrases = cut_all(recording, [Span(phrase.start, phrase.end) for phrase in plan_phrases(recording)])
    for found in (pieces, phrases):
        assert b"".join(map(content_of, found)) == b"".join(frames)
    assert all(piece.size % 417 == 0 for piece in pieces)
    assert all(piece.seconds <= most for piece in pieces)
    assert all(piece.size <= 200_000 for piece in pieces)


def test_the_header_frame_is_left_out_and_junk_between_frames_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    without_decoder(monkeypatch)
    header = FRAME[:4] + bytes(32) + b"Xing" + struct.pack(">II", 1, 300) + bytes(417 - 44)
    sound = frame(500) * 150 + b"junk" * 50 + frame(500) * 150
    recording = open_recording(Opened(header + sound), MP3, "x.mp3")
    assert recording.seconds == pytest.approx(300 * 1152 / 44_100)
    pieces = cut_all(recording, plan_cuts(recording, max_bytes=MIB, max_seconds=5))
    assert len(pieces) == 3
    assert b"".join(map(content_of, pieces)) == sound


def test_what_looks_like_a_frame_of_another_kind_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    without_decoder(monkeypatch)
    sound = frame(500) * 150 + frame(500, mpeg_2=True)[:4] + b"junk" * 100 + frame(500) * 150
    recording = open_recording(Opened(sound), MP3, "x.mp3")
    assert recording.seconds == pytest.approx(300 * 1152 / 44_100)


@pytest.mark.parametrize("code", [1, 2])
def test_a_wav_whose_samples_are_unclear_is_sent_whole_or_refused(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    without_decoder(monkeypatch)
    content = wav(bytes(100_000), code=code, bits=16 if code == 2 else 0)
    recording = open_recording(Opened(content), WAV, "x.wav")
    (span,) = plan_cuts(recording, max_bytes=MIB)
    assert content_of(recording.cut(span)) == content
    with pytest.raises(UnsupportedMedia):
        plan_cuts(recording, max_bytes=1000)


def test_an_mp3_without_frames_is_sent_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    without_decoder(monkeypatch)
    recording = open_recording(Opened(b"ID3\x03\x00\x00\x00\x00\x00\x00nothing"), MP3, "x.mp3")
    (span,) = plan_cuts(recording, max_bytes=MIB)
    assert span == Span(0.0, math.inf)
    assert content_of(recording.cut(span)).endswith(b"nothing")


# Without the extra


@pytest.mark.parametrize("kind", [FLAC, M4A])
def test_without_the_extra_other_kinds_are_sent_whole_or_refused(monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    without_decoder(monkeypatch)
    content = {FLAC: flac(100), M4A: m4a(400)}[kind]
    recording = open_recording(Opened(content), kind, "talk.m4b")
    (span,) = plan_cuts(recording, max_bytes=MIB)
    piece = recording.cut(span)
    assert (content_of(piece), piece.mime_type) == (content, kind.mime_type)
    assert [phrase.end for phrase in plan_phrases(recording)] == [recording.seconds]
    for cut in (
        lambda: plan_cuts(recording, max_bytes=MIB, max_seconds=5),
        lambda: plan_cuts(recording, max_bytes=100),
        lambda: plan_phrases(recording, max_seconds=5),
    ):
        with pytest.raises(
            UnsupportedMedia, match=r"can be cut into pieces only with the extra `media`; .*webvoice-mcp"
        ):
            cut()


def test_a_limit_that_no_piece_can_keep_is_refused() -> None:
    recording = open_recording(Opened(wav(bytes(2 * 8000 * 100))), WAV, "x.wav")
    with pytest.raises(InvalidArgument, match="Raise the setting"):
        plan_cuts(recording, max_bytes=20_000)


def test_a_source_is_read_like_a_file() -> None:
    file = SourceFile(Opened(b"0123456789"))
    assert [file.seek(2), file.read(3), file.tell(), file.seek(1, 1), file.read(9)] == [2, b"234", 5, 6, b"6789"]
    assert [file.seek(-1, 2), file.read(5), file.seek(99), file.read(1)] == [9, b"9", 99, b""]


# With the extra


@cache
def tones(
    form: str, codec: str, parts: tuple[tuple[int, float], ...], rate: int = 16_000, layout: str = "mono"
) -> bytes:
    """Return a recording of noise, each part with its level and seconds."""
    av: Any = import_module("av")
    chance = random.Random(0)
    channels = 2 if layout == "stereo" else 1
    pcm = array("h", (chance.randint(-a, a) for a, seconds in parts for _ in range(round(seconds * rate) * channels)))
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame(format="s16", layout=layout, samples=len(pcm) // channels)
        frame.planes[0].update(pcm.tobytes() + bytes(frame.planes[0].buffer_size - 2 * len(pcm)))
        frame.sample_rate, frame.pts = rate, 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()


def samples_of(content: bytes) -> bytes:
    av: Any = import_module("av")
    found = b""
    with av.open(io.BytesIO(content)) as container:
        resampler = av.AudioResampler(format="s16", layout=container.streams.audio[0].layout.name)
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                width = 2 * len(part.layout.channels)
                found += bytes(part.planes[0])[: part.samples * width]
    return found


SPOKEN = ((8000, 9.0), (0, 0.6), (8000, 8.0), (0, 0.8), (8000, 7.0))


class TestWithDecoder:
    """Tests that need the extra."""

    pytestmark = needs_av

    @pytest.mark.parametrize("layout", ["mono", "stereo"])
    def test_a_flac_is_cut_in_its_pauses_without_losing_a_sample(self, layout: str) -> None:
        content = tones("flac", "flac", SPOKEN, layout=layout)
        recording = open_recording(Opened(content), FLAC, "Talk.flac")
        pieces = cut_all(recording, plan_cuts(recording, max_bytes=8 * MIB, max_seconds=13))
        assert len(pieces) == 3
        contents = [content_of(piece) for piece in pieces]
        assert {sniff(io.BytesIO(piece)) for piece in contents} == {FLAC}
        assert b"".join(map(samples_of, contents)) == samples_of(content)
        close(pieces)

    def test_an_m4a_is_cut_in_its_pauses_into_flac(self) -> None:
        content = tones("ipod", "aac", SPOKEN)
        recording = open_recording(Opened(content), M4A, "Talk.m4a")
        found = plan_phrases(recording)
        assert [phrase.heard_from for phrase in found] == pytest.approx([0, 9.6, 18.4], abs=0.1)
        pieces = cut_all(recording, [Span(phrase.start, phrase.end) for phrase in found])
        decoded, expected = (
            array("h", data)
            for data in (b"".join(samples_of(content_of(piece)) for piece in pieces), samples_of(content))
        )
        assert len(decoded) == len(expected)
        # The decoder fills noise in by chance.
        assert sum(abs(one - other) > 100 for one, other in zip(decoded, expected, strict=True)) < 0.01 * len(decoded)
        close(pieces)

    def test_a_short_m4a_is_sent_as_it_is(self) -> None:
        content = tones("ipod", "aac", SPOKEN)
        recording = open_recording(Opened(content), M4A, "Talk.m4a")
        (span,) = plan_cuts(recording, max_bytes=MIB)
        assert content_of(recording.cut(span)) == content

    def test_an_mp3_of_one_bit_rate_is_cut_in_its_pauses(self) -> None:
        content = tones("mp3", "libmp3lame", SPOKEN)
        recording = open_recording(Opened(content), MP3, "Talk.mp3")
        found = plan_phrases(recording)
        assert [phrase.heard_from for phrase in found] == pytest.approx([0, 9.6, 18.4], abs=0.12)
        pieces = cut_all(recording, [Span(phrase.start, phrase.end) for phrase in found])
        assert b"".join(map(content_of, pieces)) in content
        assert sum(piece.seconds for piece in pieces) == recording.seconds

    def test_a_damaged_recording_is_refused(self) -> None:
        content = tones("ipod", "aac", SPOKEN)
        with pytest.raises(UnsupportedMedia, match="is damaged"):
            open_recording(Opened(content[: len(content) // 2]), M4A, "Talk.m4a")

    def test_a_recording_without_sound_is_refused(self) -> None:
        from tests.studio.recordings import Shape, make  # noqa: PLC0415 - needs the extra

        film = make(Shape("mp4", "", "mpeg4"))
        with pytest.raises(UnsupportedMedia, match=r"Talk\.m4a has no sound that can be read"):
            open_recording(Opened(film), M4A, "Talk.m4a")

    def test_what_is_missing_at_the_end_counts_as_silent(self) -> None:
        content = tones("flac", "flac", SPOKEN)
        recording = open_recording(Opened(content[: len(content) // 2]), FLAC, "Talk.flac")
        assert not any(recording.levels(Span(20.0, 24.0)))
        piece = recording.cut(Span(20.0, 24.0))
        assert len(samples_of(content_of(piece))) == 0
        piece.close()

    def test_a_recording_of_nothing_but_damage_counts_as_silent(self) -> None:
        content = tones("ipod", "aac", SPOKEN)
        start, end = content.index(b"mdat") + 4, content.index(b"moov") - 4
        damaged = content[:start] + bytes(end - start) + content[end:]
        for recording in (
            open_recording(Opened(damaged), M4A, "Talk.m4a"),
            open_recording(Opened(FRAME), MP3, "Talk.mp3"),
        ):
            found = recording.levels(Span(0.0, recording.seconds))
            assert list(found) == [0.0] * math.ceil(recording.seconds * 50)

    def test_a_disk_that_fails_in_the_middle_makes_no_recording_shorter(self) -> None:
        source = Failing(tones("flac", "flac", SPOKEN))
        recording = open_recording(source, FLAC, "Talk.flac")
        for use in (recording.levels, recording.cut):
            source.reads = 1
            with pytest.raises(DiskError):
                use(Span(1.0, 20.0))

    def test_a_check_that_fails_ends_the_decoding(self) -> None:
        def cancelled() -> None:
            raise TimeoutError

        for kind, form, codec in ((FLAC, "flac", "flac"), (MP3, "mp3", "libmp3lame")):
            recording = open_recording(Opened(tones(form, codec, SPOKEN)), kind, "x")
            with pytest.raises(TimeoutError):
                plan_phrases(recording, check=cancelled)

    @pytest.mark.skipif(find_spec("hibari") is None, reason="the extra `sandbox` is not installed")
    @pytest.mark.parametrize("decodes", [True, False])
    def test_the_sandboxs_speech_is_cut_between_its_sentences(
        self, monkeypatch: pytest.MonkeyPatch, *, decodes: bool
    ) -> None:
        sentences = ["We sailed away on Monday.", "The sea was calm that morning.", "Then came a very strong wind."]
        spoken = audio.encode([hibari.speak(" ".join(sentences), 0.9)], title="", comment="")
        if not decodes:
            without_decoder(monkeypatch)
        found = plan_phrases(open_recording(Opened(spoken), MP3, "x.mp3"))
        ends = list(itertools.accumulate(hibari.speak(sentence, 0.9).seconds + 0.6 / 0.9 for sentence in sentences))
        assert [phrase.end for phrase in found[:-1]] == pytest.approx([end - 0.33 for end in ends[:-1]], abs=0.2)
        assert len(found) == 3

    @pytest.mark.slow
    @pytest.mark.parametrize(("form", "codec", "kind"), [("mp3", "libmp3lame", MP3), ("flac", "flac", FLAC)])
    @given(st.lists(st.tuples(st.sampled_from([0, 50, 8000]), st.floats(0.1, 6)), min_size=1, max_size=6))
    @settings(max_examples=10, deadline=None)
    def test_phrases_of_any_recording_together_are_all_of_it(
        self, form: str, codec: str, kind: Kind, parts: list[tuple[int, float]]
    ) -> None:
        content = tones(form, codec, tuple(parts))
        recording = open_recording(Opened(content), kind, "x")
        pieces = cut_all(recording, [Span(phrase.start, phrase.end) for phrase in plan_phrases(recording)])
        contents = list(map(content_of, pieces))
        if kind is MP3:
            assert b"".join(contents) in content
        else:
            assert b"".join(map(samples_of, contents)) == samples_of(content)
        close(pieces)
