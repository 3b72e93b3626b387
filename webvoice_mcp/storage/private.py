"""Files and folders that only their owner can access.

A symbolic link in place of a file is never followed: it could lead to a file of another program. The functions raise
plain `OSError`s; the callers turn them into messages for the user.
"""

import errno
import logging
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from webvoice_mcp.storage._windows import retry

_log = logging.getLogger("webvoice_mcp")

_BLOCK_BYTES = 65536
# Without O_NONBLOCK, opening a pipe would wait for its other end.
_ALWAYS = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
_CREATE_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL

_warned: set[Path] = set()  # files are read often, so a warning that recurs is logged once


def read_private(path: Path) -> bytes:
    """Return the content of a regular file. If other users can access it, remove their access and log a warning."""
    return retry(lambda: _read(path))


def open_private(path: Path, flags: int) -> int:
    """Open a regular file and return its descriptor. If other users can access it, remove their access.

    Args:
        flags: as for `os.open`. A file that is created has mode 0600, whatever the umask.
    """
    _refuse_link(path)
    descriptor = os.open(path, flags | _ALWAYS, 0o600)
    try:
        _check_private(descriptor, path, flags)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def make_private_file(path: Path) -> None:
    """Create an empty file, or remove other users' access to the one that exists."""
    try:
        os.close(open_private(path, _CREATE_NEW))
    except FileExistsError:
        restrict_file(path)


def restrict_file(path: Path) -> None:
    """Remove other users' access to a regular file, if there is one. The file is not opened.

    Closing a file would release the locks that SQLite holds on it.
    """
    _refuse_link(path)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    _check_regular(mode)
    if mode & 0o077:
        with suppress(PermissionError):  # it belongs to another user
            path.chmod(0o600)


def set_aside(path: Path, name: str) -> Path:
    """Rename a file to `name` in its folder, or to `name-2`, `name-3`, … if that is taken; return the new path."""
    number = 1
    while True:
        new_path = path.with_name(name if number == 1 else f"{name}-{number}")
        # Create the file first: a rename alone would replace an existing file.
        with suppress(FileExistsError):
            os.close(os.open(new_path, _CREATE_NEW | _ALWAYS, 0o600))
            retry(lambda: path.replace(new_path))  # noqa: B023 - called at once
            return new_path
        number += 1


def make_private_folder(folder: Path) -> None:
    """Create a folder and its missing parents, or restrict an existing folder, so that only its owner can use it.

    Raises:
        NotADirectoryError: a file with this name exists.
        PermissionError: the folder is a link, and somebody else made the link or owns the folder.
    """
    missing: list[Path] = []
    path = folder
    while not os.path.lexists(path):
        missing.append(path)
        path = path.parent
    for path in reversed(missing):
        with suppress(FileExistsError):  # another process has made it
            path.mkdir(0o700)
            path.chmod(0o700)  # the umask may have removed permissions of the owner
    restrict_folder(folder)


def restrict_folder(folder: Path) -> None:
    """Remove other users' access to an existing folder.

    A folder with the sticky bit, such as /tmp, is shared on purpose and stays as it is.

    Raises:
        FileNotFoundError: there is no folder.
        NotADirectoryError: a file with this name exists.
        PermissionError: the folder is a link, and somebody else made the link or owns the folder.
    """
    status = folder.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "a file with this name exists")
    if sys.platform != "win32":  # pragma: no branch - Windows has no numeric owners
        link = folder.lstat()
        if stat.S_ISLNK(link.st_mode) and (link.st_uid not in {0, os.geteuid()} or status.st_uid != os.geteuid()):
            raise PermissionError(errno.EPERM, "it is a link that another user made, or leads to another user's folder")
    if not status.st_mode & stat.S_ISVTX:
        _restrict(folder, status.st_mode, lambda: folder.chmod(0o700))


def _read(path: Path) -> bytes:
    descriptor = open_private(path, os.O_RDONLY)
    try:
        return b"".join(iter(lambda: os.read(descriptor, _BLOCK_BYTES), b""))
    finally:
        os.close(descriptor)


def _check_private(descriptor: int, path: Path, flags: int) -> None:
    mode = os.fstat(descriptor).st_mode
    _check_regular(mode)
    if sys.platform != "win32":  # pragma: no branch - modes mean nothing on Windows
        _restrict(path, mode, lambda: os.fchmod(descriptor, 0o600))
        if flags & os.O_CREAT and mode & 0o600 != 0o600:
            os.fchmod(descriptor, 0o600)  # the umask has removed permissions of the owner


def _check_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file")


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a link, and links are not followed here")


def _restrict(path: Path, mode: int, restrict: Callable[[], None]) -> None:
    # On Windows the access list of the user's folder protects its files, and modes mean nothing.
    if sys.platform == "win32" or not mode & 0o077:
        return
    try:
        restrict()
    except PermissionError:
        if path not in _warned:
            _warned.add(path)
            _log.warning("Other users of this computer can access %s, and it belongs to another user.", path)
    else:
        _log.warning("Other users of this computer could access %s. Their access was removed.", path)
