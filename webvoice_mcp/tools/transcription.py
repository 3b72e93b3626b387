"""Speech to text."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import Field

from webvoice_mcp.contract.speech import (
    TRANSCRIPTION,
    TranscriptionProvider,
    TranscriptionReply,
    TranscriptionRequest,
)
from webvoice_mcp.files import Output
from webvoice_mcp.jobs.batch import PaidBatch
from webvoice_mcp.jobs.call import Input
from webvoice_mcp.jobs.transcription import transcription
from webvoice_mcp.tools.parameters import Background
from webvoice_mcp.tools.results import File, PaidResult
from webvoice_mcp.tools.toolset import ToolSet

tools = ToolSet("speech")

AudioPath = Annotated[str, Field(description="MP3, WAV, M4A or FLAC file: absolute, ~ or in the output folder.")]
SpokenLanguage = Annotated[str, Field(description="Code of the spoken language, e.g. it. Unset or auto: detected.")]
TranscriptPath = Annotated[
    str,
    Field(
        description="Also save it: a new .txt, or .srt or .vtt for subtitles, or a folder; absolute, ~ or in the"
        " output folder."
    ),
]


class Transcript(PaidResult):
    """The text of a recording."""

    text: str | None = None
    language: str | None = None
    duration: float | None = Field(None, description="Seconds.")
    files: list[File] | None = None
    preview: str | None = None
    characters: int | None = None
    parts: int | None = None
    parts_reused: int | None = None
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
) -> PaidBatch[Transcript]:
    """Transcribe a recording from this computer to text or subtitles; long ones are cut in pauses.

    Costs 0.3 credits per minute; subtitles 0.3 for each phrase of up to 15 s. The file is uploaded. To name no model
    but the fast one: webvoice_whisper_fast_stt.
    """
    spoken = "" if language.casefold() == "auto" else language
    name = PurePath(audio_path).stem
    suffixes = (".txt", ".srt", ".vtt")
    return transcription(
        _transcript,
        TranscriptionRequest(language=spoken, provider=provider),
        Input(audio_path, "audio_path", "audio"),
        output=Output(output_path, "stt", name_from=name, suffixes=suffixes, family="text") if output_path else None,
        background=background,
    )


@tools.paid(TRANSCRIPTION, title="Fast speech to text")
async def webvoice_whisper_fast_stt(
    audio_path: AudioPath,
    language: SpokenLanguage = "",
    output_path: TranscriptPath = "",
    background: Background = False,
) -> PaidBatch[Transcript]:
    """Transcribe a recording from this computer with the fast model (Whisper large v3 turbo) and return the text.

    Costs 0.3 credits per minute. For the account's default or another model use webvoice_stt.
    """
    return await webvoice_stt(audio_path, language, "whisper_fast", output_path, background)


def _transcript(reply: TranscriptionReply | None, fields: Mapping[str, Any]) -> Transcript:
    transcript = Transcript.model_validate(fields)
    if reply is None:
        return transcript
    own = {name: getattr(transcript, name) for name in fields}
    return Transcript.from_reply(reply, **{"text": None, **own})
