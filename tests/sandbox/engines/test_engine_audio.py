"""Recordings that the real engine reads and writes."""

import io
import wave
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webvoice_mcp.sandbox.engines import InvalidInput, Sound, audio

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(find_spec("av") is None, reason="the extra is not installed"),
]

# A tone of 60 Hz and 1.5 seconds: at 24 kHz, each period has 400 samples.
TONE = Sound(
    bytes(b"".join((min(i, 400 - i) * 100 - 10_000).to_bytes(2, "little", signed=True) for i in range(400)) * 90),
    24_000,
)


@cache
def mp3() -> bytes:
    return audio.encode([TONE], title="Tone", comment="sandbox")


def wav(sound: Sound, channels: int = 1, rate: int | None = None) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate or sound.rate)
        writer.writeframes(sound.pcm)
    return file.getvalue()


def encode_tone(form: str, codec: str) -> bytes:
    """Return the tone in another kind of file."""
    av: Any = import_module("av")
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=24_000, layout="mono")
        for packet in (*stream.encode(audio._frame(av, TONE, 0)), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()


def test_an_mp3_carries_the_sandboxs_mark_in_its_tags() -> None:
    av: Any = import_module("av")
    mp3 = audio.encode([TONE], title="Ciao, è \ud800", comment="sandbox:espeak-ng-1.52/it")
    with av.open(io.BytesIO(mp3)) as container:
        tags = {name: container.metadata[name] for name in ("title", "comment")}
        (stream,) = container.streams
        found = (container.format.name, stream.codec_context.name, stream.rate, stream.channels, tags)
    assert found == ("mp3", "mp3float", 24_000, 1, {"title": "Ciao, è ?", "comment": "sandbox:espeak-ng-1.52/it"})


def test_the_same_sound_gives_the_same_mp3() -> None:
    assert audio.encode([TONE], title="Tone", comment="sandbox") == mp3()


def test_sounds_one_after_the_other_are_one_mp3() -> None:
    halves = [Sound(TONE.pcm[:30_002], TONE.rate), Sound(TONE.pcm[30_002:], TONE.rate)]
    assert audio.encode(halves, title="Tone", comment="sandbox") == mp3()


def test_a_recording_is_as_long_when_decoded_again() -> None:
    sound = Sound(TONE.pcm, 44_100)
    assert audio.decode(audio.encode([sound], title="", comment="")).seconds == pytest.approx(sound.seconds, abs=0.001)


@pytest.mark.parametrize("form", ["flac", "m4a", "stereo"])
def test_each_accepted_kind_of_file_is_decoded_to_16_khz(form: str) -> None:
    files: dict[str, Callable[[], bytes]] = {
        "flac": lambda: encode_tone("flac", "flac"),
        "m4a": lambda: encode_tone("ipod", "aac"),
        "stereo": lambda: wav(Sound(TONE.pcm * 2, TONE.rate), channels=2),
    }
    sound = audio.decode(files[form]())
    assert (sound.rate, sound.provider) == (16_000, "")
    assert sound.seconds == pytest.approx(TONE.seconds, abs=0.06)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"hello world " * 100, id="text"),
        pytest.param(
            b"GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;", id="gif"
        ),
        pytest.param(wav(TONE)[:20], id="start of a WAV"),
        pytest.param(wav(Sound(b"", 8000)), id="WAV without a sample"),
        pytest.param(b"#EXTM3U\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n", id="playlist of addresses"),
        pytest.param(b"ffconcat version 1.0\nfile '/etc/hostname'\n", id="list of local files"),
    ],
)
def test_files_other_than_recordings_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="Send MP3, WAV, M4A or FLAC"):
        audio.decode(data)


def test_files_that_the_service_does_not_accept_are_refused() -> None:
    with pytest.raises(InvalidInput, match="Send MP3, WAV, M4A or FLAC"):
        audio.decode(encode_tone("ogg", "libopus"))


def test_a_film_without_sound_is_refused() -> None:
    av: Any = import_module("av")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=24, width=64, height=64, pix_fmt="yuv420p")
        for packet in (*stream.encode(av.VideoFrame(64, 64, "yuv420p")), *stream.encode(None)):
            container.mux(packet)
    with pytest.raises(InvalidInput, match="Send MP3"):
        audio.decode(file.getvalue())


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(InvalidInput, match="empty"):
        audio.decode(b"")


def test_damaged_parts_of_a_recording_are_skipped() -> None:
    assert 0.5 < audio.decode(mp3()[: len(mp3()) // 2]).seconds < 1.0
    assert 1.0 < audio.decode(mp3()[:3000] + b"\xff\xfb\x90\x00" * 200 + mp3()[4500:]).seconds < 2.0


def test_a_long_recording_is_decoded_in_blocks_that_end_in_its_pauses() -> None:
    loud, pause = (b"\x00\x10" * 5 + b"\x00\xf0" * 5) * 10, bytes(2 * 100)  # a second each
    minutes = (loud * 20 + pause) * 71  # just under 25 minutes
    blocks = list(audio.decode_blocks(wav(Sound(minutes, 100))))
    assert [block.seconds > 540 for block in blocks] == [True, True, False]
    assert sum(block.seconds for block in blocks) == pytest.approx(71 * 21, abs=0.1)
    cuts = [blocks[0].seconds, blocks[0].seconds + blocks[1].seconds]
    assert all(20 < cut % 21 < 21 for cut in cuts), cuts


@given(
    st.binary(max_size=2000),
    st.sampled_from([b"", b"ID3", b"\xff\xfb\x90\x00", b"RIFF", b"fLaC", wav(TONE)[:100]]),
)
@settings(deadline=None)
def test_any_bytes_are_decoded_or_refused(data: bytes, start: bytes) -> None:
    try:
        sound = audio.decode(start + data)
    except InvalidInput:
        return
    assert sound.seconds > 0
