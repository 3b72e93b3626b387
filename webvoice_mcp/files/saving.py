"""Writing a file so that its name appears only when it is whole, and nothing stays when it never is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread

from webvoice_mcp.files._part import Allowance, Bytes, PartFile
from webvoice_mcp.files.kinds import Kind
from webvoice_mcp.files.places import Places
from webvoice_mcp.files.saved import SavedFile
from webvoice_mcp.files.targets import Target


class Part:
    """A file on its way: written piece by piece under a name of no account, then published under its own."""

    def __init__(self, file: PartFile, others: list[PartFile], limiter: anyio.CapacityLimiter) -> None:
        self._file = file
        self._others = others
        self._limiter = limiter

    def beside(self) -> "Part":
        """Open a further file of the same answer; published, it takes the next free name. Blocks for a moment.

        Raises:
            DiskError: the file system refuses.
        """
        file = self._file.beside()
        self._others.append(file)
        file.open()
        return Part(file, self._others, self._limiter)

    async def same_as(self, other: "Part") -> bool:
        """Whether both hold the same bytes."""
        return await anyio.to_thread.run_sync(self._file.same_as, other._file, limiter=self._limiter)  # noqa: SLF001 - of this class

    def write(self, data: Bytes) -> None:
        """Add all of the data.

        Raises:
            InvalidResponse: the file would grow beyond WEBVOICE_MAX_FILE_MB.
            DiskError: the file system refuses.
        """
        self._file.write(data)

    async def kind(self) -> Kind | None:
        """What was written, judged by its bytes; None for something that is not known here."""
        return await anyio.to_thread.run_sync(self._file.kind, limiter=self._limiter)

    async def publish(self, suffix: str = "") -> SavedFile:
        """Give the file its name; what another process has put there meanwhile stays, and a free name is taken.

        Args:
            suffix: the extension that tells the truth; unset: told from the content, else as the target has it.

        Raises:
            DiskError: the file system refuses.
        """
        return await anyio.to_thread.run_sync(self._file.publish, suffix, limiter=self._limiter)


@asynccontextmanager
async def saving(
    target: Target, places: Places, limit: int, limiter: anyio.CapacityLimiter, *, taken: int = 0
) -> AsyncIterator[Part]:
    """A part file for the target; without `publish`, it and those beside it are gone at the end.

    Args:
        limit: the most bytes that all of them may have together.
        taken: how many of these are used up already.

    Raises:
        PathNotAllowed: the target's folder is another than it was.
        DiskError: the file system refuses.
    """
    file = PartFile(target, Allowance(limit, taken), places)
    others: list[PartFile] = []
    try:
        await anyio.to_thread.run_sync(file.open, limiter=limiter)
        yield Part(file, others, limiter)
    finally:
        with anyio.CancelScope(shield=True):
            for each in (*others, file):
                await anyio.to_thread.run_sync(each.discard, limiter=limiter)
