"""Narration: a text of any length, or the lines of several voices, spoken to one MP3 file with subtitles."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from webvoice_mcp.client.free_client import FreeClient
from webvoice_mcp.contract.speech import DEFAULT_VOICES, SPEECH, SPEECH_PRICE, SpeechRequest
from webvoice_mcp.errors import InvalidArgument, UnsupportedMedia
from webvoice_mcp.files import Output, PendingFile
from webvoice_mcp.files.disk import disk_errors
from webvoice_mcp.jobs.batch import Assembly, PaidBatch, Part, Plan, Sources, TextFile
from webvoice_mcp.jobs.voices import first_voice, voice_ids
from webvoice_mcp.storage.threads import WorkerThreads
from webvoice_mcp.studio.decoder import TimeIsUpError
from webvoice_mcp.studio.extra import how_to_add
from webvoice_mcp.studio.mp3 import NotMp3, UnlikeParts, join
from webvoice_mcp.studio.mp3_silence import Silence
from webvoice_mcp.studio.sound_joined import BrokenPartError, join_sound_anew
from webvoice_mcp.studio.spoken_text import spoken_text
from webvoice_mcp.studio.subtitles import Cue, format_srt, format_vtt, spread
from webvoice_mcp.studio.text import cut

T = TypeVar("T", bound=BaseModel)

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """The words of one voice.

    Attributes:
        text: the text, of any length.
        voice: id of the voice, "" for the language's own.
        language: code of the text's language.
        speed: pace; 1 is the voice's own.
        pause: seconds of silence afterwards, and where the text is cut at a paragraph.
        name: the argument that it was given in, for messages.
    """

    text: str
    voice: str
    language: str
    speed: float
    pause: float
    name: str


@dataclass(frozen=True, slots=True)
class _Spoken:
    """A part of the narration, and the silence behind it."""

    part: Part
    text: str
    pause: float


def narration(
    result: type[T],
    lines: Sequence[Line],
    *,
    text_file: TextFile | None,
    subtitles: str,
    output: Output,
    background: bool,
) -> PaidBatch[T]:
    """Return a narration as a paid batch.

    Args:
        result: the model of the tool's result.
        lines: the words to speak; with a text file one line, whose text is what is read aloud of the file.
        subtitles: extension of the subtitles, "" for none.
    """
    names: dict[str, str] = {}

    async def plan(sources: Sources) -> Plan[T]:
        given = lines if text_file is None else [replace(lines[0], text=await _read_aloud(text_file, sources))]
        spoken = [piece for line in given for piece in _cut(line, names)]
        if not spoken:
            raise InvalidArgument(f"{given[0].name} has nothing in it to speak.")
        spoken[-1] = replace(spoken[-1], pause=0.0)

        async def assemble(assembly: Assembly) -> T:
            return await _assemble(assembly, spoken, subtitles, result)

        basis = f"{len(spoken)} parts of speech, {SPEECH_PRICE.credits:g} per started minute of each part"
        return Plan([piece.part for piece in spoken], assemble, basis)

    async def complete(client: FreeClient, parts: Sequence[Part]) -> list[Part]:
        return await _with_voices(parts, names, client)

    return PaidBatch(
        SPEECH,
        plan,
        text_file=text_file,
        output=output,
        beside=subtitles,
        complete=complete,
        background=background,
    )


async def _read_aloud(file: TextFile, sources: Sources) -> str:
    try:
        return await WorkerThreads(1).run(spoken_text, sources.text, sources.suffix)
    except ValueError as error:
        raise UnsupportedMedia(f"{file.argument}: {file.path}: {error}") from None


def _cut(line: Line, names: dict[str, str]) -> list[_Spoken]:
    """Cut a line into parts. Also note in which argument each part was given."""
    pieces = [piece for piece in cut(line.text) if _can_be_spoken(piece.text)]
    spoken: list[_Spoken] = []
    for piece in pieces:
        voice = line.voice or DEFAULT_VOICES.get(line.language)
        part = Part(SpeechRequest(text=piece.text, voice=voice, language=line.language, speed=line.speed))
        names.setdefault(part.id, line.name)
        spoken.append(_Spoken(part, piece.text, line.pause if piece.ends_paragraph else 0.0))
    if spoken:
        spoken[-1] = replace(spoken[-1], pause=line.pause)
    return spoken


def _can_be_spoken(text: str) -> bool:
    """Return False for marks and white space alone, which would be paid for without being heard."""
    return any(unicodedata.category(character)[0] in "LNS" for character in text)  # letters, numbers, symbols


async def _with_voices(parts: Sequence[Part], names: dict[str, str], client: FreeClient) -> list[Part]:
    """Check the voices, and choose the first one of a language that has no default.

    Raises:
        InvalidArgument: a voice is not listed for its language.
    """
    listed: dict[str, list[str]] = {}
    completed: list[Part] = []
    for part in parts:
        request = part.request
        assert isinstance(request, SpeechRequest), "parts of a narration are speech"  # noqa: S101 - for mypy
        language, voice = request.language, request.voice
        if language not in listed and (voice is None or voice != DEFAULT_VOICES.get(language)):
            listed[language] = await voice_ids(language, "", client)
        if voice is None:
            request = request.model_copy(update={"voice": first_voice(language, listed[language])})
        elif voice != DEFAULT_VOICES.get(language) and voice not in listed[language]:
            raise InvalidArgument(
                f"{names[part.id]}: voice {voice!r} is not listed for language {language!r}. webvoice_list_voices lists"
                " the voices. Nothing was sent."
            )
        completed.append(part.completed(request))
    return completed


async def _assemble(assembly: Assembly, spoken: Sequence[_Spoken], subtitles: str, result: type[T]) -> T:
    threads = WorkerThreads(1)
    sound, *others = assembly.outputs
    pieces = [piece for item in spoken for piece in (assembly.media(item.part), Silence(item.pause))]
    notes: list[str] = []
    try:
        lengths = await threads.run(_join, pieces, sound, notes)
    except _CannotBeJoined as error:
        return await _deliver_parts(assembly, spoken, str(error), result)
    await assembly.publish(sound, ".mp3")
    if others:
        cues = await threads.run(_cues, spoken, lengths)
        others[0].write((format_srt if subtitles == ".srt" else format_vtt)(cues).encode())
        await assembly.publish(others[0], subtitles)
        notes.append("Inside a part, the subtitles' times are in proportion to the letters of their sentences.")
    fields = assembly.summary | {"duration": round(sum(lengths), 3), "note": " ".join(notes) or None}
    return result.model_validate({**fields, "files": [file.facts() for file in assembly.files]})


class _CannotBeJoined(Exception):
    """The parts cannot become one file. The message says why."""


def _join(pieces: Sequence[Path | Silence], output: PendingFile, notes: list[str]) -> list[float]:
    """Join parts and silences, which alternate, and return the seconds of each. Blocks.

    Raises:
        _CannotBeJoined: they cannot be joined. Nothing of the output is of use.
        DiskError: a part cannot be read.
    """
    folder = next(piece for piece in pieces if isinstance(piece, Path)).parent
    with disk_errors("read a part of the narration in", folder):
        try:
            return join(pieces, output.write)
        except NotMp3 as error:
            raise _CannotBeJoined(f"Part {error.index // 2 + 1} has no MP3 frames.") from error
        except UnlikeParts as error:
            reason = f"Part {error.index // 2 + 1} has {error.found}, but the sound before it has {error.expected}."
        try:
            lengths = join_sound_anew(pieces, output.as_file())
        except ImportError as error:
            raise _CannotBeJoined(f"{reason} To have such parts joined, {how_to_add()}.") from error
        except (BrokenPartError, TimeIsUpError) as error:
            raise _CannotBeJoined(reason) from error
        notes.append("The parts differ in format, so their sound was encoded anew.")
        return lengths


async def _deliver_parts(assembly: Assembly, spoken: Sequence[_Spoken], reason: str, result: type[T]) -> T:
    """Deliver the parts as files of their own, because they cannot be joined."""
    first = assembly.outputs[0]
    threads = WorkerThreads(1)
    for item in spoken:
        output = await threads.run(_copy, assembly.media(item.part), first)
        kind = await output.kind()
        await assembly.publish(output, kind.suffixes[0] if kind else ".bin")
        await output.close()
    note = f"The parts are files of their own, in their order, because they cannot be joined: {reason}"
    fields = assembly.summary | {"note": note, "files": [file.facts() for file in assembly.files]}
    return result.model_validate(fields)


def _copy(path: Path, first: PendingFile) -> PendingFile:
    """Copy a part to a file beside the first one. Blocks."""
    with disk_errors("read", path), path.open("rb") as file:
        output = first.sibling()
        for block in iter(lambda: file.read(_BLOCK_BYTES), b""):
            output.write(block)
    return output


def _cues(spoken: Sequence[_Spoken], lengths: Sequence[float]) -> list[Cue]:
    """Return the subtitles of all parts; `lengths` alternate between a part and the silence behind it."""
    cues: list[Cue] = []
    start = 0.0
    for item, length, pause in zip(spoken, lengths[::2], lengths[1::2], strict=True):
        cues += spread(item.text, start, start + length)
        start += length + pause
    return cues
