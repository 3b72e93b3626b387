"""Short films: a slow camera movement over a still picture, encoded as H.264 and AAC in an MP4 file."""

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
_ZOOM = 1.16  # the size of the picture, where the frame is 1
_FADE_FROM = 0.6  # the share of the film after which the last picture fades in
_MAX_RATIO = 21 / 9  # of the longer side to the shorter side

_RATE = 24_000  # samples per second
_SAMPLES_PER_FRAME = 1024  # AAC's
_LOOP_SECONDS = 4  # each tone has a whole number of cycles in this time
_CHORD = (110.0, 164.75, 220.0, 277.25, 329.75)  # hertz: A major, rounded to quarters for the loop
_FADE_SECONDS = 0.6
_BITS_PER_SECOND = 64_000


class FilmInput(NamedTuple):
    """The prompt and the pictures that a film is made from.

    Attributes:
        source: the first picture: its bytes, its address (for which a stand-in is drawn), or None to draw the prompt.
        last: the address of the last picture, "" for none.
        references: addresses of reference pictures, which are shown as `picture.render` shows them.
    """

    prompt: str
    source: bytes | str | None = None
    seed: int | None = None
    last: str = ""
    references: Sequence[str] = ()


def render(film_input: FilmInput, seconds: int, lines: int, ratio: float | None, *, sound: bool) -> bytes:
    """Return an MP4 file of exactly this length. The same arguments give the same bytes.

    Args:
        lines: the pixels of the shorter side; an even number.
        ratio: width to height, limited to 9:21 and 21:9; None for the source's own ratio.
        sound: True to add a soft chord. Without it, the file has no sound track.

    Raises:
        InvalidInput: the source's bytes are not a picture.
        EngineUnavailable: a package is missing.
    """
    av = load("av", _ENGINE)
    source = _open_source(film_input.source)
    size = frame_size(lines, ratio or (source.width / source.height if source else 16 / 9))
    first = source or picture.draw_with_references(film_input.prompt, size, film_input.seed, film_input.references)
    last = picture.stand_in(film_input.last) if film_input.last else None
    # To put the index at the front, FFmpeg reads the file again by its name, so it cannot be in memory.
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
    """Return width and height, both even, from the shorter side and the ratio of width to height."""
    ratio = min(max(ratio, 1 / _MAX_RATIO), _MAX_RATIO)
    longer = 2 * round(lines * max(ratio, 1 / ratio) / 2)
    return (longer, lines) if ratio >= 1 else (lines, longer)


def _open_source(source: bytes | str | None) -> Any:
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
    """Yield the frames with the sandbox's mark. If there is a last picture, it fades in towards the end."""
    larger, mark = [round(side * _ZOOM) for side in size], raster.banner(size, raster.PROCEDURAL)
    stills = [pillow("ImageOps").fit(still, larger) for still in (first, last) if still]
    for number in range(count):
        time = number / (count - 1)
        views = [_view(still, size, time * time * (3 - 2 * time)) for still in stills]  # starts and ends slowly
        share = max(0.0, (time - _FADE_FROM) / (1 - _FADE_FROM))
        shot = pillow("Image").blend(views[0], views[-1], share)
        shot.paste(mark, (0, size[1] - mark.height), mark)
        frame = av.VideoFrame.from_image(shot)
        frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
        yield frame


def _view(still: Any, size: tuple[int, int], progress: float) -> Any:
    """Return the camera's view: from 0 to 1 of `progress`, it zooms in and moves a little to the right."""
    zoom = 1 + (1 / _ZOOM - 1) * progress
    width, height = still.width * zoom, still.height * zoom
    left, top = (still.width - width) * (0.35 + 0.3 * progress), (still.height - height) * 0.45
    return still.resize(size, pillow("Image").Resampling.BILINEAR, (left, top, left + width, top + height))


def _chords(av: Any, seconds: int) -> Iterator[Any]:
    """Yield the sound, which fades in and out, in frames of the encoder's size."""
    samples, fade = _loop() * -(-seconds // _LOOP_SECONDS), round(_RATE * _FADE_SECONDS)
    del samples[seconds * _RATE :]
    for index in range(fade):
        for end in (index, -1 - index):
            samples[end] = round(samples[end] * index / fade)
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=_RATE, frame_size=_SAMPLES_PER_FRAME)
    pcm = samples.tobytes()
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
    plane = frame.planes[0]
    plane.update(pcm + bytes(plane.buffer_size - len(pcm)))  # the buffer is padded to a multiple of the cache line
    frame.sample_rate, frame.pts = _RATE, 0
    yield from resampler.resample(frame)
    yield from resampler.resample(None)


@cache
def _loop() -> "array[int]":
    """Return the samples of a chord that gets louder and softer and can be repeated without a break."""
    turns = [math.tau * hertz / _RATE for hertz in _CHORD]
    swell = math.tau / _LOOP_SECONDS / _RATE
    return array(
        "h",
        (
            round(1500 * (1 - 0.35 * math.cos(swell * index)) * sum(math.sin(turn * index) for turn in turns))
            for index in range(_RATE * _LOOP_SECONDS)
        ),
    )
