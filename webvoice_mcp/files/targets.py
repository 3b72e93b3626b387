"""Where a file will be written: everything that can be known is checked before anything is paid."""

import os
import re
import secrets
import stat
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from webvoice_mcp.errors import FileExists, InvalidArgument, PathNotAllowed
from webvoice_mcp.files._disk import FileId, disk, is_file, is_folder, status_of
from webvoice_mcp.files._folder import Folder, reach, remove_empty
from webvoice_mcp.files.kinds import kind_for, sniff
from webvoice_mcp.files.names import candidates, extension, made_name, trouble_writing
from webvoice_mcp.files.places import Places, without_scheme

_ARGUMENT = "output_path"


@dataclass(frozen=True, slots=True)
class Target:
    """A place for a new file, found good.

    Attributes:
        path: absolute, links followed, with its extension.
        mode: the permissions that new files get there.
        replaces: the file that stands there and may be replaced, None for none.
        made: the folders that were made for it, the outermost first.
    """

    path: Path
    mode: int
    replaces: FileId | None
    made: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller asks for: a path, what a name could be made from, and the endings that tell the truth."""

    path: str
    tool: str
    words: str
    suffixes: tuple[str, ...]


def aim(wish: Wish, places: Places, *, overwrite: bool) -> Target:
    """Find the place, check that a file can be written there, and make the folders that are missing.

    Raises:
        InvalidArgument: the path cannot be a file's, or says that it is of another kind.
        PathNotAllowed: it is outside the allowed folders, hidden, or a device.
        FileExists: something is there that may not be replaced.
        DiskError: the file system refuses.
    """
    path, is_ours = _path(wish, places)
    if trouble := trouble_writing(Path(path.name)):  # now that it is complete
        raise InvalidArgument(f"{_ARGUMENT} {wish.path!r} cannot be used: {trouble}. Choose another name.")
    with disk("use", path.parent):
        folder, made = reach(path.parent, places)
    try:
        with closing(folder):
            # What has come to stand under a name made here is another call's: publishing finds the next free name.
            replaces = None if is_ours else _replaceable(folder, path, overwrite=overwrite)
            mode = _probe(folder, path)
    except BaseException:
        remove_empty(made, places)
        raise
    return Target(path, mode, replaces, made)


def is_of_family(folder: Folder, name: str, expected: FileId) -> bool:
    """Whether this very file's content is what its name says, or at least of that family; an empty one is of any."""
    said = kind_for(extension(name))
    with disk("read", folder.path / name), os.fdopen(folder.open(name), "rb") as file:
        status = os.fstat(file.fileno())
        if FileId.of(status) != expected:
            return False
        kind = sniff(file)
        return status.st_size == 0 or (kind is not None and said is not None and kind.family == said.family)


def _path(wish: Wish, places: Places) -> tuple[Path, bool]:
    """The place, and whether its name was made here."""
    given = without_scheme(wish.path, _ARGUMENT) if wish.path.strip() else ""
    place = places.located(given, _ARGUMENT)
    if trouble := trouble_writing(Path(os.path.normpath(given))):
        raise InvalidArgument(f"{_ARGUMENT} {given!r} cannot be used: {trouble}. Choose another name.")
    real = _permitted(place, places)
    status = status_of(real)
    if is_folder(status) or _means_folder(given):
        name = made_name(wish.tool, wish.words) + wish.suffixes[0]
        return next(path for path in candidates(real / name) if status_of(path) is None), True
    if status and not is_file(status):
        raise PathNotAllowed(f"{_ARGUMENT}: {place} is a device or a pipe, not a file. Choose another path.")
    # The name is complete only now, and may turn out to be a link.
    real = _permitted(_completed(place, wish.suffixes), places)
    _completed(real, wish.suffixes)
    return real, False


def _means_folder(given: str) -> bool:
    return given.replace(os.sep, "/").rpartition("/")[2] in {"", ".", ".."}


def _permitted(path: Path, places: Places) -> Path:
    places.refuse_hidden(path, _ARGUMENT)
    real = places.resolved(path, _ARGUMENT)
    places.refuse_hidden(real, _ARGUMENT)
    return real


def _completed(path: Path, suffixes: tuple[str, ...]) -> Path:
    """The path with an extension, which has to be one of these.

    Raises:
        InvalidArgument: it has another.
    """
    suffix = extension(path.name)
    if not suffix:
        return path.with_name(path.name + suffixes[0])
    if suffix.lower() not in suffixes:
        accepted = " or ".join(suffixes)
        raise InvalidArgument(f"{_ARGUMENT}: {path} ends in {suffix}, but the file will be {accepted}. Use {accepted}.")
    return path


def _replaceable(folder: Folder, path: Path, *, overwrite: bool) -> FileId | None:
    """The file that is there and may be replaced, None where nothing is."""
    with disk("use", path):
        status = folder.status(path.name)
    if status is None:
        return None
    if overwrite and is_file(status):
        if is_of_family(folder, path.name, FileId.of(status)):
            return FileId.of(status)
        raise FileExists(
            f"{path} exists, and its content is of another kind: not replaced. Choose another {_ARGUMENT}."
        )
    raise FileExists(f"{path} exists. Choose another {_ARGUMENT}, or let the person set WEBVOICE_OVERWRITE=1.")


def _probe(folder: Folder, path: Path) -> int:
    """Write a byte beside the path and take it away again; returns the permissions that a new file has there."""
    # A stick's file system refuses "What?.mp3", and should do so now.
    odd = re.sub(r"[\w .()-]+", "", path.name, flags=re.ASCII)[:20]
    probe = f"{part_name()}{odd}"
    with disk("write", path):
        descriptor = folder.create(probe, 0o666)
        try:
            os.write(descriptor, b"\x00")
            return stat.S_IMODE(os.fstat(descriptor).st_mode)
        finally:
            os.close(descriptor)
            folder.remove(probe)


def part_name() -> str:
    """A name that nobody else has, for a file that is not whole yet."""
    return f".{secrets.token_hex(8)}.part"
