"""Joining of open files to one: alike streams are copied, unlike ones encoded anew. The functions block for long."""

from collections.abc import Callable, Sequence
from typing import BinaryIO, NamedTuple, Protocol, cast

from webvoice_mcp.errors import DiskError, InvalidArgument, UnsupportedMedia, WebVoiceError
from webvoice_mcp.files.kinds import MP3
from webvoice_mcp.files.length import length_of_recording
from webvoice_mcp.studio.decoder import TimeIsUpError, TooLargeError, load
from webvoice_mcp.studio.extra import how_to_add
from webvoice_mcp.studio.films import BrokenClipError, BrokenSoundError, Subtitle, join_films
from webvoice_mcp.studio.mp3 import NotMp3, UnlikeParts, join
from webvoice_mcp.studio.sound_joined import BrokenPartError, join_sound_anew
from webvoice_mcp.studio.subtitles import Cue

_BLOCK_BYTES = 1 << 18
_LEAST_LEFT_OUT_SECONDS = 0.5  # of a sound that is longer than its film; less is not worth a remark


class Source(Protocol):
    """An open file that is joined."""

    @property
    def name(self) -> str:
        """Its name for messages."""
        ...

    @property
    def file(self) -> BinaryIO:
        """The open file."""
        ...


class Joined(NamedTuple):
    """The file that was made.

    Attributes:
        seconds: its length.
        note: a remark for the user, "" for nothing.
    """

    seconds: float
    note: str


class Limits(NamedTuple):
    """The limits at which the work ends.

    Attributes:
        max_bytes: the largest size of the result.
        checkpoint: called often; an exception that it raises ends the work.
    """

    max_bytes: int
    checkpoint: Callable[[], None] = lambda: None


def check_films_can_be_joined() -> None:
    """Check that the extra `media` is installed.

    Raises:
        UnsupportedMedia: it is not.
    """
    try:
        load()
    except ImportError:
        raise UnsupportedMedia(f"Films are joined with the extra `media`; to add it, {how_to_add()}.") from None


def join_sounds(sources: Sequence[Source], output: BinaryIO, limits: Limits) -> Joined:
    """Join MP3 files to an empty file that is open for writing.

    Raises:
        InvalidArgument: the result would be too large, or the work takes too long.
        UnsupportedMedia: a file cannot be read, or the formats differ and the extra `media` is missing.
        DiskError: the disk refuses.
    """
    block = _Block(output, limits.max_bytes)
    checked = [cast("BinaryIO", _Checked(source.file, limits.checkpoint)) for source in sources]
    try:
        lengths = join(checked, block.write)
        block.flush()
        return Joined(sum(lengths), "")
    except UnlikeParts as error:
        unlike = error  # nothing was written
    except (NotMp3, TooLargeError, OSError) as error:
        raise _refusal(error, sources, limits) from error
    try:
        lengths = join_sound_anew(
            [source.file for source in sources], output, max_bytes=limits.max_bytes, checkpoint=limits.checkpoint
        )
    except ImportError:
        raise UnsupportedMedia(
            f"{sources[unlike.index].name} has {unlike.found}, but the sound before it {unlike.expected}. Unlike MP3"
            f" files are joined with the extra `media`; to add it, {how_to_add()}."
        ) from None
    except Exception as error:
        raise _refusal(error, sources, limits) from error
    return Joined(sum(lengths), "The files differ in format, so their sound was encoded anew.")


def join_clips(
    sources: Sequence[Source], output: BinaryIO, limits: Limits, *, sound: Source | None, subtitles: Sequence[Cue]
) -> Joined:
    """Join MP4 films to an empty file that is open for writing.

    Args:
        sound: an MP3 file that takes the place of their own sound.
        subtitles: cues for a track of the film.

    Raises:
        InvalidArgument: the result would be too large, or the work takes too long.
        UnsupportedMedia: a file cannot be read.
        DiskError: the disk refuses.
    """
    try:
        film = join_films(
            [source.file for source in sources],
            output,
            sound=sound.file if sound else None,
            subtitles=[Subtitle(cue.start, cue.end, cue.text) for cue in subtitles],
            max_bytes=limits.max_bytes,
            checkpoint=limits.checkpoint,
        )
    except Exception as error:
        raise _refusal(error, [*sources, *([sound] if sound else [])], limits) from error
    notes = []
    if film.has_new_pictures:
        notes.append("The clips' pictures differ in form, so they were encoded anew in the size of the first.")
    if film.has_new_sound:
        notes.append("The clips' sound differs in form, so it was encoded anew.")
    heard = length_of_recording(sound.file, MP3) if sound else None
    if heard is not None and heard > film.seconds + _LEAST_LEFT_OUT_SECONDS:
        notes.append(
            f"The sound is {heard:.1f} s long, the film {film.seconds:.1f} s: the end of the sound is left out."
        )
    if late := sum(cue.start >= film.seconds for cue in subtitles):
        notes.append(f"Subtitles that begin after the end of the film are left out: {late} of {len(subtitles)}.")
    return Joined(film.seconds, " ".join(notes))


def _refusal(reason: Exception, sources: Sequence[Source], limits: Limits) -> WebVoiceError:
    """Return the error for the user. The last source may be the sound that is laid under a film."""
    match reason:
        case WebVoiceError():
            return reason
        case TooLargeError():
            return InvalidArgument(
                f"The joined file would be larger than the {limits.max_bytes / 1024**2:g} MB that WEBVOICE_MAX_FILE_MB"
                " allows. Join fewer files, or ask the user to raise the setting."
            )
        case TimeIsUpError():
            return InvalidArgument("Joining takes longer than half an hour, so it was stopped. Join fewer files.")
        case NotMp3() | BrokenPartError():
            return _unreadable(sources[reason.index], "MP3 file")
        case BrokenClipError():
            return _unreadable(sources[reason.index], "film")
        case BrokenSoundError():
            return _unreadable(sources[-1], "MP3 file")
        case OSError(errno=int()):
            return DiskError(f"The files cannot be read: {reason.strerror}. Check the disk, and try again.")
    return UnsupportedMedia(f"The files cannot be joined: {reason}. Save them anew in another program, and try again.")


def _unreadable(source: Source, kind: str) -> UnsupportedMedia:
    what = "pictures" if kind == "film" else "sound"
    return UnsupportedMedia(
        f"{source.name} is damaged or has no {what} that can be read. Leave it out, or give another {kind}."
    )


class _Checked:
    """An open file that can be read until the work shall end."""

    def __init__(self, file: BinaryIO, checkpoint: Callable[[], None]) -> None:
        self._file = file
        self._checkpoint = checkpoint

    def seek(self, position: int, whence: int = 0) -> int:
        return self._file.seek(position, whence)

    def read(self, size: int) -> bytes:
        self._checkpoint()
        return self._file.read(size)


class _Block:
    """Gathers frames, since a call of the system for each of them would take long."""

    def __init__(self, output: BinaryIO, max_bytes: int) -> None:
        self._output = output
        self._left = max_bytes
        self._gathered = bytearray()

    def write(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            raise TooLargeError
        self._gathered += data
        if len(self._gathered) >= _BLOCK_BYTES:
            self.flush()

    def flush(self) -> None:
        self._output.write(self._gathered)
        self._gathered.clear()
