"""English speech in two voices by the small neural model of the package hibari-tts.

The model predicts the pitch apart from the spectrum. A lower pitch with a compressed spectrum is a man's voice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from threading import Lock
from types import ModuleType
from typing import Any

from webvoice_mcp.sandbox.engines import InvalidInput, Sound, join, load
from webvoice_mcp.sandbox.engines.pacing import speak_paced

_ENGINE = "hibari-tts"
_LOAD_LOCK = Lock()
_FULL_SCALE = 32767
_PADS = 2  # ids before and after the phonemes
_SEED = 0  # of the breath noise; fixed, so that the same text gives the same bytes


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice.

    Attributes:
        name: shown in the provider.
        pitch: factor of the model's own pitch.
        formants: factor of the frequencies that a longer throat lowers.
    """

    name: str
    pitch: float = 1.0
    formants: float = 1.0


WOMAN = Voice("heart")
MAN = Voice("heart-low", pitch=0.6, formants=0.87)


def speak(text: str, speed: float, voice: Voice = WOMAN) -> Sound:
    """Speak English text that fits into memory; see `stream`."""
    return join(stream(text, speed, voice))


def stream(text: str, speed: float, voice: Voice) -> Iterator[Sound]:
    """Yield the speech of English text, sentence by sentence.

    Text in other scripts gives no sound. Other languages are read as if they were English.

    Args:
        text: the text, of any length.
        speed: from 0.5 to 2.0; 1.0 is the model's own pace.
        voice: WOMAN or MAN.

    Raises:
        InvalidInput: there is nothing to say in the text.
        EngineUnavailable: the package is missing.
    """
    hibari, numpy = load("hibari", _ENGINE), load("numpy", _ENGINE)
    with _LOAD_LOCK:
        model = _model(hibari)
    provider = f"sandbox:hibari-{hibari.__version__}/{voice.name}"
    is_silent = True
    for pcm in speak_paced(text, speed, hibari.SAMPLE_RATE, partial(_synthesise, hibari, numpy, model, voice, speed)):
        is_silent = False
        yield Sound(pcm, hibari.SAMPLE_RATE, provider)
    if is_silent:
        raise InvalidInput("The sandbox's English voice can say nothing of this text. Send other text.")


def _synthesise(hibari: ModuleType, numpy: ModuleType, model: Any, voice: Voice, speed: float, sentence: str) -> bytes:
    noise = numpy.random.default_rng(_SEED)
    pcm = b""
    for phonemes in model.phonemize(sentence):
        ids = numpy.asarray([model.ids(phonemes)], numpy.int64)
        if ids.shape[1] <= _PADS:
            continue
        outputs = model.sess.run(None, {"ids": ids, "speed": numpy.asarray([speed], numpy.float32)})
        *spectra, pitch = (output[0] for output in outputs)
        if voice.formants != 1:
            spectra = [_stretch(numpy, spectrum, voice.formants) for spectrum in spectra]
            # A lower voice has more harmonics below the highest frequency, and they add up.
            spectra[0] = spectra[0] + numpy.float32(numpy.log(voice.pitch))
        samples = hibari.dsp.synth(*spectra, pitch * numpy.float32(voice.pitch), noise)
        pcm += (numpy.clip(samples, -1.0, 1.0) * _FULL_SCALE).astype("<i2").tobytes()
    return pcm


def _stretch(numpy: ModuleType, spectrum: Any, factor: float) -> Any:
    """Return a spectrum, a row a frequency, with all frequencies multiplied by the factor."""
    last = len(spectrum) - 1
    wished = numpy.minimum(numpy.arange(len(spectrum), dtype=numpy.float32) / numpy.float32(factor), last)
    below = numpy.minimum(wished.astype(int), last - 1)
    share = (wished - below)[:, None].astype(numpy.float32)
    return spectrum[below] * (1 - share) + spectrum[below + 1] * share


@cache
def _model(hibari: ModuleType) -> Any:
    model = hibari.Hibari(threads=1)  # the package's own voice; any other would be downloaded
    model("Ready.")  # loads the dictionaries and the model for unknown words now, while the lock is held
    return model
