"""The process's stdin, which signals can end.

A thread that reads stdin cannot be interrupted, so after a signal alone the process would not exit (python-sdk issue
3551). Here the thread waits for the real stdin or for the end of a pipe of our own, whichever comes first. Where a
thread cannot wait for both (Windows), it reads from the pipe, which another thread fills. A signal ends the pipe and
the SDK sees the end of its input, so the server always ends in the same way.

Until the SDK is imported, another thread reads, so that some requests can be answered meanwhile.

Jobs that are already paid for then get time to finish. A second signal forces the shutdown: MCP clients send one to a
server that has not exited yet.
"""

import codecs
import json
import os
import queue
import re
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum, auto
from types import FrameType
from typing import Any

_BLOCK_BYTES = 64 << 10
_SHUTDOWN_SECONDS = 30.0  # from the end of the input to the end of the process; longer than jobs may take to finish
_LAST_WRITE_SECONDS = 1.5  # for the last answers, which a client may no longer read, and to delete incomplete files

_SURROGATE = rb"u[dD][89a-fA-F][0-9a-fA-F]{2}"
_SURROGATE_PAIR = rb"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_MAY_HAVE_SURROGATE = re.compile(rb"\\" + _SURROGATE)
_MAY_HAVE_EMPTY_PARAMS = re.compile(rb'"params"\s*:\s*\[\s*\]')
Filter = Callable[[Iterator[bytes]], Iterator[bytes]]

_ESCAPE = re.compile(rb"\\(?:" + _SURROGATE_PAIR + rb"|(" + _SURROGATE + rb")|.)", re.DOTALL)


class _Event(Enum):
    INPUT_ENDED = auto()
    SIGNAL = auto()
    JOBS_ENDED = auto()


class EndableStdin:
    """Takes over stdin; a signal or `end` ends it for its reader.

    It is also the server's `Shutdown`: it knows if the shutdown is forced, and ends the process if it takes too long.

    Attributes:
        is_terminal: True if stdin is a terminal.
    """

    def __init__(self) -> None:
        self._stdin = os.dup(0)  # not inheritable; child processes get the null device as their stdin
        self.is_terminal = os.isatty(self._stdin)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        reader, self._writer = os.pipe()
        if sys.platform == "win32":  # pragma: no cover - Windows cannot wait for two descriptors
            self._pipe = os.fdopen(reader, "rb")
        else:
            self._lines = _split_at_line_ends(self._read_blocks(reader))
        # A signal handler can run between any two steps of the main thread, whatever lock that thread holds, so it must
        # not take a lock itself. `SimpleQueue.put` takes none.
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._is_forced = False
        self._is_cut_off = False
        self._early: queue.SimpleQueue[bytes] | None = (
            None  # lines that were read before the SDK could read; b"" ends it
        )
        threading.Thread(target=self._run_shutdown, name="shutdown", daemon=True).start()

    def start(self, early: Filter | None = None, is_early: Callable[[], bool] = bool) -> None:
        """Start to read.

        Args:
            early: takes an iterator of whole lines, and yields the lines that the SDK gets.
            is_early: True as long as `early` may keep lines to itself. Until then another thread than the SDK's reads.
        """
        if sys.platform == "win32":  # pragma: no cover - Windows cannot wait for two descriptors
            threading.Thread(target=self._fill_pipe, args=(early or iter,), name="stdin", daemon=True).start()
        elif early is not None:
            self._lines, self._early = early(self._lines), queue.SimpleQueue()
            threading.Thread(target=self._read_early, args=(self._early, is_early), name="stdin", daemon=True).start()

    def end_on_signals(self) -> None:
        """Let SIGTERM and SIGINT end the input; a second one forces the shutdown."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def ignore_signals(self) -> None:
        """Ignore further signals: Python removes its handlers before it exits, and a signal would then kill it."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    def end(self) -> None:
        """Ask the shutdown thread to end the input, and return at once."""
        self._events.put(_Event.INPUT_ENDED)

    def is_forced(self) -> bool:
        """True if a signal arrived after the end of the input."""
        return self._is_forced

    def jobs_ended(self) -> None:
        """Shorten the time that is left, because no job runs any more."""
        self._events.put(_Event.JOBS_ENDED)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._events.put(_Event.SIGNAL)

    def _run_shutdown(self) -> None:
        """Wait for the first event, end the input, and end the process when its time is up."""
        self._is_cut_off = self._events.get() is _Event.SIGNAL
        # The pipe is ended by replacing its descriptor: a closed one could be reused while another thread writes to it.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self._writer)
        os.close(null)
        deadline = time.monotonic() + _SHUTDOWN_SECONDS
        with suppress(queue.Empty):
            while True:
                event = self._events.get(timeout=max(deadline - time.monotonic(), 0))
                seconds = _SHUTDOWN_SECONDS if event is _Event.INPUT_ENDED else _LAST_WRITE_SECONDS
                deadline = min(deadline, time.monotonic() + seconds)
                self._is_forced = self._is_forced or event is _Event.SIGNAL
        os._exit(0)

    if sys.platform == "win32":  # pragma: no cover - Windows cannot wait for two descriptors

        def _fill_pipe(self, early: Filter) -> None:
            with suppress(OSError):
                for lines in early(_split_at_line_ends(iter(lambda: os.read(self._stdin, _BLOCK_BYTES), b""))):
                    rest = memoryview(lines)
                    while rest:
                        rest = rest[os.write(self._writer, rest) :]
            self.end()

        def lines(self) -> Iterator[bytes]:
            """Yield lines for the SDK."""
            return iter(self._pipe.readline, b"")

    else:

        def _read_blocks(self, pipe: int) -> Iterator[bytes]:
            """Yield blocks of the real stdin until it ends or the pipe does."""
            poll = select.poll()
            poll.register(self._stdin, select.POLLIN)
            poll.register(pipe, select.POLLIN)  # nothing is written to it; macOS reports a pipe's end only with POLLIN
            with suppress(OSError):  # an unreadable stdin, such as a terminal that was closed, counts as ended
                while pipe not in dict(poll.poll()) and (block := os.read(self._stdin, _BLOCK_BYTES)):
                    yield block

        def _read_early(self, lines: queue.SimpleQueue[bytes], is_early: Callable[[], bool]) -> None:
            """Read while it is early, and one block longer, since this thread is waiting for it."""
            for block in self._lines:
                lines.put(block)
                if not is_early():
                    break
            lines.put(b"")

        def lines(self) -> Iterator[bytes]:
            """Yield blocks of lines for the SDK. After a signal, lines that were read early count as not read."""
            if self._early is not None:
                yield from (lines for lines in iter(self._early.get, b"") if not self._is_cut_off)
            yield from self._lines
            self.end()


