"""Measures of sound."""

import itertools
from importlib import import_module
from typing import Any

from webvoice_mcp.sandbox.engines import Sound


def _samples(sound: Sound) -> Any:
    numpy: Any = import_module("numpy")
    return numpy.frombuffer(sound.pcm, "<i2").astype(float)


def pitch(sound: Sound) -> float:
    """Return the mean pitch of the voiced parts in Hz, by autocorrelation."""
    numpy: Any = import_module("numpy")
    samples, pitches = _samples(sound), []
    window, shortest, longest = sound.rate // 20, sound.rate // 400, sound.rate // 60
    for start in range(0, len(samples) - window, window // 2):
        part = samples[start : start + window]
        similar = numpy.correlate(part, part, "full")[window - 1 :]
        lag = shortest + int(similar[shortest:longest].argmax())
        if similar[0] > 600**2 * window and similar[lag] > 0.5 * similar[0]:
            pitches.append(sound.rate / lag)
    return float(numpy.mean(pitches))


def silences(sound: Sound) -> list[float]:
    """Return the lengths in seconds of the silences between louder parts, those of 0.2 s or more."""
    step = sound.rate // 100
    samples = _samples(sound)
    loud = [start for start in range(0, len(samples), step) if abs(samples[start : start + step]).max() > 150]
    gaps = [(after - before - step) / sound.rate for before, after in itertools.pairwise(loud)]
    return [gap for gap in gaps if gap >= 0.2]
