"""The process's stdin, such that a signal can end it like its writer can.

The SDK reads stdin in a thread that nothing can interrupt, so a signal alone would leave the process hanging there
(python-sdk issue 3551). Here that thread waits for the real stdin or for the end of a pipe of ours, whichever comes
first; where one cannot wait for two (Windows), it reads from that pipe, which a thread of ours fills. At a signal the
pipe ends: the SDK sees the end of its input, and there is only one way in which the server ends.

Calls that were paid for get their time then. A further signal says that there is none; so hosts do that want to be
rid of a server.
"""

import io
import os
import queue
import re
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

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
        if sys.platform == "win32":  # pragma: no cover - one cannot wait for two there
            sys.stdin = os.fdopen(reader, encoding="utf-8", errors="replace")
        else:
            lines = io.BufferedReader(_Lines(_whole(self._blocks(reader))), _BLOCK)
            sys.stdin = io.TextIOWrapper(lines, encoding="utf-8", errors="replace")
        # A handler runs between any two steps of the main thread, which may hold any lock then: it must take none.
        # Putting into this queue takes none.
        self._wishes: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._hurried = False
        threading.Thread(target=self._end_when_wished, name="end", daemon=True).start()

    def start(self) -> None:
        """Begin to read."""
        if sys.platform == "win32":  # pragma: no cover - one cannot wait for two there
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

    if sys.platform == "win32":  # pragma: no cover - one cannot wait for two there

        def _fill(self) -> None:
            with suppress(OSError):
                for lines in _whole(iter(lambda: os.read(self._wire, _BLOCK), b"")):
                    rest = memoryview(lines)
                    while rest:
                        rest = rest[os.write(self._writer, rest) :]
            self.end()

    else:

        def _blocks(self, ended: int) -> Iterator[bytes]:
            """What comes, until there is no more or the pipe whose reader is `ended` has ended."""
            either = select.poll()
            either.register(self._wire, select.POLLIN)
            either.register(ended, select.POLLIN)  # nobody writes to it; macOS tells of its end to those alone who ask
            with suppress(OSError):  # what cannot be read, such as a terminal that has gone, has ended
                while ended not in dict(either.poll()) and (block := os.read(self._wire, _BLOCK)):
                    yield block
            self.end()


class _Lines(io.RawIOBase):
    """Lines as a file."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._left = self._left or memoryview(next(self._lines, b""))
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def _whole(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same in lines that are whole, but for the last, and mended."""
    begun: list[bytes] = []
    for block in blocks:
        begun.append(block)
        if b"\n" in block:
            lines, end, rest = b"".join(begun).rpartition(b"\n")
            begun = [rest]
            yield _mended(lines + end)
    yield _mended(b"".join(begun))


def _mended(lines: bytes) -> bytes:
    """JSON without halves of surrogate pairs, which the SDK's parser refuses, so that nobody would ever answer.

    They come from clients that cut a text within a character.
    """
    if _MAY_HAVE_HALF.search(lines) is None:
        return lines
    return _ESCAPE.sub(lambda found: b"\\ufffd" if found[1] else found[0], lines)
