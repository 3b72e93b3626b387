"""Speech to text."""

from pathlib import PurePath
from typing import Annotated

from pydantic import Field

from webvoice_mcp.contract.speech import (
    TRANSCRIPTION,
    TranscriptionProvider,
    TranscriptionReply,
    TranscriptionRequest,
)
from webvoice_mcp.files import Output
from webvoice_mcp.jobs.call import Delivery, Input, PaidCall
from webvoice_mcp.tools.parameters import Background
from webvoice_mcp.tools.results import File, PaidResult
from webvoice_mcp.tools.toolset import ToolSet

tools = ToolSet("speech")

AudioPath = Annotated[str, Field(description="MP3, WAV, M4A or FLAC file: absolute, ~ or in the output folder.")]
SpokenLanguage = Annotated[str, Field(description="Code of the spoken language, e.g. it. Unset or auto: detected.")]
TranscriptPath = Annotated[
    str, Field(description="Also save the text: a new .txt file or a folder, absolute, ~ or in the output folder.")
]


class Transcript(PaidResult):
    """The text of a recording."""

    text: str | None = None
    language: str | None = None
    duration: float | None = Field(None, description="Seconds.")
    files: list[File] | None = None
    note: str | None = None


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


def _transcript(delivery: Delivery[TranscriptionReply]) -> Transcript:
    files = File.list_of(delivery.files) or None
    return Transcript.from_reply(delivery.reply, files=files, note=delivery.note or None)
