"""Files for upload: opened once, and recognized by their content. What was checked is what is sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from webvoice_mcp.files.handed_input import HandedInput
from webvoice_mcp.files.names import upload_name
from webvoice_mcp.files.opened_file import Convert, OpenedFile, Upload
from webvoice_mcp.files.path_policy import PathPolicy
from webvoice_mcp.storage.threads import WorkerThreads

_BLOCK_BYTES = 3 * 640 * 1024  # a multiple of three, so that base64 needs no padding between blocks


class InputFile:
    """An open file that may be uploaded.

    Attributes:
        name: name to send to the service: plain ASCII, with the extension that fits the content.
        size: number of bytes that are sent. A picture is sent without its metadata.
        mime_type: media type of what is sent.
        path: absolute path, with links followed.
        kind: the kind of what is sent.
        source: the open file, of which pieces can be cut.
    """

    def __init__(self, file: OpenedFile, threads: WorkerThreads) -> None:
        self.path = file.path
        self.size = file.size
        self.mime_type = file.kind.mime_type
        self.name = upload_name(file.path, file.kind.suffixes[0])
        self.kind = file.kind
        self.source = file
        self._file = file
        self._threads = threads

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what is sent in pieces of at most 2 MiB. It may be called any number of times.

        Raises:
            DiskError: it cannot be read, or has changed since it was opened.
        """
        for piece in self._file.pieces:
            if isinstance(piece, bytes):
                yield piece
                continue
            for start in range(piece.start, piece.end, _BLOCK_BYTES):
                yield await self._threads.run(self._file.read, start, min(start + _BLOCK_BYTES, piece.end))

    async def seconds(self) -> float | None:
        """Return how long a recording plays, None if that is not certain within 5 %.

        Raises:
            DiskError: it cannot be read.
        """
        return await self._threads.run(self._file.seconds)

    async def check_unchanged(self) -> None:
        """Check that the file is still as it was when it was opened.

        Raises:
            DiskError: it has changed, or cannot be read.
        """
        await self._threads.run(self._file.check_unchanged)

    async def hand_over(self, *, with_descriptor: bool) -> HandedInput:
        """Return what another process of this user needs to send this file.

        Args:
            with_descriptor: add a descriptor of the open file; whoever gets the result closes it.
        """
        return await self._threads.run(self._file.hand_over, with_descriptor=with_descriptor)


@asynccontextmanager
async def open_input(
    upload: Upload,
    policy: PathPolicy,
    threads: WorkerThreads,
    convert: Convert | None = None,
    conversions: WorkerThreads | None = None,
    handed: HandedInput | None = None,
) -> AsyncIterator[InputFile]:
    """Open the file until the end of the block.

    Args:
        threads: the threads that read.
        convert: makes files of other formats fit to be sent; None refuses them.
        conversions: the threads for this, which takes long; None takes those that read.
        handed: the file as another process opened it, if one did. The block closes its descriptor.

    Raises:
        InvalidArgument: the text is not a path, or the file is too large.
        FileNotFound: there is no such file.
        PathNotAllowed: it is outside the allowed folders.
        UnsupportedMedia: its content is of another kind.
        DiskError: it cannot be read.
    """
    file = OpenedFile(upload, policy)
    try:
        if handed is not None and handed.descriptor is not None:
            with anyio.CancelScope(shield=True):  # else nobody would close the descriptor
                await threads.run(file.adopt, handed, handed.descriptor)
        else:
            await threads.run(file.open, converts=convert is not None)
            if handed is not None:
                file.check_same(handed)
        if convert and file.needs_conversion:
            await (conversions or threads).run(file.convert, convert)
        yield InputFile(file, threads)
    finally:
        with anyio.CancelScope(shield=True):
            await threads.run(file.close)
