"""Files that are nobody else's: closed to others, replaced as a whole, one writer at a time.

Plain `OSError`s leave this module; its caller knows what they mean.
"""

import errno
import logging
import os
import secrets
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

if sys.platform == "win32":  # pragma: no cover - Windows alone has this lock
    import msvcrt
else:
    import fcntl

_log = logging.getLogger("webvoice_mcp")

_T = TypeVar("_T")

_LOCK_SECONDS = 10.0
_CREATE = os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # a pipe would block


def read_private(path: Path) -> bytes:
    """The bytes of a regular file, which is closed to others if it was not."""
    return _patiently(lambda: _content(path))


def replace_atomically(path: Path, new: bytes) -> None:
    """Put `new` in the place of the file's content, all of it or nothing; only while the lock is held."""
    folder, prefix = path.parent, f".{path.name}."
    # We hold the lock, so any other such file was left by a process that ended in the middle.
    for leftover in folder.glob(f"{prefix}*.tmp"):
        leftover.unlink()
    temporary = folder / f"{prefix}{secrets.token_hex(8)}.tmp"
    try:
        _write(temporary, new)
        _patiently(lambda: temporary.replace(path))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(folder)


def set_aside(path: Path, name: str) -> Path:
    """Rename the file to `name`, or the next free one, in the same folder; returns where it is now."""
    number = 1
    while True:
        aside = path.with_name(name if number == 1 else f"{name}-{number}")
        # Made empty first, so that nobody else's file of this name can be lost.
        with suppress(FileExistsError):
            os.close(os.open(aside, os.O_WRONLY | os.O_EXCL | _CREATE, 0o600))
            _patiently(lambda: path.replace(aside))  # noqa: B023 - called at once
            return aside
        number += 1


def make_private_folder(folder: Path) -> None:
    """Make the folder, or close an existing one, so that only its owner can look into it."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        mode = folder.stat().st_mode
        if not stat.S_ISDIR(mode):
            raise NotADirectoryError(errno.ENOTDIR, "there is a file of this name") from None
        if not mode & stat.S_ISVTX:  # a folder such as /tmp is everybody's and stays so
            _close_to_others(folder, mode, 0o700)
    else:
        folder.chmod(0o700)  # a umask may have taken more away


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`: one holder at a time, over all threads and processes."""
    descriptor = os.open(path, os.O_RDWR | _CREATE, 0o600)
    try:
        with suppress(PermissionError):  # a umask may have taken more away than our next visit can do without
            path.chmod(0o600)
        deadline = time.monotonic() + _LOCK_SECONDS
        while not _locked(descriptor):
            if time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, "another process does not release it")
            time.sleep(0.005)
        yield
    finally:
        os.close(descriptor)  # and with it the lock


def _locked(descriptor: int) -> bool:
    if sys.platform == "win32":  # pragma: no cover - Windows alone has this lock
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
    else:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _content(path: Path) -> bytes:
    descriptor = os.open(path, _READ)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        _close_to_others(path, mode, 0o600)
        return b"".join(iter(lambda: os.read(descriptor, 65536), b""))
    finally:
        os.close(descriptor)


def _write(path: Path, new: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_EXCL | _CREATE, 0o600), "wb") as file:
        path.chmod(0o600)  # a umask may have taken more away
        file.write(new)
        file.flush()
        os.fsync(file.fileno())


def _close_to_others(path: Path, mode: int, wanted: int) -> None:
    # On Windows the mode says nothing: there the access list of the person's own folder does this.
    if sys.platform != "win32" and mode & 0o077:
        try:
            path.chmod(wanted)
        except PermissionError:
            _log.warning("%s is open to others on this computer and belongs to somebody else.", path)
        else:
            _log.warning("%s was open to others on this computer; it is now closed to them.", path)


def _sync_folder(folder: Path) -> None:
    if sys.platform != "win32":  # pragma: no branch - there a folder cannot be opened
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _patiently(action: Callable[[], _T]) -> _T:
    """Do it; on Windows try again while another process has the file open for a moment."""
    if sys.platform == "win32":  # pragma: no cover - elsewhere an open file is in nobody's way
        for _ in range(50):
            with suppress(PermissionError):
                return action()
            time.sleep(0.01)
    return action()
