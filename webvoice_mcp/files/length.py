"""The length of recordings, from their frames and samples. It decides a price, so a header alone is not trusted."""

import math

from webvoice_mcp.files import _flac, _m4a, _mp3, _wav
from webvoice_mcp.files._bytes import Readable, TimeIsUpError, TimeLimited
from webvoice_mcp.files.kinds import FLAC, M4A, MP3, WAV, Kind
from webvoice_mcp.files.mp3_frames import skip_tags

_MAX_SECONDS = 2.0  # of work; 200 MB take a few tenths


def length_of_recording(file: Readable, kind: Kind) -> float | None:
    """Return how many seconds a recording plays, None if that is not certain within 5 %.

    It blocks for about two seconds at most.

    It is not certain if the header says something else than the frames, samples or size of the file, or if the file is
    damaged, or has a codec that is not known here.
    """
    limited = TimeLimited(file, _MAX_SECONDS)
    try:
        seconds = _seconds(limited, kind)
    except TimeIsUpError:
        return None
    return seconds if seconds and math.isfinite(seconds) else None


def _seconds(file: TimeLimited, kind: Kind) -> float | None:
    if kind is MP3:
        return _mp3.seconds(file)
    if kind is WAV:
        return _wav.seconds(file)
    if kind is M4A:
        return _m4a.seconds(file)
    if kind is FLAC:
        return _flac.seconds(file, skip_tags(file))
    return None
