"""Stdin and stdout as the SDK's transport uses them, without a trip to another thread for every line.

The SDK would wrap the files with `anyio.wrap_file`, which runs each read, write and flush in a thread: three trips for
a request and its answer. Here one thread reads for as long as the server runs, and a short line is written at once if
the pipe has room for it.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Protocol

from webvoice_mcp.cli.stdio._stdout import SHORT_BYTES
from webvoice_mcp.storage.threads import ThreadedIterator, WorkerThreads


class File(Protocol):
    """The file to which lines are written."""

    def write(self, data: bytes, /) -> object:
        """Write a whole line."""

    def flush(self) -> object:
        """Flush what was written."""


class AsyncStdin:
    """The lines of stdin, which a thread reads."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        """Prepare; nothing is read yet.

        Args:
            blocks: yields whole lines, and blocks while there are none.
        """
        self._blocks = blocks

    async def __aiter__(self) -> AsyncIterator[str]:
        async for block in ThreadedIterator(self._blocks, "stdin for the SDK"):
            for line in block.splitlines(keepends=True):
                yield line.decode(errors="replace")


class AsyncStdout:
    """Stdout: short lines are written at once if that cannot block, others in a thread."""

    def __init__(self, file: File, can_write: Callable[[], bool]) -> None:
        """Wrap a file.

        Args:
            can_write: returns True if writing a short line would not block.
        """
        self._file = file
        self._can_write = can_write
        self._threads = WorkerThreads(1)

    async def write(self, text: str) -> None:
        """Write a line and flush it."""
        line = text.encode()
        if len(line) <= SHORT_BYTES and self._can_write():
            self._write(line)
        else:
            await self._threads.run(self._write, line)

    async def flush(self) -> None:
        """Do nothing: a line was flushed when it was written."""

    def _write(self, line: bytes) -> None:
        self._file.write(line)
        self._file.flush()
