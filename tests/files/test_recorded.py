"""Recordings as programs write them, in the containers that phones and recorders use."""

import io
from fractions import Fraction
from typing import Any

import pytest

from webvoice_mcp.files.kinds import M4A, MOV, MP3, MP4, sniff
from webvoice_mcp.files.length import length_of_recording

av = pytest.importorskip("av", reason="the extra `sandbox` is not installed")
np = pytest.importorskip("numpy", reason="the extra `sandbox` is not installed")

pytestmark = pytest.mark.engines

RATE = 44100


def recording(container: str, codec: str, *, film: bool = False, seconds: float = 3.0, **options: str) -> bytes:
    file = io.BytesIO()
    times = np.arange(int(RATE * seconds)) / RATE
    sound = av.AudioFrame.from_ndarray((9000 * np.sin(3000 * times)).astype("int16")[None], layout="mono", format="s16")
    sound.rate = RATE
    with av.open(file, "w", format=container, options=options) as output:
        stream: Any = output.add_stream(codec, rate=RATE, layout="mono")
        picture = output.add_stream("mpeg4", rate=5, width=16, height=16, pix_fmt="yuv420p") if film else None
        for part in [*av.AudioResampler(format=stream.format.name, layout="mono", rate=RATE).resample(sound), None]:
            output.mux(stream.encode(part))
        if picture:
            for number in range(5):
                frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), "uint8"), format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 5)
                output.mux(picture.encode(frame))
            output.mux(picture.encode(None))
    return file.getvalue()


@pytest.mark.parametrize("codec", ["aac", "alac"])
@pytest.mark.parametrize("container", ["ipod", "mp4", "mov", "3gp", "3g2", "f4v", "ismv"])
def test_sound_alone_is_m4a_in_every_container(container: str, codec: str) -> None:
    if codec == "alac" and container not in {"ipod", "mp4", "mov"}:
        pytest.skip("the container has no such sound")
    file = io.BytesIO(recording(container, codec))
    assert sniff(file) is M4A
    length = length_of_recording(file, M4A)
    assert length == pytest.approx(3, rel=0.05) or (length is None and container == "ismv")  # in fragments


@pytest.mark.parametrize(("container", "kind"), [("mp4", MP4), ("mov", MOV), ("3gp", MP4), ("ipod", MP4)])
def test_a_film_is_no_recording(container: str, kind: Any) -> None:
    assert sniff(io.BytesIO(recording(container, "aac", film=True))) is kind


@pytest.mark.parametrize("version", ["3", "4"])
@pytest.mark.parametrize("start", [b"", bytes(600), b"\xab" * 5000, b"LYRICSBEGINlaLYRICSEND"])
def test_an_mp3_is_measured_behind_junk(version: str, start: bytes) -> None:
    content = recording("mp3", "libmp3lame", id3v2_version=version, write_id3v1="1")
    for cut in (content, content[2000:]):
        file = io.BytesIO(start + cut)
        assert sniff(file) is MP3
        assert length_of_recording(file, MP3) == pytest.approx(3 * len(cut) / len(content), abs=0.15)
