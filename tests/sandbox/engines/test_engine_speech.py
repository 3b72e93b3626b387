"""Speech that the real engines make."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest

from webvoice_mcp.contract.translation import Language
from webvoice_mcp.sandbox.engines import InvalidInput, espeak, hibari
from webvoice_mcp.sandbox.engines.translate import translate

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(not (find_spec("hibari") and find_spec("espeakng_loader")), reason="the extra is not installed"),
]

ENGLISH = "The weather in the mountains was cold but clear."


def test_english_is_spoken_by_the_neural_voice() -> None:
    sound = hibari.speak(ENGLISH, 1.0)
    assert (sound.rate, sound.provider) == (24_000, "sandbox:hibari-0.2.1/heart")
    assert 2.0 < sound.seconds < 4.5
    assert max(sound.pcm[1::2]) > 0


def test_the_same_english_gives_the_same_bytes_from_several_threads() -> None:
    with ThreadPoolExecutor(4) as threads:
        sounds = set(threads.map(lambda _: hibari.speak(ENGLISH, 0.9), range(8)))
    assert len(sounds) == 1


@pytest.mark.parametrize("speak", [lambda s: hibari.speak(ENGLISH, s), lambda s: espeak.speak(ENGLISH, "en", s)])
def test_a_higher_speed_is_shorter(speak: object) -> None:
    assert callable(speak)
    slow, plain, fast = (speak(speed).seconds for speed in (0.5, 1.0, 2.0))
    assert slow > 1.5 * plain > 2.0 * fast


@pytest.mark.parametrize("text", ["", "你好"])
def test_text_without_english_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="The sandbox's English voice can say nothing of this text"):
        hibari.speak(text, 1.0)


def test_every_language_of_the_service_has_a_voice() -> None:
    for language in get_args(Language):
        text, _ = translate("The weather is nice today.", "en", language)
        sound = espeak.speak(text, language, 0.9)
        assert sound.rate == 22_050
        assert re.fullmatch(r"sandbox:espeak-ng-1\.52/[\w+-]+", sound.provider)
        assert 0.5 < sound.seconds < 4.0, language


@pytest.mark.parametrize(
    ("language", "voice"),
    [("en", "en-US"), ("EN_gb", "en"), ("pt-PT", "pt"), ("zh-TW", "cmn"), (" sv ", "sv")],
)
def test_a_language_code_finds_its_voice(language: str, voice: str) -> None:
    assert espeak.speak("1", language, 1.0).provider == f"sandbox:espeak-ng-1.52/{voice}"


@pytest.mark.parametrize("language", ["../lang/ko", "Italian"])
def test_a_language_without_a_voice_is_refused(language: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(f"no voice for the language {language!r}")):
        espeak.speak("one", language, 1.0)


@pytest.mark.parametrize(("text", "language"), [("", "it"), ("。", "ja"), ("\0", "de")])
def test_text_that_makes_no_sound_is_refused(text: str, language: str) -> None:
    with pytest.raises(InvalidInput, match="can say nothing of this text"):
        espeak.speak(text, language, 1.0)


def test_text_with_invalid_unicode_is_spoken_without_it() -> None:
    assert espeak.speak("uno \ud800 due", "it", 1.0).seconds > 0.3
    assert hibari.speak("one \ud800 two", 1.0).seconds > 0.3


def test_japanese_is_not_spelled_out_character_by_character() -> None:
    kana = espeak.speak("きょうはいいてんきです。", "ja", 1.0)
    mixed = espeak.speak("今日はいい天気です。", "ja", 1.0)
    assert (kana.provider, mixed.provider) == ("sandbox:espeak-ng-1.52/ja", "sandbox:espeak-ng-1.52/ja+cmn")
    assert mixed.seconds < 2 * kana.seconds


def test_several_threads_can_speak_different_languages() -> None:
    texts = {"it": "Uno due tre.", "de": "Eins " * 10, "cmn": "一二三四五六七八九十" * 3}
    alone = {language: espeak.speak(text, language, 1.0) for language, text in texts.items()}
    with ThreadPoolExecutor(6) as threads:
        languages = list(texts) * 10
        sounds = list(threads.map(lambda language: espeak.speak(texts[language], language, 1.0), languages))
    for language, sound in zip(languages, sounds, strict=True):
        assert sound.provider == alone[language].provider
        assert sound.seconds == pytest.approx(alone[language].seconds, rel=0.1)


def _python(code: str, path: Path) -> str:
    """Run code in a new process that imports from `path` first, and return its output."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(path), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout.strip() or done.stderr


_SPEAK = "from webvoice_mcp.sandbox.engines import espeak; print(espeak.speak('Ciao', 'it', 1.0).provider)"


def _package() -> Path:
    spec = find_spec("espeakng_loader")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


@pytest.mark.skipif(sys.platform == "win32", reason="making links needs a privilege")
def test_an_installation_with_a_long_path_can_speak(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    (deep / "espeakng_loader").symlink_to(_package(), target_is_directory=True)
    assert _python(_SPEAK, deep) == "sandbox:espeak-ng-1.52/it"


def test_data_with_a_long_path_are_copied_if_links_are_not_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError

    deep = tmp_path / ("d" * 100) / ("e" * 100) / "espeak-ng-data"
    deep.mkdir(parents=True)
    (deep / "phontab").write_bytes(b"sounds")
    monkeypatch.setattr(Path, "symlink_to", refuse)
    short = espeak._shorten(deep)
    assert (short / "phontab").read_bytes() == b"sounds"
    assert len(str(short)) < 150
    shutil.rmtree(short.parent)


@pytest.mark.parametrize(
    ("library", "complaint"),
    [("loader.get_library_path()", "cannot read its data in"), ("'no-such-library'", "cannot be loaded")],
)
def test_a_damaged_installation_says_so_and_leaves_the_process_alive(
    library: str, complaint: str, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    fake = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("real", {str(_package() / "__init__.py")!r})
loader = importlib.util.module_from_spec(spec)
spec.loader.exec_module(loader)
def get_library_path(): return {library}
def get_data_path(): return {str(tmp_path / "data")!r}
"""
    (tmp_path / "espeakng_loader.py").write_text(fake)
    code = f"""
from webvoice_mcp.sandbox.engines import EngineUnavailable
try:
    {_SPEAK}
except EngineUnavailable as error:
    print(error)
"""
    code = code.replace("; print", "\n    print")
    assert complaint in _python(code, tmp_path)
