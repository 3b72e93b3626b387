"""Files and folders that only their owner may read.

The functions raise plain `OSError`s, which their callers explain to the user.
"""

import errno
import logging
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from webvoice_mcp.storage._windows import retry

_log = logging.getLogger("webvoice_mcp")

_BLOCK_BYTES = 65536
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # opening a pipe would block
_CREATE_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def read_private(path: Path) -> bytes:
    """Return the content of a regular file, and close the file to others, with a warning, if it was open to them."""
    return retry(lambda: _read(path))


def set_aside(path: Path, name: str) -> Path:
    """Rename a file within its folder to `name`, or to `name-2`, `name-3`, … if that is taken; return the new path."""
    number = 1
    while True:
        new_path = path.with_name(name if number == 1 else f"{name}-{number}")
        # Created first, because a rename would replace a file of this name.
        with suppress(FileExistsError):
            os.close(os.open(new_path, _CREATE_NEW, 0o600))
            retry(lambda: path.replace(new_path))  # noqa: B023 - called at once
            return new_path
        number += 1


def make_private_folder(folder: Path) -> None:
    """Create a folder with its parents, or close an existing one, so that only its owner can use it.

    A folder with the sticky bit, such as /tmp, is shared on purpose and stays as it is.

    Raises:
        NotADirectoryError: there is a file of this name.
    """
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        mode = folder.stat().st_mode
        if not stat.S_ISDIR(mode):
            raise NotADirectoryError(errno.ENOTDIR, "there is a file of this name") from None
        if not mode & stat.S_ISVTX:
            _close_to_others(folder, mode, 0o700)
    else:
        folder.chmod(0o700)  # a umask may have removed permissions of the owner


def _read(path: Path) -> bytes:
    descriptor = os.open(path, _READ)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        _close_to_others(path, mode, 0o600)
        return b"".join(iter(lambda: os.read(descriptor, _BLOCK_BYTES), b""))
    finally:
        os.close(descriptor)


def _close_to_others(path: Path, mode: int, private_mode: int) -> None:
    # Windows protects files by the access list of the user's own folder, and modes say nothing there.
    if sys.platform != "win32" and mode & 0o077:
        try:
            path.chmod(private_mode)
        except PermissionError:
            _log.warning("%s is open to others on this computer and belongs to somebody else.", path)
        else:
            _log.warning("%s was open to others on this computer; it is now closed to them.", path)
