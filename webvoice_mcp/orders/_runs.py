"""Which server runs are alive, told by locks that the system takes away with the process, however that ends."""

import os
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform == "win32":  # pragma: no cover - Windows alone has this lock
    import msvcrt
else:
    import fcntl

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Runs:
    """A file of which each live run has locked one byte, at the place of its number."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, _FLAGS, 0o600)
        self._own: set[int] = set()

    def close(self) -> None:
        """Give up the locks of this process."""
        with suppress(OSError):
            os.close(self._descriptor)

    def begin(self, number: int) -> None:
        """Mark a run of this process as alive."""
        self._own.add(number)
        self._lock(number)

    def is_alive(self, number: int) -> bool:
        """Whether the process of this run still lives."""
        if number in self._own:  # asking for a lock that one has oneself would grant it
            return True
        if not self._lock(number):
            return True
        self._unlock(number)
        return False

    def _lock(self, number: int) -> bool:
        try:
            if sys.platform == "win32":  # pragma: no cover - as above
                os.lseek(self._descriptor, number, os.SEEK_SET)
                msvcrt.locking(self._descriptor, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except OSError:
            return False
        return True

    def _unlock(self, number: int) -> None:
        if sys.platform == "win32":  # pragma: no cover - as above
            os.lseek(self._descriptor, number, os.SEEK_SET)
            msvcrt.locking(self._descriptor, msvcrt.LK_UNLCK, 1)
        else:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, number)
