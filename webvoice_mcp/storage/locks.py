"""Locks between threads and processes. The operating system releases them when their holder ends.

The `filelock` library is not used: it could replace only `_try_lock`, as it has no byte-range locks, and importing it
takes 15 ms at every start.
"""

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from webvoice_mcp.storage.private import open_private

if sys.platform == "win32":  # pragma: no cover - Windows has other locks than POSIX
    import msvcrt
else:
    import fcntl

_TIMEOUT_SECONDS = 10.0
_RETRY_SECONDS = 0.005
_FLAGS = os.O_RDWR | os.O_CREAT


@contextmanager
def file_lock(path: Path, *, remove: bool = False) -> Iterator[None]:
    """Hold a lock that excludes all other threads and processes that use the same lock file.

    The lock is not reentrant. It is released if the process is killed.

    Args:
        path: the lock file, which is created, empty and with mode 0600, if it is missing. Its folder must exist.
        remove: delete the lock file afterwards, for a lock beside another program's file. All users of a lock file
            must pass the same value.

    Raises:
        TimeoutError: another holder did not release the lock within ten seconds.
        OSError: the file system refuses, or has no locks.
    """
    descriptor = _open_locked(path)
    try:
        yield
    finally:
        if remove and sys.platform != "win32":
            path.unlink(missing_ok=True)
        os.close(descriptor)  # releases the lock
        if remove and sys.platform == "win32":  # pragma: no cover - an open file cannot be deleted there
            with suppress(OSError):
                path.unlink(missing_ok=True)


class ByteLocks:
    """Exclusive locks on single bytes of a file, held until `close` or the end of the process, however it ends.

    A process shows that it is alive by locking a byte at a position that no other process uses. Other processes check
    the byte with `is_locked`. The bytes need not exist, and nothing is ever written to the file.

    Use one instance per file and process: POSIX ties these locks to the process, so that closing any descriptor of the
    file releases all locks that the process holds on it.
    """

    # POSIX lets a process lock its own bytes again, so `_acquire` alone would report them as free.
    _held_by_this_process: ClassVar[set[tuple[int, int, int]]] = set()

    def __init__(self, path: Path) -> None:
        """Open the lock file, creating it with mode 0600 if it is missing.

        Raises:
            OSError: the file system refuses.
        """
        self._descriptor = open_private(path, _FLAGS)
        status = os.fstat(self._descriptor)
        self._file = (status.st_dev, status.st_ino)
        self._positions: set[int] = set()

    def lock(self, position: int) -> bool:
        """Lock a byte. Return False if another process holds or is checking it, or the file system has no locks."""
        if not self._acquire(position, shared=False):
            return False
        self._positions.add(position)
        self._held_by_this_process.add((*self._file, position))
        return True

    def unlock(self, position: int) -> None:
        """Release a byte that `lock` has locked."""
        if position in self._positions:
            self._positions.discard(position)
            self._held_by_this_process.discard((*self._file, position))
            self._release(position)

    def is_locked(self, position: int) -> bool:
        """Return True if a running process, possibly this one, holds the byte, or the file system has no locks."""
        if (*self._file, position) in self._held_by_this_process:
            return True
        # A shared lock, so that two processes that check at once do not mistake each other for the holder.
        if not self._acquire(position, shared=True):
            return True
        self._release(position)
        return False

    def close(self) -> None:
        """Release the locks. Calling it again does nothing."""
        self._held_by_this_process.difference_update((*self._file, position) for position in self._positions)
        self._positions.clear()
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _acquire(self, position: int, *, shared: bool) -> bool:
        try:
            if sys.platform == "win32":  # pragma: no cover - Windows has other locks than POSIX
                os.lseek(self._descriptor, position, os.SEEK_SET)
                msvcrt.locking(self._descriptor, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.lockf(self._descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB, 1, position)
        except OSError:
            return False
        return True

    def _release(self, position: int) -> None:
        if sys.platform == "win32":  # pragma: no cover - Windows has other locks than POSIX
            os.lseek(self._descriptor, position, os.SEEK_SET)
            msvcrt.locking(self._descriptor, msvcrt.LK_UNLCK, 1)
        else:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, position)


def _open_locked(path: Path) -> int:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while True:
        descriptor = open_private(path, _FLAGS)
        try:
            _wait_for_lock(descriptor, deadline)
            if _is_at(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the last holder deleted the file before this process locked it


def _wait_for_lock(descriptor: int, deadline: float) -> None:
    while not _try_lock(descriptor):
        if time.monotonic() > deadline:
            raise TimeoutError(errno.ETIMEDOUT, "another process does not release it")
        time.sleep(_RETRY_SECONDS)


def _try_lock(descriptor: int) -> bool:
    if sys.platform == "win32":  # pragma: no cover - Windows has other locks than POSIX
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


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False
