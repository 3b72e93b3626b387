"""The place of a result: an `Output`, as the caller asks for it, becomes a `Target` that is known to be writable.

Everything that can be checked is checked here, before anything is paid.
"""

import os
import re
import stat
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from webvoice_mcp.errors import FileExists, InvalidArgument, PathNotAllowed
from webvoice_mcp.files.disk import FileId, disk_errors, is_file, is_folder, stat_or_none
from webvoice_mcp.files.folders import Folder, open_or_create, remove_empty
from webvoice_mcp.files.kinds import Family, kind_for_suffix, sniff
from webvoice_mcp.files.names import extension, make_name, numbered, reason_unwritable, temporary_name
from webvoice_mcp.files.path_policy import PathPolicy, strip_file_uri

_ARGUMENT = "output_path"


@dataclass(frozen=True, slots=True)
class Output:
    """A file that a caller asks for.

    Attributes:
        path: the caller's `output_path`: absolute, from `~`, from the output folder, or a folder; "" for the output
            folder. In a folder, the file gets a made name.
        prefix: the first part of a made name, such as "tts".
        name_from: a text whose first words, as plain ASCII, are the last part of a made name.
        suffixes: the extensions that it may have, in lower case; the first completes a name that has none.
        family: the family of media that it should contain, for whoever writes it; it is not checked here.
    """

    path: str
    prefix: str
    name_from: str
    suffixes: tuple[str, ...]
    family: Family


@dataclass(frozen=True, slots=True)
class Target:
    """A path where a new file can be written.

    Attributes:
        path: absolute, with links followed, with an extension.
        mode: the permissions of new files in its folder.
        replaces: the existing file that may be replaced, None if there is none.
        made: the folders that were created for it, the outermost first.
    """

    path: Path
    mode: int
    replaces: FileId | None
    made: tuple[Path, ...]


def resolve(output: Output, policy: PathPolicy, *, overwrite: bool) -> Target:
    """Find the output's path, create its missing folders and check that a file can be written there. Blocks.

    Raises:
        InvalidArgument: no file can have this path, or it has an extension of another kind.
        PathNotAllowed: it is outside the allowed folders, hidden, or a device.
        FileExists: something is there that may not be replaced.
        DiskError: the file system refuses.
    """
    path, is_made_name = _find_path(output, policy)
    _check_name(output.path, Path(path.name))  # which is complete only now
    with disk_errors("use", path.parent):
        folder, made = open_or_create(path.parent, policy)
    try:
        with closing(folder):
            # If another call has taken a made name in the meantime, publishing finds the next free one.
            replaces = None if is_made_name else _find_replaceable(folder, path, overwrite=overwrite)
            mode = _probe(folder, path)
    except BaseException:
        remove_empty(made, policy)
        raise
    return Target(path, mode, replaces, made)


def matches_name(folder: Folder, name: str, expected: FileId) -> bool:
    """Return True if this very file is empty, or its content is of the family that its extension promises."""
    promised = kind_for_suffix(extension(name))
    with disk_errors("read", folder.path / name), os.fdopen(folder.open_file(name), "rb") as file:
        status = os.fstat(file.fileno())
        if FileId.of(status) != expected:
            return False
        kind = sniff(file)
        return status.st_size == 0 or (kind is not None and promised is not None and kind.family == promised.family)


def _find_path(output: Output, policy: PathPolicy) -> tuple[Path, bool]:
    """Return the path, and True if its name was made here."""
    given = strip_file_uri(output.path, _ARGUMENT) if output.path.strip() else ""
    path = policy.absolute(given, _ARGUMENT)
    _check_name(given, Path(os.path.normpath(given)))
    real = _permitted(path, policy)
    status = stat_or_none(real)
    if is_folder(status) or _names_folder(given):
        name = make_name(output.prefix, output.name_from) + output.suffixes[0]
        return next(free for free in numbered(real / name) if stat_or_none(free) is None), True
    if status and not is_file(status):
        raise PathNotAllowed(f"{_ARGUMENT}: {path} is a device or a pipe, not a file. Choose another path.")
    # With its extension added, the path may be a link, to a name of another kind.
    real = _permitted(_with_extension(path, output.suffixes), policy)
    _with_extension(real, output.suffixes)
    return real, False


def _check_name(given: str, path: Path) -> None:
    if reason := reason_unwritable(path):
        raise InvalidArgument(f"{_ARGUMENT} {given!r} cannot be used: {reason}. Choose another name.")


def _names_folder(given: str) -> bool:
    return given.replace(os.sep, "/").rpartition("/")[2] in {"", ".", ".."}


def _permitted(path: Path, policy: PathPolicy) -> Path:
    policy.refuse_hidden(path, _ARGUMENT)
    real = policy.resolve(path, _ARGUMENT)
    policy.refuse_hidden(real, _ARGUMENT)
    return real


def _with_extension(path: Path, suffixes: tuple[str, ...]) -> Path:
    """Return the path, with the usual extension added if it has none.

    Raises:
        InvalidArgument: it has an extension that is not one of these.
    """
    suffix = extension(path.name)
    if not suffix:
        return path.with_name(path.name + suffixes[0])
    if suffix.lower() not in suffixes:
        accepted = " or ".join(suffixes)
        raise InvalidArgument(f"{_ARGUMENT}: {path} ends in {suffix}, but the file will be {accepted}. Use {accepted}.")
    return path


def _find_replaceable(folder: Folder, path: Path, *, overwrite: bool) -> FileId | None:
    """Return the existing file, which may be replaced; None if there is none."""
    with disk_errors("use", path):
        status = folder.stat(path.name)
    if status is None:
        return None
    if overwrite and is_file(status):
        if matches_name(folder, path.name, FileId.of(status)):
            return FileId.of(status)
        raise FileExists(
            f"{path} exists and is not replaced, because its content is of another kind. Choose another {_ARGUMENT}."
        )
    raise FileExists(f"{path} exists. Choose another {_ARGUMENT}, or ask the user to set WEBVOICE_OVERWRITE=1.")


def _probe(folder: Folder, path: Path) -> int:
    """Write a byte to a temporary file, remove it, and return the permissions that new files get there."""
    # Some file systems refuse characters, such as the "?" of "What?.mp3", so the probe's name has the unusual ones.
    unusual = re.sub(r"[\w .()-]+", "", path.name, flags=re.ASCII)[:20]
    probe = f"{temporary_name()}{unusual}"
    with disk_errors("write", path):
        descriptor = folder.create_file(probe, 0o666)
        try:
            os.write(descriptor, b"\x00")
            return stat.S_IMODE(os.fstat(descriptor).st_mode)
        finally:
            os.close(descriptor)
            folder.remove_file(probe)
