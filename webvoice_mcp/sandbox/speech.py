"""Speech: the list of voices, text to speech, and speech to text."""

import base64
import math

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

_MAX_TEXT_CHARACTERS = 5000

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
        {"id": "am_adam", "name": "Adam (Male, English; in the sandbox: hibari, a female voice)"},
    ],
    "it": [{"id": "if_sara", "name": "Sara (Female, Italian; in the sandbox: espeak-ng)"}],
}
_VOICES = {
    code: _DOCUMENTED_VOICES.get(code, [{"id": f"sandbox_{code}", "name": f"espeak-ng ({language}; the sandbox's)"}])
    for code, language in _LANGUAGES.items()
}
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
    text = fields.string("text", max_length=_MAX_TEXT_CHARACTERS)
    fields.choice("voice", _VOICE_IDS)
    language = fields.choice("language", tuple(_LANGUAGES), "en")
    speed = fields.number("speed", 0.9, 0.5, 2.0)
    request.require_credits(account, SPEECH_PRICE.credits)
    sound, mp3 = await request.run_engine(_speak, text, language, speed)
    billing = request.charge(account, _price(sound, SPEECH_PRICE.credits))
    return success(
        audio=base64.b64encode(mp3).decode(),
        format="mp3",
        duration=round(sound.seconds, 2),
        provider=sound.provider,
        **billing,
    )


async def stt(request: ApiRequest) -> Response:
    """Transcribe a recording."""
    account = request.authenticate().account
    form = await request.read_form(max_files=1)
    recordings = form.files.get(TRANSCRIPTION.file_field)
    if not recordings:
        raise HTTPException(400, f'Send multipart/form-data with a file in the field "{TRANSCRIPTION.file_field}".')
    language = form.fields.string("language", "auto").strip()
    form.fields.choice("provider", TRANSCRIPTION_PROVIDERS, TRANSCRIPTION_PROVIDERS[0])
    sound = await request.run_engine(audio.decode, recordings[0])
    price = _price(sound, TRANSCRIPTION_PRICE.credits)
    request.require_credits(account, price)
    transcript = await request.run_engine(whisper.transcribe, sound, language)
    return success(
        text=transcript.text,
        language=transcript.language,
        duration=round(sound.seconds, 2),
        provider=transcript.provider,
        **request.charge(account, price),
    )


def _speak(text: str, language: str, speed: float) -> tuple[Sound, bytes]:
    sound = hibari.speak(text, speed) if language == "en" else espeak.speak(text, language, speed)
    return sound, audio.encode(sound, title="WebVoice sandbox", comment=sound.provider)


def _price(sound: Sound, credits_per_minute: float) -> float:
    """Return the documented price: every started minute counts as a whole one."""
    return round(credits_per_minute * max(1, math.ceil(sound.seconds / 60)), 6)


ROUTES = [api_route(VOICES, voices), api_route(SPEECH, tts), api_route(TRANSCRIPTION, stt)]
