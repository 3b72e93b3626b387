"""From the `Output` that a caller asks for to a `Target` that is known to be writable.

Everything that can be checked before anything is paid is checked here.
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
from webvoice_mcp.files.names import (
    extension,
    make_name,
    numbered,
    reason_unreadable,
    reason_unwritable,
    temporary_name,
)
from webvoice_mcp.files.path_policy import PathPolicy, strip_file_uri
from webvoice_mcp.files.refused_names import reason_no_file, reason_no_folder

_ARGUMENT = "output_path"


@dataclass(frozen=True, slots=True)
class Output:
    """A file that a caller asks for.

    Attributes:
        path: the caller's `output_path`: absolute, starting with `~`, or relative to the output folder. If it names a
            folder, the file gets a generated name there; "" names the output folder.
        prefix: the first part of a generated name, such as "tts".
        name_from: a text whose first words, as plain ASCII, are the last part of a generated name.
        suffixes: accepted extensions in lower case; the first is added to a name that has none.
        family: the family of media that it should contain, for the code that writes it; not checked here.
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
        path: absolute path, with links followed, with an extension.
        mode: permissions of new files in its folder.
        replaces: the existing file that may be replaced, None if there is none.
        made: folders that were created for it, the outermost first.
    """

    path: Path
    mode: int
    replaces: FileId | None
    made: tuple[Path, ...]


def resolve(output: Output, policy: PathPolicy, *, overwrite: bool) -> Target:
    """Determine the output's path, create its missing folders and check that a file can be written there. Blocks.

    Raises:
        InvalidArgument: no file can have this path, or it has an extension of another kind.
        PathNotAllowed: it is outside the allowed folders, hidden, or a device.
        FileExists: something is there that may not be replaced.
        DiskError: the file system refuses.
    """
    path, is_generated = _find_path(output, policy)
    _check_name(output.path, Path(path.name))  # the name is complete only now
    _refuse(output.path, reason_no_file(path.name))
    _check_text(path)
    _check_new_folders(output.path, path.parent, policy)
    with disk_errors("use", path.parent):
        folder, made = open_or_create(path.parent, policy)
    try:
        with closing(folder):
            # If another call takes a generated name in the meantime, publishing finds the next free one.
            replaces = None if is_generated else _find_replaceable(folder, path, overwrite=overwrite)
            mode = _probe(folder, path)
    except BaseException:
        remove_empty(made, policy)
        raise
    return Target(path, mode, replaces, made)


def matches_name(folder: Folder, name: str, expected: FileId) -> bool:
    """Return True if the file is the expected one, and is empty or of the family that its extension promises."""
    promised = kind_for_suffix(extension(name))
    with disk_errors("read", folder.path / name), os.fdopen(folder.open_file(name), "rb") as file:
        status = os.fstat(file.fileno())
        if FileId.of(status) != expected:
            return False
        kind = sniff(file)
        return status.st_size == 0 or (kind is not None and promised is not None and kind.family == promised.family)


def _find_path(output: Output, policy: PathPolicy) -> tuple[Path, bool]:
    """Return the path, and True if its name was generated."""
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
    # With its extension, the path may be a link to a file with another extension.
    real = _permitted(_with_extension(path, output.suffixes), policy)
    _with_extension(real, output.suffixes)
    return real, False


def _check_name(given: str, path: Path) -> None:
    _refuse(given, reason_unwritable(path))


def _check_text(path: Path) -> None:
    """Check that a result can name the file. A link or a home folder may lead to a folder whose name is no text."""
    if reason_unreadable(str(path)):
        raise InvalidArgument(
            f"{_ARGUMENT}: the folder {str(path.parent)!a} has bytes in its name that are no text, so no result could"
            " name the file. Choose another folder."
        )


def _check_new_folders(given: str, folder: Path, policy: PathPolicy) -> None:
    """Check the names of the folders that will be created; those of the settings may have any name."""
    for path in (folder, *folder.parents):  # pragma: no branch - only a missing drive of Windows ends the loop
        if stat_or_none(path) is not None or policy.was_chosen(path):
            break
        _refuse(given, reason_no_folder(path.name))


def _refuse(given: str, reason: str) -> None:
    if reason:
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
    """Return the existing file if it may be replaced, None if there is no file."""
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
    """Write a byte to a temporary file, remove the file, and return the permissions of new files in the folder."""
    # Some file systems refuse characters such as "?", so the probe's name has the unusual characters of the path.
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
