"""Results while they arrive: a file gets its name only when it is complete, and an incomplete file is removed."""

import io
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO, cast

import anyio

from webvoice_mcp.files.kinds import Kind
from webvoice_mcp.files.output import Target
from webvoice_mcp.files.path_policy import PathPolicy
from webvoice_mcp.files.saved_file import SavedFile
from webvoice_mcp.files.temporary_file import Bytes, SizeLimit, TemporaryFile
from webvoice_mcp.storage.threads import WorkerThreads


class PendingFile:
    """A file that is written in pieces under a temporary name, then published under its own name."""

    def __init__(self, file: TemporaryFile, siblings: list[TemporaryFile], threads: WorkerThreads) -> None:
        self._file = file
        self._siblings = siblings
        self._threads = threads

    def sibling(self) -> "PendingFile":
        """Open another file of the same answer, to be published under the next free name. Blocks briefly.

        Raises:
            DiskError: the file system refuses.
        """
        file = self._file.sibling()
        self._siblings.append(file)
        file.open()
        return PendingFile(file, self._siblings, self._threads)

    def write(self, data: Bytes) -> None:
        """Append all of the data. Blocks briefly.

        Raises:
            InvalidResponse: the files of the answer would exceed WEBVOICE_MAX_FILE_MB.
            DiskError: the file system refuses.
        """
        self._file.write(data)

    @property
    def size(self) -> int:
        """Number of bytes that were written so far."""
        return self._file.size

    def as_file(self) -> BinaryIO:
        """Return the file as one that can be written at any position, but not read or cut short.

        Its methods block briefly, and raise the errors of `write`.
        """
        return cast("BinaryIO", _Writer(self._file))

    async def kind(self) -> Kind | None:
        """Return the kind of what was written so far, judged by its bytes; None if it is unknown."""
        return await self._threads.run(self._file.kind)

    async def same_as(self, other: "PendingFile") -> bool:
        """Return True if both have the same content."""
        return await self._threads.run(self._file.same_as, other._file)  # noqa: SLF001 - an attribute of this class

    async def publish(self, suffix: str = "") -> SavedFile:
        """Give the file its name, or the next free name if that has been taken in the meantime.

        Args:
            suffix: the extension; "" for the one that fits the content, or the target's if the kind is unknown.

        Raises:
            DiskError: the file system refuses.
        """
        return await self._threads.run(self._file.publish, suffix)

    async def close(self) -> None:
        """Close the file before the block of `create` ends, and remove it unless it was published.

        An answer of very many files needs it: a published file keeps its folder open.
        """
        await self._threads.run(self._file.discard)


class _Writer(io.RawIOBase):
    """A temporary file that can be written at any position."""

    def __init__(self, file: TemporaryFile) -> None:
        self._file = file
        self._position = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._file.size}[whence] + offset
        return self._position

    def truncate(self, size: int | None = None) -> int:
        wanted = self._position if size is None else size
        if wanted != self._file.size:
            raise io.UnsupportedOperation("the size cannot be set")
        return wanted

    def write(self, data: Bytes, /) -> int:  # type: ignore[override]  # of bytes, as all callers give it
        size = memoryview(data).nbytes
        self._file.write_at(self._position, data)
        self._position += size
        return size


@asynccontextmanager
async def create(
    target: Target, limit: SizeLimit, policy: PathPolicy, threads: WorkerThreads
) -> AsyncIterator[PendingFile]:
    """Create a file for the target. It and its siblings are removed when the block ends, unless published.

    Raises:
        PathNotAllowed: the target's folder has been swapped.
        DiskError: the file system refuses.
    """
    file = TemporaryFile(target, limit, policy)
    siblings: list[TemporaryFile] = []
    try:
        await threads.run(file.open)
        yield PendingFile(file, siblings, threads)
    finally:
        with anyio.CancelScope(shield=True):
            for open_file in (*siblings, file):
                await threads.run(open_file.discard)
