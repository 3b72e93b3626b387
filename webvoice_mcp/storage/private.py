"""Files and folders that only their owner can access.

The functions raise plain `OSError`s; the callers turn them into messages for the user.
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
# Without O_NONBLOCK, opening a pipe would wait for its other end.
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_CREATE_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def read_private(path: Path) -> bytes:
    """Return the content of a regular file. If other users can access it, remove their access and log a warning."""
    return retry(lambda: _read(path))


def set_aside(path: Path, name: str) -> Path:
    """Rename a file to `name` in its folder, or to `name-2`, `name-3`, … if that is taken; return the new path."""
    number = 1
    while True:
        new_path = path.with_name(name if number == 1 else f"{name}-{number}")
        # Create the file first: a rename alone would replace an existing file.
        with suppress(FileExistsError):
            os.close(os.open(new_path, _CREATE_NEW, 0o600))
            retry(lambda: path.replace(new_path))  # noqa: B023 - called at once
            return new_path
        number += 1


def make_private_folder(folder: Path) -> None:
    """Create a folder and its parents, or restrict an existing folder, so that only its owner can use it.

    A folder with the sticky bit, such as /tmp, is shared on purpose and stays as it is.

    Raises:
        NotADirectoryError: a file with this name exists.
    """
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        mode = folder.stat().st_mode
        if not stat.S_ISDIR(mode):
            raise NotADirectoryError(errno.ENOTDIR, "a file with this name exists") from None
        if not mode & stat.S_ISVTX:
            _restrict_to_owner(folder, mode, 0o700)
    else:
        folder.chmod(0o700)  # a umask may have removed permissions of the owner


def _read(path: Path) -> bytes:
    descriptor = os.open(path, _READ_FLAGS)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        _restrict_to_owner(path, mode, 0o600)
        return b"".join(iter(lambda: os.read(descriptor, _BLOCK_BYTES), b""))
    finally:
        os.close(descriptor)


def _restrict_to_owner(path: Path, mode: int, private_mode: int) -> None:
    # On Windows the access list of the user's folder protects its files, and modes mean nothing.
    if sys.platform != "win32" and mode & 0o077:
        try:
            path.chmod(private_mode)
        except PermissionError:
            _log.warning("Other users of this computer can access %s, and it belongs to another user.", path)
        else:
            _log.warning("Other users of this computer could access %s. Their access was removed.", path)
