"""Recordings and films that the tests make with PyAV."""

import io
import math
from array import array
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from typing import Any, BinaryIO, NamedTuple

av: Any = import_module("av")


class Shape(NamedTuple):
    """The form of a recording or film.

    Attributes:
        video: the encoder of the pictures, "" for none.
        tags: metadata of the file.
        brand: the brand of an MP4 file, "" for FFmpeg's choice.
    """

    muxer: str
    sound: str = ""
    video: str = ""
    rate: int = 44_100
    layout: str = "stereo"
    seconds: float = 1.0
    size: tuple[int, int] = (64, 48)
    fps: int = 24
    hertz: int = 440
    colour: int = 100
    options: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


def make(shape: Shape) -> bytes:
    """Return the file: a tone, and pictures of one colour."""
    file = io.BytesIO()
    with av.open(file, "w", format=shape.muxer, options=dict(shape.options)) as container:
        container.metadata.update(shape.tags)
        video = _video(container, shape) if shape.video else None
        sound = _sound(container, shape) if shape.sound else None
        if video:
            for frame in _pictures(shape):
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
        if sound:
            for frame in _tone(shape, sound):
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
    return file.getvalue()


def _video(container: Any, shape: Shape) -> Any:
    stream = container.add_stream(shape.video, rate=shape.fps)
    stream.width, stream.height = shape.size
    stream.pix_fmt = "yuv420p"
    return stream


def _sound(container: Any, shape: Shape) -> Any:
    stream = container.add_stream(shape.sound, rate=shape.rate, layout=shape.layout)
    stream.codec_context.options = {"strict": "-2"}  # FFmpeg's own Vorbis encoder is experimental
    return stream


def _pictures(shape: Shape) -> Iterator[Any]:
    for number in range(round(shape.seconds * shape.fps)):
        frame = av.VideoFrame(*shape.size, "yuv420p")
        for plane, value in zip(frame.planes, (shape.colour, 128, 128), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts = number
        yield frame


def _tone(shape: Shape, stream: Any) -> Iterator[Any]:
    channels, samples = (2 if shape.layout == "stereo" else 1), round(shape.seconds * shape.rate)
    turn = math.tau * shape.hertz / shape.rate
    values = array("h", (round(8000 * math.sin(turn * index)) for index in range(samples) for _ in range(channels)))
    frame = av.AudioFrame(format="s16", layout=shape.layout, samples=samples)
    plane, pcm = frame.planes[0], values.tobytes()
    plane.update(pcm + bytes(plane.buffer_size - len(pcm)))
    frame.sample_rate, frame.pts = shape.rate, 0
    context = stream.codec_context
    form, size = (context.format.name if context.format else "fltp"), context.frame_size or 1024
    resampler = av.AudioResampler(format=form, layout=shape.layout, rate=shape.rate, frame_size=size)
    yield from resampler.resample(frame)
    yield from resampler.resample(None)


class Heard(NamedTuple):
    """The sound that a decoder finds in a file.

    Attributes:
        hertz: the frequency of the tone, from its zero crossings.
    """

    codec: str
    rate: int
    channels: int
    seconds: float
    hertz: float
    loudness: float


def hear(content: bytes | BinaryIO) -> Heard:
    """Decode the sound of a file."""
    with av.open(io.BytesIO(content) if isinstance(content, bytes) else content) as container:
        track = container.streams.audio[0]
        resampler = av.AudioResampler(format="s16", layout="mono", rate=48_000)
        values: array[int] = array("h")
        for frame in container.decode(track):
            for part in resampler.resample(frame):
                values.frombytes(bytes(part.planes[0])[: part.samples * 2])
        for part in resampler.resample(None):
            values.frombytes(bytes(part.planes[0])[: part.samples * 2])
        seconds = len(values) / 48_000
        signs = [value > 0 for value in values if abs(value) > 1000]  # without the noise of codecs
        crossings = sum(after and not before for before, after in pairwise(signs))
        name = track.codec_context.codec.canonical_name
        loud = max(map(abs, values), default=0)
        return Heard(name, track.rate, track.channels, seconds, crossings / seconds if seconds else 0, loud)
