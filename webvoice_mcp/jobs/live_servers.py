"""Tells which servers are alive, by locks that the system releases when a process ends."""

import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

if sys.platform == "win32":  # pragma: no cover - Windows alone has this lock
    import msvcrt
else:
    import fcntl

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NUMBERS = 1 << 40


class LiveServers:
    """A file in which each running server has locked one byte, at the offset of its number.

    Attributes:
        own: the random number of this server, which means the same in every history.
    """

    _of_this_process: ClassVar[set[int]] = set()  # the system grants a process its own lock again

    def __init__(self, path: Path) -> None:
        self.own = 1 + secrets.randbelow(_NUMBERS)
        self._descriptor = os.open(path, _FLAGS, 0o600)
        self._of_this_process.add(self.own)
        self._lock(self.own, shared=False)

    def close(self) -> None:
        """Release the locks of this process."""
        self._of_this_process.discard(self.own)
        with suppress(OSError):
            os.close(self._descriptor)

    def is_alive(self, number: int) -> bool:
        """Return True if the server with this number is running."""
        if number in self._of_this_process or not self._lock(number, shared=True):
            return True
        self._unlock(number)
        return False

    def _lock(self, number: int, *, shared: bool) -> bool:
        try:
            if sys.platform == "win32":  # pragma: no cover - Windows alone has this lock
                os.lseek(self._descriptor, number, os.SEEK_SET)
                msvcrt.locking(self._descriptor, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.lockf(self._descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB, 1, number)
        except OSError:
            return False
        return True

    def _unlock(self, number: int) -> None:
        if sys.platform == "win32":  # pragma: no cover - Windows alone has this lock
            os.lseek(self._descriptor, number, os.SEEK_SET)
            msvcrt.locking(self._descriptor, msvcrt.LK_UNLCK, 1)
        else:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, number)
