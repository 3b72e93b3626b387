"""File system errors as messages for the user, and the identity and current path of a file."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeGuard

from webvoice_mcp.errors import DiskError

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
# O_PATH also opens a folder that may be entered but not listed.
OPEN_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
OPEN_FOR_READING = (
    os.O_RDONLY | NO_FOLLOW | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
)

_ADVICE = {
    errno.ENOSPC: "Make room, or choose a folder on another disk.",
    errno.EDQUOT: "Make room, or choose a folder on another disk.",
    errno.EFBIG: "Choose a folder on another disk.",
    errno.ENOTDIR: "Choose another path: part of this one is a file, not a folder.",
    errno.EEXIST: "Choose another path: part of this one is a file, not a folder.",
}


class FileId(NamedTuple):
    """A file's identity: the same for all names of a file, and different for different files."""

    device: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> "FileId":
        """Return the identity of the file with this status."""
        return cls(status.st_dev, status.st_ino)


def disk_error(action: str, path: Path, error: OSError) -> DiskError:
    """Return the error for the user, such as "Cannot write /x/y.mp3: No space left on device. Make room, …"."""
    reason = error.strerror or type(error).__name__
    advice = _ADVICE.get(error.errno or 0, "Check the path, or choose another folder.")
    return DiskError(f"Cannot {action} {path}: {reason}. {advice}")


@contextmanager
def disk_errors(action: str, path: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into a `DiskError`."""
    try:
        yield
    except OSError as error:
        raise disk_error(action, path, error) from error


def stat_or_none(path: Path) -> os.stat_result | None:
    """Return the status of a path, None if nothing is there.

    Raises:
        DiskError: the status cannot be read, because permission is denied or part of the path is a file.
    """
    with disk_errors("use", path):
        try:
            return path.stat()
        except FileNotFoundError:
            return None


def is_folder(status: os.stat_result | None) -> bool:
    """Return True if a folder is there."""
    return status is not None and stat.S_ISDIR(status.st_mode)


def is_file(status: os.stat_result | None) -> TypeGuard[os.stat_result]:
    """Return True if a regular file is there, not a folder, device, pipe or socket."""
    return status is not None and stat.S_ISREG(status.st_mode)


def path_of(descriptor: int) -> Path | None:
    """Return the current path of an open file or folder, None if the system does not report it."""
    try:
        if sys.platform == "darwin":  # pragma: no cover - macOS has no /proc
            import fcntl  # noqa: PLC0415 - Windows has no fcntl

            return Path(os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\x00")))
        else:  # noqa: RET505 - mypy checks only the branch of its own platform
            return Path(f"/proc/self/fd/{descriptor}").readlink()
    except OSError:
        return None
