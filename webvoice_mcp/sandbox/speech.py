"""Speech: voices, text to MP3, recordings to text."""

import base64
import math

from starlette.responses import Response

from webvoice_mcp.contract.speech import (
    SPEECH,
    SPEECH_CREDITS_PER_MINUTE,
    TRANSCRIPTION,
    TRANSCRIPTION_CREDITS_PER_MINUTE,
    TRANSCRIPTION_PROVIDERS,
    VOICES,
)
from webvoice_mcp.sandbox.call import Call, door
from webvoice_mcp.sandbox.database import Holder
from webvoice_mcp.sandbox.engines import Sound, audio, espeak, hibari, whisper
from webvoice_mcp.sandbox.reading import read_json, read_upload
from webvoice_mcp.sandbox.replies import success

_LONGEST_TEXT = 5000

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

# The documented ids, so that what is written against the service runs here; the names say who speaks.
_DOCUMENTED = {
    "en": [
        {"id": "af_sarah", "name": "Sarah (Female, English; in the sandbox: hibari)"},
        {"id": "am_adam", "name": "Adam (Male, English; in the sandbox: hibari, a female voice)"},
    ],
    "it": [{"id": "if_sara", "name": "Sara (Female, Italian; in the sandbox: espeak-ng)"}],
}
_VOICES = {
    code: _DOCUMENTED.get(code, []) or [{"id": f"sandbox_{code}", "name": f"espeak-ng ({name}; the sandbox's)"}]
    for code, name in _LANGUAGES.items()
}
_VOICE_IDS = tuple(voice["id"] for voices in _VOICES.values() for voice in voices)


async def voices(call: Call, _holder: Holder) -> Response:
    """The voices by language."""
    wanted = call.request.query_params.get("language") or ""
    return success(voices={code: each for code, each in _VOICES.items() if wanted in ("", code)})


async def tts(call: Call, holder: Holder) -> Response:
    """Speak a text."""
    fields = await read_json(call.request)
    text = fields.text("text", longest=_LONGEST_TEXT)
    fields.choice("voice", _VOICE_IDS)
    language = fields.choice("language", tuple(_LANGUAGES), "en")
    speed = fields.number("speed", 0.9, 0.5, 2.0)
    call.afford(holder, SPEECH_CREDITS_PER_MINUTE)
    sound, mp3 = await call.work(_speak, text, language, speed)
    note = call.charge(holder, _price(sound, SPEECH_CREDITS_PER_MINUTE))
    return success(
        audio=base64.b64encode(mp3).decode(),
        format="mp3",
        duration=round(sound.seconds, 2),
        provider=sound.provider,
        **note,
    )


async def stt(call: Call, holder: Holder) -> Response:
    """Write down a recording."""
    upload = await read_upload(call.request, TRANSCRIPTION.file_field)
    language = upload.fields.text("language", "auto").strip()
    upload.fields.choice("provider", TRANSCRIPTION_PROVIDERS, TRANSCRIPTION_PROVIDERS[0])
    sound = await call.work(audio.decode, upload.data)
    price = _price(sound, TRANSCRIPTION_CREDITS_PER_MINUTE)
    call.afford(holder, price)
    transcript = await call.work(whisper.transcribe, sound, language)
    return success(
        text=transcript.text,
        language=transcript.language,
        duration=round(sound.seconds, 2),
        provider=transcript.provider,
        **call.charge(holder, price),
    )


def _speak(text: str, language: str, speed: float) -> tuple[Sound, bytes]:
    sound = hibari.speak(text, speed) if language == "en" else espeak.speak(text, language, speed)
    return sound, audio.encode(sound, title="WebVoice sandbox", comment=sound.provider)


def _price(sound: Sound, per_minute: float) -> float:
    """The documented price for each minute that was begun."""
    return round(per_minute * max(1, math.ceil(sound.seconds / 60)), 6)


DOORS = (door(VOICES, voices), door(SPEECH, tts), door(TRANSCRIPTION, stt))
