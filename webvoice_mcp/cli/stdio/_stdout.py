"""The process's stdout, reserved for the protocol.

The SDK redirects stray output only while it serves: what is printed before or after, or printed meanwhile and flushed
after, would reach the client. Here descriptor 1 is stderr for as long as the process lives. The real stdout has another
descriptor.
"""

import io
import os
import select
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

SHORT_BYTES = 512
"""Bytes that a pipe takes without blocking if the system says that it is writable (POSIX's least PIPE_BUF)."""

if sys.platform != "win32":  # pragma: no branch - Windows has no such limit
    SHORT_BYTES = select.PIPE_BUF


class ProtocolStdout:
    """Takes over stdout: from now on everything that is printed goes to stderr."""

    def __init__(self) -> None:
        _open_closed_streams()
        self._stdout = os.dup(1)  # not inheritable: child processes have stderr as their stdout
        os.dup2(2, 1)

    def open(self, *, on_broken: Callable[[], None]) -> BinaryIO:
        """Return the real stdout as a file.

        Args:
            on_broken: called in any thread when the reader of stdout has closed it.
        """
        return io.BufferedWriter(_BreakableFile(self._stdout, on_broken))

    def has_room(self) -> bool:
        """Return True if a write of `SHORT_BYTES` would not block now."""
        if sys.platform == "win32":  # pragma: no cover - Windows cannot tell
            return False
        poll = select.poll()
        poll.register(self._stdout, select.POLLOUT)
        return poll.poll(0) != []


class _BreakableFile(io.FileIO):
    """Reports the first failed write, and drops all later ones."""

    def __init__(self, descriptor: int, on_broken: Callable[[], None]) -> None:
        super().__init__(descriptor, "wb")
        self._on_broken = on_broken
        self._is_broken = False

    def write(self, data: Any) -> int:
        if self._is_broken:  # Python 3.13 would print an error about output that is still buffered
            return len(data)
        try:
            return super().write(data)
        except OSError:
            self._is_broken = True
            self._on_broken()
            raise


def _open_closed_streams() -> None:
    """Open the null device for each closed standard stream; the next opened file would otherwise take its number."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    # Python sets a stream that was closed at the start to None.
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
