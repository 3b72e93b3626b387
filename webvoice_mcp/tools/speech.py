"""Speech: voices, text to speech, speech to text."""

import re
from functools import partial
from pathlib import PurePath
from typing import Annotated

from pydantic import Field

from webvoice_mcp.client.free_client import FreeClient
from webvoice_mcp.contract.speech import (
    DEFAULT_VOICES,
    SPEECH,
    TRANSCRIPTION,
    VOICES,
    SpeechReply,
    SpeechRequest,
    TranscriptionProvider,
    TranscriptionReply,
    TranscriptionRequest,
    VoicesRequest,
)
from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.files import Output
from webvoice_mcp.jobs.call import Delivery, Input, PaidCall
from webvoice_mcp.tools.parameters import Background, OutputPath
from webvoice_mcp.tools.results import File, PaidResult, Result
from webvoice_mcp.tools.toolset import READS, ToolSet

tools = ToolSet("speech")

AudioPath = Annotated[str, Field(description="MP3, WAV, M4A or FLAC file: absolute, ~ or in the output folder.")]
SpokenLanguage = Annotated[str, Field(description="Code of the spoken language, e.g. it. Unset or auto: detected.")]
TranscriptPath = Annotated[
    str, Field(description="Also save the text: a new .txt file or a folder, absolute, ~ or in the output folder.")
]


class VoiceList(Result):
    """Voices by language."""

    voices: dict[str, list[dict[str, str]]] = Field(description="Language code to voices (id, name).")
    count: int


class SavedSpeech(PaidResult):
    """Speech in a file."""

    files: list[File]
    format: str | None = None
    duration: float | None = Field(None, description="Seconds.")
    voice: str | None = None
    language: str | None = None
    provider: str | None = None
    note: str | None = None


class Transcript(PaidResult):
    """The text of a recording."""

    text: str | None = None
    language: str | None = None
    duration: float | None = Field(None, description="Seconds.")
    files: list[File] | None = None
    note: str | None = None


@tools.free(VOICES, title="List voices", effect=READS)
async def webvoice_list_voices(
    language: Annotated[str, Field(description="Only this language, e.g. en.")] = "",
    provider: Annotated[str, Field(description="Only this provider.")] = "",
    *,
    client: FreeClient,
) -> VoiceList:
    """List the voices for webvoice_tts by language: the ids that it takes, and names, which tell the gender.

    Free.
    """
    voices = await _voices(language, provider, client)
    base = re.split("[-_]", language)[0]
    if not voices and base not in ("", language):
        voices = await _voices(base, provider, client)
    return VoiceList(voices=voices, count=sum(map(len, voices.values())))


async def _voices(language: str, provider: str, client: FreeClient) -> dict[str, list[dict[str, str]]]:
    reply = await client.call(VOICES, VoicesRequest(language=language or None, provider=provider or None))
    return {
        code: [{"id": voice.id, "name": voice.name or voice.id} for voice in listed]
        for code, listed in reply.voices.items()
        if not language or code.casefold() == language.casefold()
    }


@tools.paid(SPEECH, VOICES, title="Text to speech")
async def webvoice_tts(
    text: Annotated[str, Field(description="What to say.")],
    voice: Annotated[str, Field(description="Voice id from webvoice_list_voices. Unset: the language's own.")] = "",
    language: Annotated[str, Field(description="Code of the text's language.")] = "en",
    speed: Annotated[float, Field(ge=0.5, le=2, description="Pace; 1 is the voice's own.")] = 0.9,
    provider: Annotated[str, Field(description="Speech provider. Unset: the service's own.")] = "",
    output_path: OutputPath = "",
    background: Background = False,
) -> PaidCall[SavedSpeech]:
    """Speak text and save it as an MP3 file; returns the file's path, not the audio.

    Costs 0.5 credits per minute of speech. MP3 only: an output_path that ends in .wav is refused.
    """
    voice = voice or DEFAULT_VOICES.get(language, "")
    request = SpeechRequest(text=text, voice=voice, language=language, speed=speed, provider=provider)
    return PaidCall(
        SPEECH,
        request,
        result=_saved_speech,
        output=Output(output_path, "tts", name_from=text, suffixes=(".mp3",), family="audio"),
        complete=None if voice else partial(_with_first_voice, request),
        background=background,
    )


@tools.paid(TRANSCRIPTION, title="Speech to text")
async def webvoice_stt(
    audio_path: AudioPath,
    language: SpokenLanguage = "",
    provider: Annotated[
        TranscriptionProvider | None, Field(description="Unset: the account's default, whisper_small.")
    ] = None,
    output_path: TranscriptPath = "",
    background: Background = False,
) -> PaidCall[Transcript]:
    """Transcribe a recording from this computer and return what was said as text.

    Costs 0.3 credits per minute. The file is uploaded. To name no model but the fast one: webvoice_whisper_fast_stt.
    """
    spoken = "" if language.casefold() == "auto" else language
    name = PurePath(audio_path).stem
    output = Output(output_path, "stt", name_from=name, suffixes=(".txt",), family="text") if output_path else None
    return PaidCall(
        TRANSCRIPTION,
        TranscriptionRequest(language=spoken, provider=provider),
        result=_transcript,
        inputs=[Input(audio_path, "audio_path", "audio")],
        output=output,
        text=lambda reply: str(reply.text),
        background=background,
    )


@tools.paid(TRANSCRIPTION, title="Fast speech to text")
async def webvoice_whisper_fast_stt(
    audio_path: AudioPath,
    language: SpokenLanguage = "",
    output_path: TranscriptPath = "",
    background: Background = False,
) -> PaidCall[Transcript]:
    """Transcribe a recording from this computer with the fast model (Whisper large v3 turbo) and return the text.

    Costs 0.3 credits per minute. For the account's default or another model use webvoice_stt.
    """
    return await webvoice_stt(audio_path, language, "whisper_fast", output_path, background)


async def _with_first_voice(request: SpeechRequest, client: FreeClient) -> SpeechRequest:
    """Choose the first voice that the service lists for the language."""
    listed = await _voices(request.language, request.provider or "", client)
    first = next((voice["id"] for voices in listed.values() for voice in voices), "")
    if not first:
        raise InvalidArgument(
            f"language {request.language!r} has no voice. Call webvoice_list_voices, and give voice and language."
        )
    return request.model_copy(update={"voice": first})


def _saved_speech(delivery: Delivery[SpeechReply]) -> SavedSpeech:
    request = delivery.request
    return SavedSpeech.from_reply(
        delivery.reply,
        files=File.list_of(delivery.files),
        voice=request.voice,
        language=request.language,
        note=delivery.note or None,
    )


def _transcript(delivery: Delivery[TranscriptionReply]) -> Transcript:
    files = File.list_of(delivery.files) or None
    return Transcript.from_reply(delivery.reply, files=files, note=delivery.note or None)
