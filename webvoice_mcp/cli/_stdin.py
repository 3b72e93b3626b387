"""The process's stdin, such that a signal can end it like its writer can.

The SDK reads stdin in a thread that nothing can interrupt, so a signal alone would leave the process hanging there
(python-sdk issue 3551). Here the SDK reads from a pipe of ours, which a second thread fills from the real stdin. At a
signal the pipe ends: the SDK sees the end of its input, and there is only one way in which the server ends.

Calls that were paid for get their time then. A further signal says that there is none; so hosts do that want to be
rid of a server.
"""

import os
import queue
import re
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType

_BLOCK = 64 << 10
_HALF = rb"u[dD][89a-fA-F][0-9a-fA-F]{2}"
_PAIR = rb"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_MAY_HAVE_HALF = re.compile(rb"\\" + _HALF)
_ESCAPE = re.compile(rb"\\(?:" + _PAIR + rb"|(" + _HALF + rb")|.)", re.DOTALL)
_LONGEST = 30.0  # seconds after the end of the input, more than running orders get
_TO_WRITE = 1.5  # seconds for the last answers, and to remove what is not whole; a client may no longer read


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
        # A handler runs between any two steps of the main thread, which may hold any lock then: it must take none.
        # Putting into this queue takes none.
        self._wishes: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._hurried = False
        threading.Thread(target=self._end_when_wished, name="end", daemon=True).start()

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._fill, name="stdin", daemon=True).start()

    def end_on_signals(self) -> None:
        """Let SIGTERM and SIGINT end the input; a further one gives up what still runs."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def ignore_signals(self) -> None:
        """Now that the end has come: Python gives up its handlers before it is gone, and a late signal would kill."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    def end(self) -> None:
        """End the input, soon and on another thread."""
        self._wishes.put("end")

    def hurried(self) -> bool:
        """Whether a further signal came after the end."""
        return self._hurried

    def settled(self) -> None:
        """Hear that nothing runs any more that is worth waiting for."""
        self._wishes.put("settled")

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._wishes.put("signal")

    def _end_when_wished(self) -> None:
        self._wishes.get()
        # In place of a close: the other thread may be about to write to this descriptor.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self._writer)
        os.close(null)
        last = time.monotonic() + _LONGEST
        with suppress(queue.Empty):
            while True:
                wish = self._wishes.get(timeout=max(last - time.monotonic(), 0))
                last = min(last, time.monotonic() + (_LONGEST if wish == "end" else _TO_WRITE))
                self._hurried = self._hurried or wish == "signal"
        os._exit(0)

    def _fill(self) -> None:
        with suppress(OSError):  # what cannot be read, such as a terminal that has gone, has ended
            begun: list[bytes] = []  # of a line
            while block := os.read(self._wire, _BLOCK):
                begun.append(block)
                if b"\n" in block:
                    lines, end, rest = b"".join(begun).rpartition(b"\n")
                    begun = [rest]
                    self._pass_on(_mended(lines + end))
            self._pass_on(_mended(b"".join(begun)))
        self.end()

    def _pass_on(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._writer, rest) :]


def _mended(lines: bytes) -> bytes:
    """JSON without halves of surrogate pairs, which the SDK's parser refuses, so that nobody would ever answer.

    They come from clients that cut a text within a character.
    """
    if _MAY_HAVE_HALF.search(lines) is None:
        return lines
    return _ESCAPE.sub(lambda found: b"\\ufffd" if found[1] else found[0], lines)
