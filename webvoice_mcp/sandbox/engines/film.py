"""Short films: a slow camera move over a still picture, encoded as H.264 and AAC in an MP4 file."""

import math
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from webvoice_mcp.sandbox.engines import load, picture, raster
from webvoice_mcp.sandbox.engines.raster import pillow

PROVIDER = "sandbox:ken-burns-1"
FRAMES_PER_SECOND = 24

_ENGINE = "av"
_X264 = {"preset": "veryfast", "crf": "26"}
_ZOOM = 1.16  # how much larger the picture is than the frame
_FADE_FROM = 0.6  # share of the film after which the last picture fades in
_MAX_RATIO = 21 / 9  # of the longer side to the shorter one

_RATE = 24_000  # samples per second
_SAMPLES_PER_FRAME = 1024  # AAC's
_LOOP_SECONDS = 4  # every partial has a whole number of cycles in it
_CHORD = (110.0, 164.75, 220.0, 277.25, 329.75)  # hertz: A major, with the quarters of a hertz that the loop needs
_FADE_SECONDS = 0.6
_BITS_PER_SECOND = 64_000


class Still(NamedTuple):
    """The pictures of a film.

    Attributes:
        source: bytes of a picture, its address (a stand-in is drawn), or None for one drawn from the prompt.
        last: address of the picture that the film ends on, "" for none.
        references: addresses of pictures to go by, which are shown as `picture.paint` shows them.
    """

    prompt: str
    source: bytes | str | None = None
    seed: int | None = None
    last: str = ""
    references: Sequence[str] = ()


def shoot(still: Still, seconds: int, lines: int, ratio: float | None, *, sound: bool) -> bytes:
    """Return an MP4 file of exactly `seconds`; the same arguments give the same bytes.

    Args:
        lines: pixels of the shorter side; even.
        ratio: width to height; None for the source's own, kept between 9:21 and 21:9.
        sound: adds a soft chord; without it the file has no audio.

    Raises InvalidInput for bytes that are no picture, EngineUnavailable.
    """
    av = load("av", _ENGINE)
    source = _source(still.source)
    size = frame_size(lines, ratio or (source.width / source.height if source else 16 / 9))
    first = source or picture.draw_with_references(still.prompt, size, still.seed, still.references)
    last = picture.stand_in(still.last) if still.last else None
    # The index can be put in front only of a file that can be read again, so not of one in memory.
    with tempfile.TemporaryDirectory(prefix="webvoice-sandbox-") as folder:
        path = Path(folder) / "film.mp4"
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            container.metadata.update({"title": "WebVoice sandbox", "comment": f"{raster.PROCEDURAL} ({PROVIDER})"})
            video = _video_stream(container, size)
            audio = _audio_stream(container) if sound else None
            for frame in _frames(av, first, last, size, seconds * FRAMES_PER_SECOND):
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
            if audio:
                for frame in _chords(av, seconds):
                    container.mux(audio.encode(frame))
                container.mux(audio.encode(None))
        return path.read_bytes()


def frame_size(lines: int, ratio: float) -> tuple[int, int]:
    """Return width and height, both even, for a shorter side and a ratio of width to height."""
    ratio = min(max(ratio, 1 / _MAX_RATIO), _MAX_RATIO)
    longer = 2 * round(lines * max(ratio, 1 / ratio) / 2)
    return (longer, lines) if ratio >= 1 else (lines, longer)


def _source(source: bytes | str | None) -> Any:
    if source is None:
        return None
    return picture.stand_in(source) if isinstance(source, str) else raster.read(source)


def _video_stream(container: Any, size: tuple[int, int]) -> Any:
    stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options=_X264)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = Fraction(1, FRAMES_PER_SECOND)
    stream.codec_context.thread_count = 2
    return stream


def _audio_stream(container: Any) -> Any:
    stream = container.add_stream("aac", rate=_RATE, layout="mono")
    stream.bit_rate = _BITS_PER_SECOND
    return stream


def _frames(av: Any, first: Any, last: Any, size: tuple[int, int], count: int) -> Iterator[Any]:
    """Yield the frames, marked as the sandbox's; a `last` picture, if any, fades in towards the end."""
    larger, mark = [round(side * _ZOOM) for side in size], raster.banner(size, raster.PROCEDURAL)
    stills = [pillow("ImageOps").fit(still, larger) for still in (first, last) if still]
    for number in range(count):
        time = number / (count - 1)
        views = [_view(still, size, time * time * (3 - 2 * time)) for still in stills]  # starts and ends gently
        share = max(0.0, (time - _FADE_FROM) / (1 - _FADE_FROM))
        shot = pillow("Image").blend(views[0], views[-1], share)
        shot.paste(mark, (0, size[1] - mark.height), mark)
        frame = av.VideoFrame.from_image(shot)
        frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
        yield frame


def _view(still: Any, size: tuple[int, int], progress: float) -> Any:
    """Return the camera's view, which moves in and a little aside as `progress` goes from 0 to 1."""
    zoom = 1 + (1 / _ZOOM - 1) * progress
    width, height = still.width * zoom, still.height * zoom
    left, top = (still.width - width) * (0.35 + 0.3 * progress), (still.height - height) * 0.45
    return still.resize(size, pillow("Image").Resampling.BILINEAR, (left, top, left + width, top + height))


def _chords(av: Any, seconds: int) -> Iterator[Any]:
    """Yield the sound in frames of the encoder's size; it fades in and out."""
    samples, fade = _loop() * -(-seconds // _LOOP_SECONDS), round(_RATE * _FADE_SECONDS)
    del samples[seconds * _RATE :]
    for index in range(fade):
        for end in (index, -1 - index):
            samples[end] = round(samples[end] * index / fade)
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=_RATE, frame_size=_SAMPLES_PER_FRAME)
    pcm = samples.tobytes()
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
    plane = frame.planes[0]
    plane.update(pcm + bytes(plane.buffer_size - len(pcm)))  # the buffer is padded to whole cache lines
    frame.sample_rate, frame.pts = _RATE, 0
    yield from resampler.resample(frame)
    yield from resampler.resample(None)


@cache
def _loop() -> "array[int]":
    """Return a chord that swells and ebbs; it can be repeated without a seam."""
    turns = [math.tau * hertz / _RATE for hertz in _CHORD]
    swell = math.tau / _LOOP_SECONDS / _RATE
    return array(
        "h",
        (
            round(1500 * (1 - 0.35 * math.cos(swell * index)) * sum(math.sin(turn * index) for turn in turns))
            for index in range(_RATE * _LOOP_SECONDS)
        ),
    )
