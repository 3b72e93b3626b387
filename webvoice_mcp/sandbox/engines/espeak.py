"""Speech in about a hundred languages by espeak-ng. It sounds synthetic, but is fast and runs everywhere.

The package espeakng-loader contains the shared library and its data. The library is called through ctypes.
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

from webvoice_mcp.sandbox.engines import EngineUnavailable, InvalidInput, Sound, join, load
from webvoice_mcp.sandbox.engines.pacing import speak_paced

_ENGINE = "espeakng-loader"
_LOCK = Lock()  # the library has only one voice, one speed and one callback in a process

# From espeak-ng's speak_lib.h.
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000  # without it, a failed start ends the process
_RATE = 1
_UTF8 = 1

_WORDS_PER_MINUTE = 175  # espeak's default
_MAX_DATA_PATH_BYTES = 150  # the library's buffer has 160, and it silently uses another path in place of a longer one

# Languages whose voice has another name.
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

WOMAN = "+f2"  # one of the variants of every voice

_CHINESE_CHARACTERS = re.compile(r"([\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+)")
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


def speak(text: str, language: str, speed: float, variant: str = "") -> Sound:
    """Speak a text that fits into memory; see `stream`."""
    return join(stream(text, language, speed, variant))


def stream(text: str, language: str, speed: float, variant: str) -> Iterator[Sound]:
    """Yield the speech of a text, sentence by sentence.

    The Japanese voice reads only kana and spells other characters out. So the Chinese voice reads the Chinese
    characters: the sounds are wrong, but the length is about right.

    Args:
        text: the text, of any length.
        language: a code such as "it" or "pt-PT".
        speed: from 0.5 to 2.0; 1.0 is the voice's own pace.
        variant: "" for the language's own voice, which is a man's, or WOMAN.

    Raises:
        InvalidInput: there is no voice for the language, or nothing to say in the text.
        EngineUnavailable: the package is missing or damaged.
    """
    with _LOCK:
        library = _library()
    voice = library.voice(language)
    voices = ["ja", "cmn"] if voice == "ja" and _CHINESE_CHARACTERS.search(text) else [voice]
    provider = f"sandbox:espeak-ng-{library.version}/{'+'.join(voices)}{variant}"

    def synthesise(sentence: str) -> bytes:
        pieces = _by_script(sentence) if voice == "ja" else [(voice, sentence)]
        with _LOCK:
            return b"".join(library.synthesise(piece, name + variant, speed) for name, piece in pieces)

    is_silent = True
    for pcm in speak_paced(text, speed, library.rate, synthesise):
        is_silent = False
        yield Sound(pcm, library.rate, provider)
    if is_silent:
        raise InvalidInput(f"The sandbox's voice for {language!r} can say nothing of this text. Send other text.")


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
    voices: dict[str, str]  # the names of the voices by their lower-case codes
    _chunks: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._callback = _CALLBACK(self._collect)  # an attribute, because the library holds only a pointer to it
        self.native.espeak_SetSynthCallback(self._callback)

    def voice(self, language: str) -> str:
        code = language.strip().lower().replace("_", "-")
        for name in (code, code.partition("-")[0]):
            if found := self.voices.get(_VOICES.get(name, name)):
                return found
        raise InvalidInput(f"The sandbox has no voice for the language {language!r}. Use a language of GET voices/.")

    def synthesise(self, text: str, voice: str, speed: float) -> bytes:
        self._chunks.clear()
        self.native.espeak_SetVoiceByName(voice.encode())
        self.native.espeak_SetParameter(_RATE, round(_WORDS_PER_MINUTE * speed), 0)
        sent = text.replace("\0", " ").encode(errors="replace")
        self.native.espeak_Synth(sent, len(sent) + 1, 0, 0, 0, _UTF8, None, None)
        return b"".join(self._chunks)

    def _collect(self, samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._chunks.append(ctypes.string_at(samples, count * 2))
        return 0


@cache
def _library() -> _Library:
    loader = load("espeakng_loader", _ENGINE)
    data = Path(loader.get_data_path())
    try:
        native = ctypes.CDLL(loader.get_library_path())
        short = _shorten(data)
        rate = native.espeak_Initialize(_SYNCHRONOUS, 0, _encode_path(short), _DONT_EXIT)
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


def _shorten(data: Path) -> Path:
    """Return a path to the data folder that is short enough for the library."""
    if len(os.fsencode(data)) <= _MAX_DATA_PATH_BYTES:
        return data
    folder = Path(tempfile.mkdtemp(prefix="espeak-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    short = folder / data.name
    try:
        short.symlink_to(data, target_is_directory=True)
    except OSError:  # most users of Windows may not create links
        shutil.copytree(data, short)
    return short


def _encode_path(path: Path) -> bytes:
    # On Windows, the library expects paths in the system's code page, not in UTF-8.
    return str(path).encode("mbcs") if os.name == "nt" else os.fsencode(path)
