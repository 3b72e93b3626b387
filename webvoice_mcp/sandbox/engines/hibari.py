"""English speech by the small neural voice of the package hibari-tts."""

from functools import cache
from threading import Lock
from types import ModuleType
from typing import Any

from webvoice_mcp.sandbox.engines import InvalidInput, Sound, load

_ENGINE = "hibari-tts"
_LOAD_LOCK = Lock()
_FULL_SCALE = 32767
_SEED = 0  # of the breath noise; fixed, so that the same text gives the same bytes


def speak(text: str, speed: float) -> Sound:
    """Speak English text.

    Text in other scripts gives no sound. Other languages are read as if they were English.

    Args:
        speed: from 0.5 to 2.0; 1.0 is the voice's own pace.

    Raises:
        InvalidInput: there is nothing to say in the text.
        EngineUnavailable: the package is missing.
    """
    hibari, numpy = load("hibari", _ENGINE), load("numpy", _ENGINE)
    with _LOAD_LOCK:
        voice = _voice(hibari)
    samples = voice(text, speed=speed, seed=_SEED)
    if not len(samples):
        raise InvalidInput("The sandbox's English voice can say nothing of this text. Send other text.")
    pcm = (numpy.clip(samples, -1.0, 1.0) * _FULL_SCALE).astype("<i2").tobytes()
    return Sound(pcm, hibari.SAMPLE_RATE, f"sandbox:hibari-{hibari.__version__}/{voice.voice}")


@cache
def _voice(hibari: ModuleType) -> Any:
    voice = hibari.Hibari(threads=1)  # the package's own voice; any other would be downloaded
    voice("Ready.")  # loads the dictionaries and the model for unknown words now, while the lock is held
    return voice
