"""Studio: local work on sound and films."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePath
from typing import Annotated

import anyio
import anyio.from_thread
from pydantic import Field

from webvoice_mcp.errors import InvalidArgument, UnsupportedMedia, WebVoiceError
from webvoice_mcp.files import Files, OpenLocalFile, Output, SavedFile, Target
from webvoice_mcp.files.kinds import MP3, MP4
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.storage.threads import WorkerThreads
from webvoice_mcp.studio import joining
from webvoice_mcp.studio.player import Player
from webvoice_mcp.studio.subtitle_files import cues
from webvoice_mcp.studio.subtitles import Cue
from webvoice_mcp.studio.text_files import decode_text
from webvoice_mcp.tools.parameters import OutputPath
from webvoice_mcp.tools.progress import Progress
from webvoice_mcp.tools.results import File, Result
from webvoice_mcp.tools.toolset import WRITES_LOCALLY, ToolSet

tools = ToolSet("studio")

# ffplay skips through a file without an error if there is no sound device.
_ENDED = "The player has ended already: the file is very short, or this computer has no sound device."


_JOIN = "webvoice_join"
_MAX_JOINED = 100
_PROGRESS_SECONDS = 0.2  # between looks at how much was written
_HOW_MANY = "Give 2 to 100 MP3 files, or 1 to 100 MP4 films."


class Joined(Result):
    """One file made of several."""

    files: list[File]
    duration: float = Field(description="Seconds.")
    note: str | None = None


class Playing(Result):
    """The player's state."""

    playing: bool
    player: str | None = None
    note: str | None = None


@tools.free(title="Join", effect=WRITES_LOCALLY)
async def webvoice_join(
    files: Annotated[
        list[str], Field(description="2 to 100 MP3, or 1 to 100 MP4: absolute, ~ or in the output folder.")
    ],
    sound: Annotated[str, Field(description="MP3 for the film in place of its own sound.")] = "",
    subtitles: Annotated[str, Field(description=".srt or .vtt for a track of the film.")] = "",
    output_path: OutputPath = "",
    *,
    services: Services,
    progress: Progress,
) -> Joined:
    """Join local MP3 files, or MP4 films, in their order to one file.

    Free. Alike streams are copied, unlike ones encoded anew.
    """
    if not 1 <= len(files) <= _MAX_JOINED:
        raise InvalidArgument(f"files has {len(files)} paths. {_HOW_MANY}")
    given = [(f"files[{number}]", path) for number, path in enumerate(files)]
    async with services.files.open_local([*given, *([("sound", sound)] if sound else [])], (MP3, MP4)) as opened:
        text = await services.files.read_text(subtitles, "subtitles") if subtitles else b""
        sources, under = opened[: len(files)], opened[len(files) :]
        suffix = _check_kinds(sources, under, has_subtitles=bool(subtitles))
        shown = await WorkerThreads(1).run(_read_cues, text, subtitles) if subtitles else []
        target = await services.files.resolve(
            Output(output_path, "join", PurePath(files[0]).stem, (suffix,), "audio" if suffix == ".mp3" else "video")
        )
        joined, saved = await _join(sources, under, shown, target, services, progress)
    return Joined(files=File.list_of((saved,)), duration=round(joined.seconds, 3), note=joined.note or None)


@tools.free(title="Play", effect=WRITES_LOCALLY)
async def webvoice_play(
    path: Annotated[str, Field(description="Sound or a film, whose sound is played. Unset only to stop.")] = "",
    stop: Annotated[bool, Field(description="End what plays.")] = False,
    *,
    files: Files,
    player: Player,
) -> Playing:
    """Play a file aloud on the user's computer; answers at once, while it plays.

    Free. One file at a time: another one replaces it.
    """
    if stop and path:
        raise InvalidArgument("Give path to play a file, or stop to end what plays, not both.")
    if stop:
        return Playing(playing=False, player=await player.stop() or None)
    if not path:
        raise InvalidArgument("path is missing: the file to play. Or give stop to end what plays.")
    name = await player.play(await files.find_local(path, argument="path"))
    return Playing(playing=player.is_playing, player=name, note=None if player.is_playing else _ENDED)


def _check_kinds(sources: Sequence[OpenLocalFile], under: Sequence[OpenLocalFile], *, has_subtitles: bool) -> str:
    """Check that the files can be joined, and return the extension of the result."""
    first = sources[0]
    for source in sources:
        if source.kind != first.kind:
            raise InvalidArgument(
                f"{source.name} is {source.kind.name}, but files[0] is {first.kind.name}, judged by their content."
                " Give files of one kind; sound lays an MP3 under a film."
            )
    for sound in under:
        if sound.kind != MP3:
            raise UnsupportedMedia(f"{sound.name} is {sound.kind.name}, judged by its content. Give an MP3 file.")
    if first.kind == MP4:
        joining.check_films_can_be_joined()
        return ".mp4"
    if len(sources) == 1:
        raise InvalidArgument(f"files has one MP3 only. {_HOW_MANY}")
    if under or has_subtitles:
        name = "sound" if under else "subtitles"
        raise InvalidArgument(f"{name} belongs to a film, but files are MP3. Leave {name} out, or give MP4 films.")
    return ".mp3"


def _read_cues(content: bytes, path: str) -> list[Cue]:
    suffix = PurePath(path).suffix.lower()
    if suffix not in {".srt", ".vtt"}:
        raise UnsupportedMedia(f"subtitles: {path} is no subtitle file by its name. Accepted are .srt and .vtt.")
    try:
        return cues(decode_text(content, path), suffix)
    except ValueError as error:
        raise UnsupportedMedia(f"subtitles: {path} cannot be read. {error}") from None


async def _join(
    sources: Sequence[OpenLocalFile],
    under: Sequence[OpenLocalFile],
    shown: Sequence[Cue],
    target: Target,
    services: Services,
    progress: Progress,
) -> tuple[joining.Joined, SavedFile]:
    """Join the files and save the result; nothing stays if that fails."""
    limits = joining.Limits(services.settings.max_file_bytes, anyio.from_thread.check_cancelled)
    async with services.files.create(target) as pending:
        output = pending.as_file()
        work = partial(joining.join_sounds, sources, output, limits)
        if sources[0].kind == MP4:
            sound = under[0] if under else None
            work = partial(joining.join_clips, sources, output, limits, sound=sound, subtitles=shown)

        def join() -> joining.Joined:
            joined = work()
            for source in (*sources, *under):
                source.check_unchanged()
            return joined

        failure: WebVoiceError | None = None
        async with anyio.create_task_group() as group:  # which would wrap an error
            group.start_soon(_tell, progress, lambda: pending.size)
            try:
                joined = await WorkerThreads(1).run(join)
            except WebVoiceError as error:
                failure = error
            group.cancel_scope.cancel()
        if failure:
            raise failure
        await progress.finish()
        with anyio.CancelScope(shield=True):  # a file that has its name is also recorded
            saved = await pending.publish(target.path.suffix)
            await services.history.record_files(_JOIN, [saved])
    return joined, saved


async def _tell(progress: Progress, size: Callable[[], int]) -> None:
    while progress.is_wanted:
        await anyio.sleep(_PROGRESS_SECONDS)
        await progress.send_amount(size(), _JOIN)
