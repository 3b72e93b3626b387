import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from webvoice_mcp.sandbox.engines import EngineUnavailable, Sound, audio, espeak, hibari, load, whisper

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def test_a_sound_has_a_length_in_seconds() -> None:
    assert Sound(bytes(2 * 24_000), 24_000).seconds == 1.0


def test_a_missing_engine_says_how_to_install_it() -> None:
    with pytest.raises(EngineUnavailable) as caught:
        load("a_module_that_is_not_there", "some-engine")
    assert caught.value.engine == "some-engine"
    assert str(caught.value) == (
        "The sandbox's engine some-engine is not installed. Run: pip install 'webvoice-mcp[sandbox]'"
    )


def test_an_engine_whose_library_does_not_load_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "engine_with_a_broken_library.py").write_text("raise OSError('libexample.so: wrong machine')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EngineUnavailable, match=r"cannot be loaded \(libexample\.so: wrong machine\)"):
        load("engine_with_a_broken_library", "some-engine")


def test_engines_run_on_one_thread_unless_the_user_chose_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in THREADS:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    load("json", "some-engine")
    assert [os.environ[variable] for variable in THREADS] == ["3", "1", "1", "1"]


SILENCE = Sound(bytes(2), 16_000)
CALLS: list[tuple[str, str, Callable[[], object]]] = [
    ("hibari", "hibari-tts", lambda: hibari.speak("Hello", 1.0)),
    ("espeakng_loader", "espeakng-loader", lambda: espeak.speak("Ciao", "it", 1.0)),
    ("av", "av", lambda: audio.decode(b"RIFF")),
    ("av", "av", lambda: audio.encode([SILENCE], title="", comment="")),
    ("numpy", "faster-whisper", lambda: whisper.transcribe(SILENCE, "en")),
]


@pytest.mark.parametrize(("module", "package", "call"), CALLS)
def test_each_missing_engine_is_named(
    module: str, package: str, call: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    espeak._library.cache_clear()  # otherwise the library would stay loaded
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EngineUnavailable) as caught:
        call()
    assert caught.value.engine == package
