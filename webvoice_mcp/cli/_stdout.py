"""The process's stdout, kept for the protocol alone.

The SDK keeps stray output off the wire while it serves, but not before and not after, and what was printed without a
flush comes out after. Here descriptor 1 is stderr for as long as the process lives. The wire is a descriptor that
nobody else knows; the SDK finds it where it looks for stdout.
"""

import io
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, BinaryIO, TextIO, cast


class ProtocolStdout:
    """Takes stdout: from now on, everything that is printed goes to stderr."""

    def __init__(self) -> None:
        _open_closed_streams()
        self._wire = os.dup(1)  # not inheritable: children have stderr at 1
        os.dup2(2, 1)

    def offer(self, *, broken: Callable[[], None]) -> None:
        """Put the wire in the place of `sys.stdout` until the main thread takes it from there.

        Args:
            broken: called, on any thread, when nobody listens on the wire any more.
        """
        wire = io.BufferedWriter(_Wire(self._wire, broken))
        sys.stdout = cast("TextIO", _Offer(wire, sys.stdout))


class _Wire(io.FileIO):
    def __init__(self, descriptor: int, broken: Callable[[], None]) -> None:
        super().__init__(descriptor, "wb")
        self._broken = broken
        self._is_broken = False

    def write(self, data: Any) -> int:
        if self._is_broken:  # what is left in buffers has nowhere to go, and Python 3.13 would complain of it
            return len(data)
        try:
            return super().write(data)
        except OSError:
            self._is_broken = True
            self._broken()
            raise


class _Offer:
    """Gives the wire to the SDK, which asks for its buffer on the main thread; to all others it is plain stdout."""

    def __init__(self, wire: BinaryIO, ordinary: TextIO) -> None:
        self._wire = wire
        self._ordinary = ordinary

    @property
    def buffer(self) -> BinaryIO:
        if threading.current_thread() is not threading.main_thread():
            return self._ordinary.buffer
        sys.stdout = self._ordinary
        return self._wire

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ordinary, name)


def _open_closed_streams() -> None:
    """A standard descriptor that is closed would become that of the next file opened, and be written to."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    # Python has None in the place of a stream that was closed at the start.
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
