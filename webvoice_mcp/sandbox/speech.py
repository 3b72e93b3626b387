"""Speech: the list of voices, text to speech, and speech to text."""

import base64
import math
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response

from webvoice_mcp.contract.speech import (
    SPEECH,
    SPEECH_PRICE,
    TRANSCRIPTION,
    TRANSCRIPTION_PRICE,
    TRANSCRIPTION_PROVIDERS,
    VOICES,
)
from webvoice_mcp.sandbox.engines import Sound, audio, espeak, hibari, whisper
from webvoice_mcp.sandbox.requests import ApiRequest, api_route
from webvoice_mcp.sandbox.responses import success

_MAX_RECORDING_BYTES = 256 * 1024 * 1024  # more than this server sends by default; the service documents no limit

_LANGUAGES = {
    "en": "English",
    "it": "Italian",
    "es": "Spanish",
    "fr": "French",
    "de": "German",
    "pt": "Portuguese",
    "ru": "Russian",
    "zh": "Chinese",
    "ja": "Japanese",
    "ko": "Korean",
    "ar": "Arabic",
    "nl": "Dutch",
    "pl": "Polish",
    "tr": "Turkish",
    "cs": "Czech",
}

# Programs for the service use the documented ids. The names say which engine speaks in the sandbox.
_DOCUMENTED_VOICES = {
    "en": [
        {"id": "af_sarah", "name": "Sarah (Female, English; in the sandbox: hibari)"},
        {"id": "am_adam", "name": "Adam (Male, English; in the sandbox: hibari, lowered)"},
    ],
    "it": [{"id": "if_sara", "name": "Sara (Female, Italian; in the sandbox: espeak-ng)"}],
}
_VOICES = {
    code: _DOCUMENTED_VOICES.get(code, [{"id": f"sandbox_{code}", "name": f"espeak-ng ({language}; the sandbox's)"}])
    for code, language in _LANGUAGES.items()
}
_MAN = "am_adam"
_WOMEN = ("af_sarah", "if_sara")
_VOICE_IDS = tuple(voice["id"] for voices in _VOICES.values() for voice in voices)


async def voices(request: ApiRequest) -> Response:
    """List the voices by language."""
    request.authenticate()
    language = request.query_params.get("language") or ""
    return success(voices={code: listed for code, listed in _VOICES.items() if language in ("", code)})


async def tts(request: ApiRequest) -> Response:
    """Speak a text."""
    account = request.authenticate().account
    fields = await request.read_json()
    text = fields.string("text")
    voice = fields.choice("voice", _VOICE_IDS)
    language = fields.choice("language", tuple(_LANGUAGES), "en")
    speed = fields.number("speed", 0.9, 0.5, 2.0)
    request.require_credits(account, SPEECH_PRICE.credits)
    speech = await request.run_engine(_speak, text, voice, language, speed)
    billing = request.charge(account, _price(speech.seconds, SPEECH_PRICE.credits))
    return success(
        audio=base64.b64encode(speech.mp3).decode(),
        format="mp3",
        duration=round(speech.seconds, 2),
        provider=speech.provider,
        **billing,
    )


async def stt(request: ApiRequest) -> Response:
    """Transcribe a recording."""
    account = request.authenticate().account
    form = await request.read_form(max_files=1, max_bytes=_MAX_RECORDING_BYTES)
    recordings = form.files.get(TRANSCRIPTION.file_field)
    if not recordings:
        raise HTTPException(400, f'Send multipart/form-data with a file in the field "{TRANSCRIPTION.file_field}".')
    language = form.fields.string("language", "auto").strip()
    form.fields.choice("provider", TRANSCRIPTION_PROVIDERS, TRANSCRIPTION_PROVIDERS[0])
    seconds = await request.run_engine(_measure, recordings[0])
    price = _price(seconds, TRANSCRIPTION_PRICE.credits)
    request.require_credits(account, price)
    text, transcript = await request.run_engine(_transcribe, recordings[0], language)
    return success(
        text=text,
        language=transcript.language,
        duration=round(seconds, 2),
        provider=transcript.provider,
        **request.charge(account, price),
    )


class _Speech(NamedTuple):
    mp3: bytes
    seconds: float
    provider: str


def _speak(text: str, voice: str, language: str, speed: float) -> _Speech:
    if language == "en":
        sounds = hibari.stream(text, speed, hibari.MAN if voice == _MAN else hibari.WOMAN)
    else:
        sounds = espeak.stream(text, language, speed, espeak.WOMAN if voice in _WOMEN else "")
    first = next(sounds)  # the tags, which name its engine, are written before the sound
    lengths: list[float] = []

    def measured() -> Iterator[Sound]:
        for sound in chain([first], sounds):
            lengths.append(sound.seconds)
            yield sound

    mp3 = audio.encode(measured(), title="WebVoice sandbox", comment=first.provider)
    return _Speech(mp3, sum(lengths), first.provider)


def _measure(recording: bytes) -> float:
    return sum(block.seconds for block in audio.decode_blocks(recording))


def _transcribe(recording: bytes, language: str) -> tuple[str, whisper.Transcript]:
    """Return the whole text, and the transcript of the last block."""
    transcripts = [whisper.transcribe(block, language) for block in audio.decode_blocks(recording)]
    return " ".join(transcript.text for transcript in transcripts if transcript.text), transcripts[-1]


def _price(seconds: float, credits_per_minute: float) -> float:
    """Return the documented price: every started minute counts as a whole one."""
    return round(credits_per_minute * max(1, math.ceil(seconds / 60)), 6)


ROUTES = [api_route(VOICES, voices), api_route(SPEECH, tts), api_route(TRANSCRIPTION, stt)]
