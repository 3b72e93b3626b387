"""WAV files: what is one, and how long it plays."""

from webvoice_mcp.files._bytes import Readable
from webvoice_mcp.files.wav_format import chunks, read_wav_format

_SIGNATURES = (b"RIFF", b"RF64", b"BW64")
_MAX_CHUNKS = 32  # before the one that describes the samples
_TOLERANCE = 0.05


def is_wav(file: Readable, head: bytes) -> bool:
    """Return True if the file with this start is WAV, and one of its first chunks describes the samples."""
    if not (head.startswith(_SIGNATURES) and head[8:12] == b"WAVE"):
        return False
    return any(chunk.type == b"fmt " for _, chunk in zip(range(_MAX_CHUNKS), chunks(file), strict=False))


def seconds(file: Readable) -> float | None:
    """Return how long the samples play, None if that is not certain within 5 %."""
    wav = read_wav_format(file)
    # Another reader may play the bytes that belong to no chunk.
    if wav is None or not wav.bytes_per_second or wav.rest > _TOLERANCE * wav.data_size:
        return None
    return wav.data_size / wav.bytes_per_second
