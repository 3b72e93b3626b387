"""English speech by a small neural voice that lies in the wheel of hibari-tts."""

from functools import cache
from threading import Lock
from types import ModuleType
from typing import Any

from webvoice_mcp.sandbox.engines import InvalidInput, Sound, load

_ENGINE = "hibari-tts"
_LOADING = Lock()
_FULL_SCALE = 32767
_SEED = 0  # of the breath noise: the same text gives the same bytes


def speak(text: str, speed: float) -> Sound:
    """Speak English; `speed` is 1.0 for the voice's own pace (0.5 to 2.0).

    Text in other scripts has no sound here and other languages are read as if they were English.
    Raises InvalidInput for text without anything to say, EngineUnavailable.
    """
    hibari, numpy = load("hibari", _ENGINE), load("numpy", _ENGINE)
    with _LOADING:
        voice = _voice(hibari)
    samples = voice(text, speed=speed, seed=_SEED)
    if not len(samples):
        raise InvalidInput("The text holds nothing that the sandbox's English voice can say.")
    pcm = (numpy.clip(samples, -1.0, 1.0) * _FULL_SCALE).astype("<i2").tobytes()
    return Sound(pcm, hibari.SAMPLE_RATE, f"sandbox:hibari-{hibari.__version__}/{voice.voice}")


@cache
def _voice(hibari: ModuleType) -> Any:
    voice = hibari.Hibari(threads=1)  # the voice in the wheel; naming another would download it
    voice("Ready.")  # loads the dictionaries and the model for unknown words now, under the lock
    return voice
