"""What the file system refuses, said in a sentence; and who a file is, whatever its name."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeGuard

from webvoice_mcp.errors import DiskError

NO_LINK = getattr(os, "O_NOFOLLOW", 0)
# Where a folder can be opened without leave to list it, it is.
FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
READ = os.O_RDONLY | NO_LINK | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))

_CURES = {
    errno.ENOSPC: "Make room, or choose a folder on another disk.",
    errno.EDQUOT: "Make room, or choose a folder on another disk.",
    errno.EFBIG: "Choose a folder on another disk.",
    errno.ENOTDIR: "Choose another path: a part of this one is a file, not a folder.",
    errno.EEXIST: "Choose another path: a part of this one is a file, not a folder.",
}


class FileId(NamedTuple):
    """The same for every name of one file, and for no other file."""

    device: int
    number: int

    @classmethod
    def of(cls, status: os.stat_result) -> "FileId":
        """From what the system says about the file."""
        return cls(status.st_dev, status.st_ino)


def refused(doing: str, path: Path, error: OSError) -> DiskError:
    """The error for the user, such as "Cannot write /x/y.mp3: No space left on device. Make room, …"."""
    reason = error.strerror or type(error).__name__
    cure = _CURES.get(error.errno or 0, "Check the path, or choose another folder.")
    return DiskError(f"Cannot {doing} {path}: {reason}. {cure}")


@contextmanager
def disk(doing: str, path: Path) -> Iterator[None]:
    """Turn what the system refuses within the block into a `DiskError`."""
    try:
        yield
    except OSError as error:
        raise refused(doing, path, error) from error


def status_of(path: Path) -> os.stat_result | None:
    """What the system says about a path, None where there is nothing.

    Raises:
        DiskError: it cannot be told: no permission, a part of the path is a file.
    """
    with disk("use", path):
        try:
            return path.stat()
        except FileNotFoundError:
            return None


def is_folder(status: os.stat_result | None) -> bool:
    """Whether something is there and is a folder."""
    return status is not None and stat.S_ISDIR(status.st_mode)


def is_file(status: os.stat_result | None) -> TypeGuard[os.stat_result]:
    """Whether something is there and is a regular file: no folder, device, pipe or socket."""
    return status is not None and stat.S_ISREG(status.st_mode)


def true_path(descriptor: int) -> Path | None:
    """Where an open file or folder lies now, by the system's own word; None where it has none."""
    try:
        if sys.platform == "darwin":  # pragma: no cover - asked in another way there
            import fcntl  # noqa: PLC0415 - not on every system

            return Path(os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\x00")))
        else:  # noqa: RET505 - for mypy, which reads only one of the two
            return Path(f"/proc/self/fd/{descriptor}").readlink()
    except OSError:
        return None