def _split_at_line_ends(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the bytes in blocks of whole lines, which split no escape sequence, repaired."""
    pending: list[bytes] = []
    mark = codecs.BOM_UTF8  # some clients begin with one; it is skipped before the first line
    is_first = True
    for block in blocks:
        pending.append(block)
        if b"\n" in block:
            lines, end, rest = b"".join(pending).rpartition(b"\n")
            pending = [rest]
            lines = (lines + end).removeprefix(mark)
            yield _repair(_put_initialize_first(lines) if is_first else lines)
            mark, is_first = b"", False
    yield _repair(b"".join(pending).removeprefix(mark))


def _put_initialize_first(lines: bytes) -> bytes:
    """Put the request `initialize` before `server/discover`.

    A client sends both if the first answer takes too long (the AI SDK waits for a second), for example during a slow
    start. The SDK would serve the revision of the first request only, and the client would never get connected.
    """
    if b'"server/discover"' not in lines or b'"initialize"' not in lines:
        return lines
    messages = lines.splitlines(keepends=True)
    messages.sort(key=lambda message: _method(message) != "initialize")
    return b"".join(messages)


def _method(line: bytes) -> Any:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message.get("method") if isinstance(message, dict) else None


def _repair(lines: bytes) -> bytes:
    """Repair lines of JSON that the SDK would not answer. Ordinary lines are only searched."""
    return _drop_empty_params(_replace_lone_surrogates(lines))


def _drop_empty_params(lines: bytes) -> bytes:
    """Leave out `params` where they are an empty list, as clients write that have nothing to say."""
    if _MAY_HAVE_EMPTY_PARAMS.search(lines) is None:
        return lines
    return b"\n".join(map(_without_empty_params, lines.split(b"\n")))


def _without_empty_params(line: bytes) -> bytes:
    if _MAY_HAVE_EMPTY_PARAMS.search(line) is None:
        return line
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if not isinstance(message, dict) or message.get("params") != []:
        return line
    del message["params"]
    return json.dumps(message).encode()


def _replace_lone_surrogates(lines: bytes) -> bytes:
    """Replace lone surrogates in lines of JSON; they come from clients that cut a text inside a character.

    The SDK's parser would refuse such a message, and the client would never get an answer.
    """
    if _MAY_HAVE_SURROGATE.search(lines) is None:
        return lines
    return _ESCAPE.sub(lambda match: b"\\ufffd" if match[1] else match[0], lines)
