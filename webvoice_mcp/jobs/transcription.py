"""Transcription of recordings of any length: long ones are cut in pauses, and for subtitles into phrases."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, TypeVar

import anyio.from_thread
from pydantic import BaseModel

from webvoice_mcp.contract.speech import (
    TRANSCRIPTION,
    TRANSCRIPTION_PRICE,
    TranscriptionReply,
    TranscriptionRequest,
)
from webvoice_mcp.errors import FileError, InvalidResponse
from webvoice_mcp.files import InputFile, Output
from webvoice_mcp.jobs.batch import Assembly, PaidBatch, Part, Plan, Sources
from webvoice_mcp.jobs.call import Input
from webvoice_mcp.jobs.long_results import SHOWN_CHARACTERS, preview
from webvoice_mcp.storage.threads import WorkerThreads
from webvoice_mcp.studio.pauses import Phrase, Span
from webvoice_mcp.studio.recordings import MAX_PIECE_SECONDS, Recording, open_recording, plan_cuts, plan_phrases
from webvoice_mcp.studio.subtitles import Cue, format_srt, format_vtt

T = TypeVar("T", bound=BaseModel)
MakeResult = Callable[[TranscriptionReply | None, Mapping[str, Any]], T]

_FORMATS = {".srt": format_srt, ".vtt": format_vtt}


def transcription(
    make_result: MakeResult[T],
    request: TranscriptionRequest,
    recording: Input,
    *,
    output: Output | None,
    background: bool,
) -> PaidBatch[T]:
    """Return a transcription as a paid batch, of one part if the recording is sent as it is.

    Args:
        make_result: makes the tool's result from its fields, and from the reply if there is only one.
        output: the place of the text; its extension chooses between text and subtitles.
    """
    given = PurePath(output.path).suffix.lower() if output else ""
    subtitles = given if given in _FORMATS else ""

    async def plan(sources: Sources) -> Plan[T]:
        file = sources.recording
        assert file is not None, "the batch has a recording"  # noqa: S101 - for mypy
        seconds = await file.seconds()
        fits = file.size <= sources.max_upload_bytes and (seconds is None or seconds <= MAX_PIECE_SECONDS)
        if fits and not subtitles:
            part = Part(request, file, seconds)
            return Plan([part], lambda assembly: _assemble_one(assembly, part, make_result), "the whole recording")
        pieces = await _cut(file, sources.max_upload_bytes, for_subtitles=bool(subtitles))
        parts = [await piece.part(request) for piece in pieces]
        price = f"{TRANSCRIPTION_PRICE.credits:g} per started minute of each"
        basis = f"{len(parts)} {'phrases, so that subtitles have their times' if subtitles else 'pieces'}, {price}"

        async def assemble(assembly: Assembly) -> T:
            return await _assemble(assembly, pieces, parts, subtitles, make_result)

        return Plan(parts, assemble, basis)

    return PaidBatch(TRANSCRIPTION, plan, recording=recording, output=output, background=background)


@dataclass(frozen=True, slots=True)
class _CutPiece:
    """A piece of a recording, which is cut out again whenever it is read, so that many need no space."""

    recording: Recording
    phrase: Phrase
    threads: WorkerThreads
    name: str = ""
    mime_type: str = ""
    size: int = 0

    async def part(self, request: TranscriptionRequest) -> Part:
        """Measure the piece, and return the part that sends it."""
        piece = await self.threads.run(self.recording.cut, self._span, anyio.from_thread.check_cancelled)
        try:
            digest = await self.threads.run(piece.digest)
            measured = _CutPiece(self.recording, self.phrase, self.threads, piece.name, piece.mime_type, piece.size)
            return Part(request, measured, piece.seconds, digest)
        finally:
            piece.close()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the piece's bytes."""
        piece = await self.threads.run(self.recording.cut, self._span, anyio.from_thread.check_cancelled)
        try:
            async for block in piece.chunks(self.threads):
                yield block
        finally:
            piece.close()

    @property
    def _span(self) -> Span:
        return Span(self.phrase.start, self.phrase.end)


async def _cut(file: InputFile, max_bytes: int, *, for_subtitles: bool) -> list[_CutPiece]:
    """Cut a recording in its pauses: into phrases, or into pieces that are not too long or too large."""
    threads = WorkerThreads(1)
    check = anyio.from_thread.check_cancelled
    opened = await threads.run(open_recording, file.source, file.kind, file.name, check)
    if for_subtitles:
        phrases: Sequence[Phrase] = await threads.run(plan_phrases, opened, check=check)
    else:
        spans = await threads.run(plan_cuts, opened, max_bytes=max_bytes, check=check)
        phrases = [Phrase(span.start, span.end, span.start, span.end) for span in spans]
    return [_CutPiece(opened, phrase, threads) for phrase in phrases]


async def _assemble_one(assembly: Assembly, part: Part, make_result: MakeResult[T]) -> T:
    reply: TranscriptionReply = assembly.reply(part)
    return make_result(reply, await _save(assembly, reply.text, reply.text, ".txt"))


async def _assemble(
    assembly: Assembly, pieces: Sequence[_CutPiece], parts: Sequence[Part], subtitles: str, make_result: MakeResult[T]
) -> T:
    replies: list[TranscriptionReply] = [assembly.reply(part) for part in parts]
    texts = [reply.text.strip() for reply in replies]
    text = " ".join(filter(None, texts))
    content = text
    if subtitles:
        cues = [Cue(*piece.phrase.shown, said) for piece, said in zip(pieces, texts, strict=True)]
        content = _FORMATS[subtitles](cues)
    fields = assembly.summary | {
        "language": next((reply.language for reply in replies if reply.language), None),
        "duration": round(pieces[-1].phrase.end, 3),
    }
    return make_result(None, fields | await _save(assembly, text, content, subtitles or ".txt"))


async def _save(assembly: Assembly, text: str, content: str, suffix: str) -> dict[str, Any]:
    """Save the content, if there is an output; return the text for the result, of a long one only its beginning.

    A text that cannot be saved was paid for, so it is delivered all the same. Subtitles are not: without a file their
    times would be lost, whereas their parts are kept for the next call.
    """
    if not assembly.outputs:
        return {"text": text}
    try:
        assembly.outputs[0].write(content.encode())
        saved = await assembly.publish(assembly.outputs[0], suffix)
    except (FileError, InvalidResponse) as error:
        if suffix in _FORMATS:
            raise
        return {"text": text, "note": f"The text could not be saved: {error}"}
    files = {"files": [saved.facts()]}
    if len(text) <= SHOWN_CHARACTERS:
        return {"text": text, **files}
    return preview(text) | files
