"""Encodes MP3 files and decodes recordings, with FFmpeg's libraries from the package av."""

import io
import sys
from array import array
from collections.abc import Iterable, Iterator
from typing import Any

from webvoice_mcp.sandbox.engines import BYTES_PER_SAMPLE, InvalidInput, Sound, join, load

HEARING_RATE = 16_000  # samples per second; speech recognition requires this rate

_ENGINE = "av"
_MP3_BITS_PER_SECOND = 64_000
_MP3_OPTIONS = {"compression_level": "7"}  # twice as fast as the default, and recognised as well
_BLOCK_BYTES = 600 * HEARING_RATE * BYTES_PER_SAMPLE
_STEP = HEARING_RATE // 50
_PAUSE_STEPS = 15  # 0.3 seconds

# The service accepts MP3, WAV, FLAC and M4A. FFmpeg reads many more formats, some of which are playlists that name
# other files and addresses. These must not be opened.
_READ_OPTIONS = {"format_whitelist": "mp3,wav,flac,mov", "protocol_whitelist": "none"}
_NOT_AUDIO = "The file is not a readable recording. Send MP3, WAV, M4A or FLAC."


def encode(sounds: Iterable[Sound], *, title: str, comment: str) -> bytes:
    """Return sounds of one rate, one after the other, as an MP3 file with these tags.

    Raises:
        EngineUnavailable: the package av is missing.
    """
    av = load("av", _ENGINE)
    file = io.BytesIO()
    position = 0
    with av.open(file, "w", format="mp3") as container:
        container.metadata.update({"title": _tag(title), "comment": _tag(comment)})
        stream = None
        for sound in sounds:
            if stream is None:
                stream = container.add_stream("libmp3lame", rate=sound.rate, layout="mono")
                stream.bit_rate = _MP3_BITS_PER_SECOND
                stream.options = _MP3_OPTIONS
            container.mux(stream.encode(_frame(av, sound, position)))
            position += len(sound.pcm) // BYTES_PER_SAMPLE
        if stream is not None:
            container.mux(stream.encode(None))
    return file.getvalue()


def decode(data: bytes) -> Sound:
    """Return the sound of an MP3, WAV, M4A or FLAC file, mixed down to mono at 16 kHz.

    Raises:
        InvalidInput: it is another file, or has no sound.
        EngineUnavailable: the package av is missing.
    """
    return join(decode_blocks(data))


def decode_blocks(data: bytes) -> Iterator[Sound]:
    """Yield the sound of a recording in blocks of at most ten minutes, which end in pauses; see `decode`."""
    av = load("av", _ENGINE)
    if not data:
        raise InvalidInput("The audio file is empty. Send MP3, WAV, M4A or FLAC.")
    pcm, is_empty = bytearray(), True
    try:
        with av.open(io.BytesIO(data), options=_READ_OPTIONS) as container:
            for samples in _read_samples(av, container):
                pcm += samples
                while len(pcm) > _BLOCK_BYTES:
                    cut = _quietest(pcm)
                    yield Sound(bytes(pcm[:cut]), HEARING_RATE)
                    del pcm[:cut]
                    is_empty = False
    except (av.error.FFmpegError, ValueError) as error:  # ValueError: tags not in UTF-8, or a change of rate
        raise InvalidInput(_NOT_AUDIO) from error
    if pcm:
        yield Sound(bytes(pcm), HEARING_RATE)
    elif is_empty:
        raise InvalidInput(_NOT_AUDIO)


def _read_samples(av: Any, container: Any) -> Iterator[bytes]:
    if not container.streams.audio:
        return
    resampler = av.AudioResampler(format="s16", layout="mono", rate=HEARING_RATE)
    is_empty = True
    for packet in container.demux(container.streams.audio[0]):
        for frame in _frames(av, packet):
            is_empty = False
            for part in resampler.resample(frame):
                yield bytes(part.planes[0])[: part.samples * BYTES_PER_SAMPLE]
    for part in () if is_empty else resampler.resample(None):
        yield bytes(part.planes[0])[: part.samples * BYTES_PER_SAMPLE]


def _quietest(pcm: bytearray) -> int:
    """Return the position in the middle of the quietest part of a block's last minute."""
    start = _BLOCK_BYTES - 60 * HEARING_RATE * BYTES_PER_SAMPLE
    samples = array("h", bytes(pcm[start:_BLOCK_BYTES]))
    if sys.byteorder == "big":
        samples.byteswap()
    loudness = [sum(map(abs, samples[at : at + _STEP])) for at in range(0, len(samples), _STEP)]
    sums = [sum(loudness[at : at + _PAUSE_STEPS]) for at in range(len(loudness) - _PAUSE_STEPS + 1)]
    middle = min(range(len(sums)), key=sums.__getitem__) + _PAUSE_STEPS // 2
    return start + middle * _STEP * BYTES_PER_SAMPLE


def _frames(av: Any, packet: Any) -> list[Any]:
    try:
        return list(packet.decode())
    except av.error.InvalidDataError:  # a damaged part is skipped, as players do
        return []


def _frame(av: Any, sound: Sound, position: int) -> Any:
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(sound.pcm) // BYTES_PER_SAMPLE)
    plane = frame.planes[0]
    plane.update(sound.pcm + bytes(plane.buffer_size - len(sound.pcm)))  # the buffer is padded to whole cache lines
    frame.sample_rate = sound.rate
    frame.pts = position
    return frame


def _tag(text: str) -> str:
    return text.encode(errors="replace").decode()
