"""Joined MP3 files as a decoder hears them: as long as their parts, and without clicks where these meet."""

import io
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.studio.mp3 import Silence, join, scan

av = pytest.importorskip("av", reason="the extra `sandbox` is not installed")
np = pytest.importorskip("numpy", reason="the extra `sandbox` is not installed")

pytestmark = pytest.mark.engines

# Sample rate, channels, kbit/s (0: variable), whether LAME may join the channels
FORMATS = [
    (44100, 2, 128, "1"),
    (44100, 2, 0, "1"),
    (44100, 2, 192, "0"),
    (48000, 1, 64, "1"),
    (32000, 2, 96, "1"),
    (24000, 1, 0, "1"),
    (24000, 1, 48, "1"),
    (22050, 2, 64, "1"),
    (16000, 1, 32, "1"),
    (11025, 1, 24, "1"),
    (8000, 2, 16, "1"),
]
Form = tuple[int, int, int, str]


@cache
def recording(form: Form, kind: str, seconds: float, *, with_tags: bool) -> bytes:
    """Return a recording of a rising tone or of noise, which begins and ends in silence, as speech does."""
    rate, channels, kbits, joint = form
    times = np.arange(int(rate * seconds)) / rate
    tone = np.sin(2 * np.pi * (200 + 800 * times) * times)
    noise = np.random.default_rng(5).uniform(-1, 1, len(times))
    loudness = np.clip(np.minimum(times, seconds - times) / 0.05, 0, 1)
    samples = (8000 * loudness * {"tone": tone, "noise": noise, "silence": 0 * tone}[kind]).astype("int16")
    frame = av.AudioFrame.from_ndarray(
        np.repeat(samples, channels)[None], format="s16", layout="mono" if channels == 1 else "stereo"
    )
    frame.rate = rate
    file = io.BytesIO()
    options = {} if with_tags else {"write_xing": "0", "id3v2_version": "0"}
    with av.open(file, "w", format="mp3", options=options) as container:
        choice = {"joint_stereo": joint} | ({} if kbits else {"compression_level": "4"})
        stream = container.add_stream("libmp3lame", rate=rate, layout=frame.layout.name, options=choice)
        if kbits:
            stream.bit_rate = 1000 * kbits
        else:
            stream.codec_context.qscale = True
            stream.codec_context.global_quality = 4 * 118
        resampler = av.AudioResampler(format="s16p", layout=frame.layout.name, rate=rate)
        for part in [*resampler.resample(frame), None]:
            container.mux(stream.encode(part))
    return file.getvalue()


def decoded(content: bytes) -> tuple[Any, float]:
    """Return the samples, a row a channel, and the length that the container states."""
    with av.open(io.BytesIO(content), metadata_errors="ignore") as container:
        stated = container.duration / 1_000_000
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1), stated


def largest_step(samples: Any) -> float:
    return float(np.abs(np.diff(samples)).max())


def join_all(*pieces: bytes | Silence) -> tuple[bytes, float]:
    out = io.BytesIO()
    seconds = sum(join([piece if isinstance(piece, Silence) else io.BytesIO(piece) for piece in pieces], out.write))
    return out.getvalue(), seconds


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_a_decoder_hears_all_parts_without_clicks(form: Form) -> None:
    tone = recording(form, "tone", 1.3, with_tags=True)
    noise = recording(form, "noise", 0.7, with_tags=False)
    lengths = [scan(io.BytesIO(part)).seconds for part in (tone, noise)]
    data, seconds = join_all(tone, Silence(0.4), noise, tone, noise, Silence(0.3), noise)
    wanted = 2 * lengths[0] + 3 * lengths[1] + 0.7
    assert seconds == pytest.approx(wanted, abs=0.05)
    samples, stated = decoded(data)
    assert samples.shape[0] == form[1]
    assert stated == pytest.approx(wanted, abs=0.05)
    assert samples.shape[1] / form[0] == pytest.approx(wanted, abs=0.05)
    # The parts begin and end in silence, so a click would be where they meet.
    inside = max(largest_step(decoded(part)[0]) for part in (tone, noise))
    assert largest_step(samples) <= 1.05 * inside


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_each_part_sounds_as_it_does_alone(form: Form) -> None:
    noise = recording(form, "noise", 0.7, with_tags=False)
    tone = recording(form, "tone", 1.3, with_tags=True)
    cut = tone[len(tone) // 3 :]  # its first frames refer to others that are missing
    parts = [noise, tone, cut, noise, cut]
    samples, _ = decoded(join_all(*parts, Silence(0.3))[0])
    expected, start = np.zeros_like(samples), 0
    for part in parts:  # a decoder adds what overlaps, so the whole is the sum of its parts
        alone, _ = decoded(join_all(recording(form, "silence", 0.1, with_tags=False), part, Silence(0.3))[0])
        skipped = scan(io.BytesIO(recording(form, "silence", 0.1, with_tags=False))).samples
        alone = alone[:, skipped:][:, : samples.shape[1] - start]
        expected[:, start : start + alone.shape[1]] += alone
        start += scan(io.BytesIO(part)).samples
    assert np.abs(samples - expected).max() < 0.001
    assert np.abs(samples).max() > 0.2


@given(
    st.sampled_from(FORMATS),
    st.lists(st.one_of(st.sampled_from(["tone", "noise"]), st.floats(0, 1)), min_size=1, max_size=6),
    st.booleans(),
)
def test_a_decoder_finds_the_length_that_was_planned(form: Form, plan: list[str | float], with_tags: bool) -> None:
    pieces = [
        recording(form, piece, 0.7, with_tags=with_tags) if isinstance(piece, str) else Silence(piece)
        for piece in ["tone", *plan]
    ]
    wanted = sum(piece.seconds if isinstance(piece, Silence) else scan(io.BytesIO(piece)).seconds for piece in pieces)
    data, seconds = join_all(*pieces)
    samples, stated = decoded(data)
    assert [seconds, stated, samples.shape[1] / form[0]] == pytest.approx([wanted] * 3, abs=0.05)
