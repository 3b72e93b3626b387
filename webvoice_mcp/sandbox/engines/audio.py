"""Encodes MP3 files and decodes recordings, with FFmpeg's libraries from the package av."""

import io
from typing import Any

from webvoice_mcp.sandbox.engines import InvalidInput, Sound, load

HEARING_RATE = 16_000  # samples per second; speech recognition requires this rate
LONGEST_SECONDS = 600  # of a recording; a longer one would keep the sandbox busy for minutes

_ENGINE = "av"
_MP3_BITS_PER_SECOND = 64_000

# The service accepts MP3, WAV, FLAC and M4A. FFmpeg reads many more formats, some of which are playlists that name
# other files and addresses. These must not be opened.
_READ_OPTIONS = {"format_whitelist": "mp3,wav,flac,mov", "protocol_whitelist": "none"}
_NOT_AUDIO = "The file is not a readable recording. Send MP3, WAV, M4A or FLAC."


def encode(sound: Sound, *, title: str, comment: str) -> bytes:
    """Return the sound as an MP3 file with these tags.

    Raises:
        EngineUnavailable: the package av is missing.
    """
    av = load("av", _ENGINE)
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        container.metadata.update({"title": _tag(title), "comment": _tag(comment)})
        stream = container.add_stream("libmp3lame", rate=sound.rate, layout="mono")
        stream.bit_rate = _MP3_BITS_PER_SECOND
        frame = _frame(av, sound)
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()


def decode(data: bytes) -> Sound:
    """Return the sound of an MP3, WAV, M4A or FLAC file, mixed down to mono at 16 kHz.

    Raises:
        InvalidInput: it is another file, has no sound, or is longer than ten minutes.
        EngineUnavailable: the package av is missing.
    """
    av = load("av", _ENGINE)
    if not data:
        raise InvalidInput("The audio file is empty. Send MP3, WAV, M4A or FLAC.")
    try:
        with av.open(io.BytesIO(data), options=_READ_OPTIONS) as container:
            pcm = _read_samples(av, container)
    except (av.error.FFmpegError, ValueError) as error:  # ValueError: tags not in UTF-8, or a change of rate
        raise InvalidInput(_NOT_AUDIO) from error
    if not pcm:
        raise InvalidInput(_NOT_AUDIO)
    return Sound(pcm, HEARING_RATE)


def _read_samples(av: Any, container: Any) -> bytes:
    if not container.streams.audio:
        return b""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=HEARING_RATE)
    pcm, seconds = bytearray(), 0.0
    for packet in container.demux(container.streams.audio[0]):
        for frame in _frames(av, packet):
            seconds += frame.samples / frame.sample_rate
            if seconds > LONGEST_SECONDS:
                raise InvalidInput(f"The recording is too long. Send at most {LONGEST_SECONDS // 60} minutes.")
            for part in resampler.resample(frame):
                pcm += bytes(part.planes[0])[: part.samples * 2]
    for part in resampler.resample(None) if pcm else ():
        pcm += bytes(part.planes[0])[: part.samples * 2]
    return bytes(pcm)


def _frames(av: Any, packet: Any) -> list[Any]:
    try:
        return list(packet.decode())
    except av.error.InvalidDataError:  # a damaged part is skipped, as players do
        return []


def _frame(av: Any, sound: Sound) -> Any:
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(sound.pcm) // 2)
    plane = frame.planes[0]
    plane.update(sound.pcm + bytes(plane.buffer_size - len(sound.pcm)))  # the buffer is padded to whole cache lines
    frame.sample_rate = sound.rate
    frame.pts = 0
    return frame


def _tag(text: str) -> str:
    return text.encode(errors="replace").decode()
