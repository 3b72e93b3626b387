"""The process's stdout, reserved for the protocol.

The SDK redirects stray output only while it serves: what is printed before or after, or printed meanwhile and flushed
after, would reach the client. Here descriptor 1 is stderr for as long as the process lives. The real stdout has another
descriptor, which only the SDK gets, in the place where it looks for stdout.
"""

import io
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, BinaryIO, TextIO, cast


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

    def give_to_sdk(self, stdout: BinaryIO) -> None:
        """Replace `sys.stdout` by an object that gives this file to the SDK, once."""
        sys.stdout = cast("TextIO", _SdkStdout(stdout, sys.stdout))


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


class _SdkStdout:
    """Gives the real stdout to the SDK, which reads `buffer` in the main thread; for all others it is stderr."""

    def __init__(self, stdout: BinaryIO, redirected: TextIO) -> None:
        self._stdout = stdout
        self._redirected = redirected

    @property
    def buffer(self) -> BinaryIO:
        if threading.current_thread() is not threading.main_thread():
            return self._redirected.buffer
        sys.stdout = self._redirected
        return self._stdout

    def __getattr__(self, name: str) -> Any:
        return getattr(self._redirected, name)


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
