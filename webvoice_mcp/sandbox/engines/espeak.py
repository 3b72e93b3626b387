"""Speech in about a hundred languages by espeak-ng, a formant synthesiser: synthetic, but fast and everywhere.

The library comes as a shared object with its data in the wheel of espeakng-loader and is called through ctypes.
"""

import atexit
import ctypes
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from webvoice_mcp.sandbox.engines import EngineUnavailable, InvalidInput, Sound, load

_ENGINE = "espeakng-loader"
_SPEAKING = Lock()  # the library keeps one voice, one speed and one callback for the whole process

# From espeak-ng's speak_lib.h.
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000  # else a failed start ends the process
_RATE = 1
_UTF8 = 1

_WORDS_PER_MINUTE = 175  # espeak's own pace
_LONGEST_DATA_PATH = 150  # bytes; espeak's buffer holds 160 and a longer path is silently replaced

# Voices that bear another name than the language that people ask for.
_VOICES = {
    "en": "en-us",
    "en-gb": "en",
    "es-mx": "es-419",
    "no": "nb",
    "pt": "pt-br",
    "pt-pt": "pt",
    "zh": "cmn",
    "zh-hk": "yue",
}

_CHINESE_CHARACTERS = re.compile(r"([\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+)")
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


def speak(text: str, language: str, speed: float) -> Sound:
    """Speak in `language`, a code like "it" or "pt-PT"; `speed` is 1.0 for the voice's own pace (0.5 to 2.0).

    The Japanese voice knows kana only and calls every other character by name, so those are read by the Chinese
    voice: the wrong sounds for them, at about the right length.
    Raises InvalidInput for a language without a voice and for text with nothing to say, EngineUnavailable.
    """
    with _SPEAKING:
        library = _library()
        voice = library.voice(language)
        pieces = [(voice, text)] if voice != "ja" else list(_by_script(text))
        pcm = b"".join(library.synthesise(piece, named, speed) for named, piece in pieces)
    if not pcm.strip(b"\0"):
        raise InvalidInput(f"The text holds nothing that the sandbox's voice for {language!r} can say.")
    voices = "+".join(dict.fromkeys([voice, *(named for named, _ in pieces)]))
    return Sound(pcm, library.rate, f"sandbox:espeak-ng-{library.version}/{voices}")


def _by_script(text: str) -> Iterator[tuple[str, str]]:
    for index, piece in enumerate(_CHINESE_CHARACTERS.split(text)):
        if piece.strip():
            yield ("cmn" if index % 2 else "ja"), piece


@dataclass
class _Library:
    """The loaded library; one call at a time."""

    native: Any
    rate: int
    version: str
    voices: dict[str, str]  # lower-cased code -> name
    _heard: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._hear = _CALLBACK(self._collect)  # kept here: the library holds a bare pointer to it
        self.native.espeak_SetSynthCallback(self._hear)

    def voice(self, language: str) -> str:
        code = language.strip().lower().replace("_", "-")
        for name in (code, code.partition("-")[0]):
            if found := self.voices.get(_VOICES.get(name, name)):
                return found
        raise InvalidInput(f"The sandbox has no voice for the language {language!r}.")

    def synthesise(self, text: str, voice: str, speed: float) -> bytes:
        self._heard.clear()
        self.native.espeak_SetVoiceByName(voice.encode())
        self.native.espeak_SetParameter(_RATE, round(_WORDS_PER_MINUTE * speed), 0)
        sent = text.replace("\0", " ").encode(errors="replace")
        self.native.espeak_Synth(sent, len(sent) + 1, 0, 0, 0, _UTF8, None, None)
        return b"".join(self._heard)

    def _collect(self, samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._heard.append(ctypes.string_at(samples, count * 2))
        return 0


@cache
def _library() -> _Library:
    loader = load("espeakng_loader", _ENGINE)
    data = Path(loader.get_data_path())
    try:
        native = ctypes.CDLL(loader.get_library_path())
        short = _short(data)
        rate = native.espeak_Initialize(_SYNCHRONOUS, 0, _narrow(short), _DONT_EXIT)
    except (OSError, ValueError) as error:
        raise EngineUnavailable(_ENGINE, f"cannot be loaded ({error})") from error
    if rate <= 0:
        raise EngineUnavailable(_ENGINE, f"cannot read its data in {short}")
    native.espeak_Info.restype = ctypes.c_char_p
    native.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    version = ".".join(native.espeak_Info(None).decode().split(".")[:2])
    voices = {file.name.lower(): file.name for file in (data / "lang").rglob("*") if file.is_file()}
    return _Library(native, rate, version, voices)


def _short(data: Path) -> Path:
    """The data folder under a path that the library can take."""
    if len(os.fsencode(data)) <= _LONGEST_DATA_PATH:
        return data
    folder = Path(tempfile.mkdtemp(prefix="espeak-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    short = folder / data.name
    try:
        short.symlink_to(data, target_is_directory=True)
    except OSError:  # Windows lets few users make links
        shutil.copytree(data, short)
    return short


def _narrow(path: Path) -> bytes:
    # On Windows the library opens files by names in the system's code page, not in UTF-8.
    return str(path).encode("mbcs") if os.name == "nt" else os.fsencode(path)
