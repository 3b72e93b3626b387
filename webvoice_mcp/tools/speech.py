"""Speech: voices, text to speech, narration."""

from functools import partial
from pathlib import PurePath
from typing import Annotated, Literal

from pydantic import Field

from webvoice_mcp.client.free_client import FreeClient
from webvoice_mcp.contract.speech import DEFAULT_VOICES, SPEECH, VOICES, SpeechReply, SpeechRequest
from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.files import Output
from webvoice_mcp.jobs.batch import PaidBatch, TextFile
from webvoice_mcp.jobs.call import Delivery, PaidCall
from webvoice_mcp.jobs.narration import Line, narration
from webvoice_mcp.jobs.voices import first_voice, list_voices, voice_ids
from webvoice_mcp.tools._lines import JsonObject, read_lines
from webvoice_mcp.tools.parameters import Background, OutputPath
from webvoice_mcp.tools.results import File, PaidResult, Result
from webvoice_mcp.tools.toolset import READS, ToolSet

tools = ToolSet("speech")

Speed = Annotated[float, Field(ge=0.5, le=2, description="Pace; 1 is the voice's own.")]


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


class Narration(PaidResult):
    """A narration in a file, and its subtitles."""

    files: list[File]
    duration: float | None = Field(None, description="Seconds.")
    parts: int | None = None
    parts_reused: int | None = None
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
    voices = await list_voices(language, provider, client)
    return VoiceList(voices=voices, count=sum(map(len, voices.values())))


@tools.paid(SPEECH, VOICES, title="Text to speech")
async def webvoice_tts(
    text: Annotated[str, Field(description="What to say.")],
    voice: Annotated[str, Field(description="Voice id from webvoice_list_voices. Unset: the language's own.")] = "",
    language: Annotated[str, Field(description="Code of the text's language.")] = "en",
    speed: Speed = 0.9,
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


@tools.paid(SPEECH, VOICES, title="Narrate")
async def webvoice_narrate(
    text: Annotated[str, Field(description="What to say. Give this, text_path or lines.")] = "",
    text_path: Annotated[str, Field(description="A .txt, .md, .srt or .vtt file to read aloud, at most 2 MB.")] = "",
    lines: Annotated[
        list[JsonObject] | None,
        Field(description="Objects with text and, where they differ, voice, language, speed, pause."),
    ] = None,
    voice: Annotated[str, Field(description="Voice id from webvoice_list_voices. Unset: the language's own.")] = "",
    language: Annotated[str, Field(description="Code of the text's language.")] = "en",
    speed: Speed = 0.9,
    pause: Annotated[
        float, Field(ge=0, le=10, description="Seconds after a line, and between parts at a paragraph.")
    ] = 0.5,
    subtitles: Annotated[Literal["srt", "vtt"] | None, Field(description="Also save subtitles beside the MP3.")] = None,
    output_path: OutputPath = "",
    background: Background = False,
) -> PaidBatch[Narration]:
    """Speak a text of any length, a file or the lines of several voices, and save one MP3 file.

    Costs 0.5 credits per started minute of each part of at most 4,000 characters. Parts are kept: after a failure the
    same call pays only for the rest. For a sentence or two use webvoice_tts.
    """
    if sum(map(bool, (text, text_path, lines))) != 1:
        raise InvalidArgument("Give exactly one of text, text_path (a file) and lines (several voices).")
    default = Line(text, voice, language, speed, pause, "text_path" if text_path else "text")
    suffix = f".{subtitles}" if subtitles else ""
    return narration(
        Narration,
        read_lines(lines, default) if lines else [default],
        text_file=TextFile(text_path, "text_path") if text_path else None,
        subtitles=suffix,
        output=Output(output_path, "narrate", text or PurePath(text_path).stem, (".mp3",), "audio"),
        background=background,
    )


async def _with_first_voice(request: SpeechRequest, client: FreeClient) -> SpeechRequest:
    """Choose the first voice that the service lists for the language."""
    listed = await voice_ids(request.language, request.provider or "", client)
    voice = first_voice(request.language, listed)
    return request.model_copy(update={"voice": voice})


def _saved_speech(delivery: Delivery[SpeechReply]) -> SavedSpeech:
    request = delivery.request
    return SavedSpeech.from_reply(
        delivery.reply,
        files=File.list_of(delivery.files),
        voice=request.voice,
        language=request.language,
        note=delivery.note or None,
    )
