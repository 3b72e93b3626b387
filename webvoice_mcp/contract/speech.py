"""Speech: voices, text to speech, speech to text."""

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator

from webvoice_mcp.contract.endpoint import Billed, FreeEndpoint, PaidEndpoint, Reply, Request, Rows, Table
from webvoice_mcp.contract.estimate import Estimate, started_units
from webvoice_mcp.contract.prices import Price

SPEECH_PRICE = Price("text to speech", 0.5, "minute", "Credits: TTS: 0.5 credits per minute")
TRANSCRIPTION_PRICE = Price("speech to text", 0.3, "minute", "Credits: STT: 0.3 credits per minute")

# About 150 words a minute at speed 1. A Chinese, Japanese or Korean character is one syllable. A digit is spoken as
# words ("7" in "700,000" as "seven hundred thousand"), and so are symbols such as "%", "€" and "/". Arabic and Hebrew
# leave out most vowels, which are spoken.
_LETTERS_PER_SECOND = 15.0
_SYLLABLES_PER_SECOND = 3.9
_WITHOUT_VOWELS = re.compile(r"[\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3]")
_UNWRITTEN = 0.5  # vowels for each such letter
_SPOKEN_AS_WORDS = re.compile(r"\d|([$£¥€₹%‰&@+/=§°±×÷])\1*")
_WORDS = "x" * 10
_SYLLABLE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

# The first voice of each language in the documentation's examples.
DEFAULT_VOICES = {"en": "af_sarah", "it": "if_sara"}

TranscriptionProvider = Literal["whisper_small", "whisper_fast", "whisper_groq", "whisper_max_local"]
TRANSCRIPTION_PROVIDERS: tuple[str, ...] = get_args(TranscriptionProvider)


class VoicesRequest(Request):
    language: str | None = None
    provider: str | None = None


class Voice(Reply):
    id: str
    name: str | None = None


class VoicesReply(Reply):
    voices: Table[Rows[Voice]]


class SpeechRequest(Request):
    """`voice` is None until the language's first voice has been looked up in the service's list."""

    text: str
    voice: str | None = None
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


def _empty_if_null(text: Any) -> Any:
    return "" if text is None else text  # a recording without speech


class TranscriptionReply(Billed):
    text: Annotated[str, BeforeValidator(_empty_if_null)]
    language: str | None = None
    duration: float | None = None


def _estimate_speech(request: SpeechRequest, _seconds: float | None) -> Estimate:
    others, syllables = _SYLLABLE.subn("", request.text)
    letters = len(_SPOKEN_AS_WORDS.sub(_WORDS, others)) + _UNWRITTEN * len(_WITHOUT_VOWELS.findall(others))
    seconds = (letters / _LETTERS_PER_SECOND + syllables / _SYLLABLES_PER_SECOND) / request.speed
    return Estimate(
        round(started_units(seconds, 60) * SPEECH_PRICE.credits, 2),
        f"about {seconds:.0f} s of speech from {len(request.text)} characters at speed {request.speed:g}, "
        f"{SPEECH_PRICE.credits:g} per started minute",
    )


def _estimate_transcription(_request: TranscriptionRequest, seconds: float | None) -> Estimate:
    if seconds is None:
        return Estimate(None, "the length of the recording is unknown")
    return Estimate(
        round(started_units(seconds, 60) * TRANSCRIPTION_PRICE.credits, 2),
        f"{seconds:.1f} s of audio, {TRANSCRIPTION_PRICE.credits:g} per started minute",
    )


VOICES = FreeEndpoint("GET", "voices/", VoicesRequest, VoicesReply)
SPEECH = PaidEndpoint("POST", "tts/", SpeechRequest, SpeechReply, price=_estimate_speech, media=frozenset({"audio"}))
TRANSCRIPTION = PaidEndpoint(
    "POST",
    "stt/",
    TranscriptionRequest,
    TranscriptionReply,
    price=_estimate_transcription,
    file_field="audio",
    providers=TRANSCRIPTION_PROVIDERS,
    aliases={"whisper_groq": "whisper_fast"},
    default_provider="whisper_small",
)
