"""Speech: voices, text to speech, speech to text."""

from typing import Literal

from webvoice_mcp.contract import prices
from webvoice_mcp.contract.endpoint import Billed, Endpoint, Reply, Request, Rows, Table

SPEECH_CREDITS_PER_MINUTE = prices.SPEECH.credits
TRANSCRIPTION_CREDITS_PER_MINUTE = prices.TRANSCRIPTION.credits

# The voices that the documentation's own examples name first for their language.
DEFAULT_VOICES = {"en": "af_sarah", "it": "if_sara"}

TranscriptionProvider = Literal["whisper_small", "whisper_fast", "whisper_groq", "whisper_max_local"]
TRANSCRIPTION_PROVIDERS: tuple[TranscriptionProvider, ...] = (
    "whisper_small",
    "whisper_fast",
    "whisper_groq",
    "whisper_max_local",
)


class VoicesRequest(Request):
    language: str | None = None
    provider: str | None = None


class Voice(Reply):
    id: str
    name: str | None = None


class VoicesReply(Reply):
    voices: Table[Rows[Voice]]


class SpeechRequest(Request):
    text: str
    voice: str
    language: str
    speed: float
    provider: str | None = None


class SpeechReply(Billed):
    format: str | None = None
    duration: float | None = None
    provider: str | None = None


class TranscriptionRequest(Request):
    language: str | None = None
    provider: TranscriptionProvider | None = None


class TranscriptionReply(Billed):
    text: str
    language: str | None = None
    duration: float | None = None


VOICES = Endpoint("GET", "voices/", VoicesRequest, VoicesReply)
SPEECH = Endpoint("POST", "tts/", SpeechRequest, SpeechReply, paid=True, media=frozenset({"audio"}))
TRANSCRIPTION = Endpoint(
    "POST",
    "stt/",
    TranscriptionRequest,
    TranscriptionReply,
    paid=True,
    file_field="audio",
    providers=TRANSCRIPTION_PROVIDERS,
    aliases={"whisper_groq": "whisper_fast"},
    default_provider="whisper_small",
)
