"""The process's stdin, such that a signal can end it like its writer can.

The SDK reads stdin in a thread that nothing can interrupt, so a signal alone would leave the process hanging there
(python-sdk issue 3551). Here the SDK reads from a pipe of ours, which a second thread fills from the real stdin. At a
signal the pipe ends: the SDK sees the end of its input, and there is only one way in which the server ends.
"""

import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType

_BLOCK = 64 << 10
_GRACE = 3.0  # seconds after the end of the input; then a client that does not read cannot keep us either


class EndableStdin:
    """Puts a pipe in the place of `sys.stdin`; `end` closes it for the reader.

    Attributes:
        is_terminal: whether a person sits at the other end.
    """

    def __init__(self) -> None:
        self._wire = os.dup(0)  # not inheritable; children find the null device at 0
        self.is_terminal = os.isatty(self._wire)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        reader, self._writer = os.pipe()
        sys.stdin = os.fdopen(reader, encoding="utf-8", errors="replace")
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._fill, name="stdin", daemon=True).start()

    def end_on_signals(self) -> None:
        """Let SIGTERM and SIGINT end the input; a second one ends the process at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def end(self) -> None:
        """End the input. What was read before is still served."""
        if self._ended.is_set():
            return
        self._ended.set()
        # In place of a close: the other thread may be about to write to this descriptor.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self._writer)
        os.close(null)
        last = threading.Timer(_GRACE, os._exit, (0,))
        last.daemon = True
        last.start()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._ended.is_set():
            os._exit(0)
        self.end()

    def _fill(self) -> None:
        with suppress(OSError):  # what cannot be read, such as a folder or a terminal that has gone, has ended
            while block := os.read(self._wire, _BLOCK):
                rest = memoryview(block)
                while rest:
                    rest = rest[os.write(self._writer, rest) :]
        self.end()
