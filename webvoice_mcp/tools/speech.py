"""Speech: voices, text to speech, speech to text."""

from pathlib import PurePath
from typing import Annotated

from pydantic import Field

from webvoice_mcp.contract.speech import (
    DEFAULT_VOICES,
    SPEECH,
    TRANSCRIPTION,
    VOICES,
    SpeechRequest,
    TranscriptionProvider,
    TranscriptionRequest,
    VoicesRequest,
)
from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.orders.desk import Wanted
from webvoice_mcp.tools._inject import TheClient, TheDesk
from webvoice_mcp.tools._params import Background, OutputPath
from webvoice_mcp.tools._results import File, Result, Wallet
from webvoice_mcp.tools._toolset import MAKES, READS, ToolSet

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


class SavedSpeech(Wallet):
    """Speech in a file."""

    files: list[File]
    format: str | None = None
    duration: float | None = Field(None, description="Seconds.")
    voice: str | None = None
    language: str | None = None
    provider: str | None = None
    note: str | None = None


class Transcript(Wallet):
    """What was said in a recording."""

    text: str | None = None
    language: str | None = None
    duration: float | None = Field(None, description="Seconds.")
    files: list[File] | None = None
    note: str | None = None


@tools.add(VOICES, title="List voices", effect=READS)
async def webvoice_list_voices(
    language: Annotated[str, Field(description="Only this language, e.g. en.")] = "",
    provider: Annotated[str, Field(description="Only this provider.")] = "",
    *,
    client: TheClient,
) -> VoiceList:
    """List the voices for webvoice_tts by language, with the ids that it takes.

    Free.
    """
    reply = await client.call(VOICES, VoicesRequest(language=language or None, provider=provider or None))
    voices = {
        code: [{"id": voice.id, "name": voice.name or voice.id} for voice in listed]
        for code, listed in reply.voices.items()
        if not language or code.casefold() == language.casefold()
    }
    return VoiceList(voices=voices, count=sum(map(len, voices.values())))


@tools.add(SPEECH, VOICES, title="Text to speech", effect=MAKES)
async def webvoice_tts(
    text: Annotated[str, Field(description="What to say.")],
    voice: Annotated[str, Field(description="Voice id from webvoice_list_voices. Unset: the language's own.")] = "",
    language: Annotated[str, Field(description="Code of the text's language.")] = "en",
    speed: Annotated[float, Field(ge=0.5, le=2, description="Pace; 1 is the voice's own.")] = 0.9,
    provider: Annotated[str, Field(description="Speech provider. Unset: the service's own.")] = "",
    output_path: OutputPath = "",
    background: Background = False,
    *,
    client: TheClient,
    desk: TheDesk,
) -> SavedSpeech:
    """Speak text and save it as an MP3 file; returns the file's path, not the audio.

    Costs 0.5 credits per minute of speech. Speaks, does not translate: see webvoice_translate.
    """
    wanted = Wanted(output_path, "webvoice_tts", text, (".mp3",), "audio", background)
    voice = voice or DEFAULT_VOICES.get(language, "")
    request = SpeechRequest(text=text, voice=voice, language=language, speed=speed, provider=provider or None)
    if not voice:
        await desk.check(request, wanted)
        voice = await _first_voice(client, language, provider)
        request = request.model_copy(update={"voice": voice})
    made = await desk.save(SPEECH, request, wanted)
    files = File.all(made.files)
    return SavedSpeech.of(made.reply, files=files, voice=voice, language=language, note=made.note or None)


@tools.add(TRANSCRIPTION, title="Speech to text", effect=MAKES)
async def webvoice_stt(
    audio_path: AudioPath,
    language: SpokenLanguage = "",
    provider: Annotated[
        TranscriptionProvider | None, Field(description="Unset: the account's default, whisper_small.")
    ] = None,
    output_path: TranscriptPath = "",
    background: Background = False,
    *,
    desk: TheDesk,
) -> Transcript:
    """Transcribe a recording from this computer and return what was said as text.

    Costs 0.3 credits per minute. The file is uploaded. To name no model but the fast one: webvoice_whisper_fast_stt.
    """
    spoken = "" if language.casefold() == "auto" else language
    request = TranscriptionRequest(language=spoken or None, provider=provider)
    words = PurePath(audio_path).stem
    wanted = Wanted(output_path, "webvoice_stt", words, (".txt",), "text", background)
    heard = await desk.transcribe(TRANSCRIPTION, request, audio_path, wanted)
    files = File.all(heard.files) or None
    return Transcript.of(heard.reply, files=files, note=heard.note or None)


@tools.add(TRANSCRIPTION, title="Fast speech to text", effect=MAKES)
async def webvoice_whisper_fast_stt(
    audio_path: AudioPath,
    language: SpokenLanguage = "",
    output_path: TranscriptPath = "",
    background: Background = False,
    *,
    desk: TheDesk,
) -> Transcript:
    """Transcribe a recording from this computer with the fast model (Whisper large v3 turbo) and return the text.

    Costs 0.3 credits per minute. For the account's default or another model use webvoice_stt.
    """
    return await webvoice_stt(audio_path, language, "whisper_fast", output_path, background, desk=desk)


async def _first_voice(client: TheClient, language: str, provider: str) -> str:
    listed = await webvoice_list_voices(language, provider, client=client)
    first = next((voice["id"] for voices in listed.voices.values() for voice in voices), "")
    if not first:
        raise InvalidArgument(
            f"language {language!r} has no voice. webvoice_list_voices lists what there is; give voice and language."
        )
    return first
