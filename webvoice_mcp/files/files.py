"""The one door to the user's files."""

from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

import anyio
import anyio.to_thread

from webvoice_mcp.files._folder import remove_empty
from webvoice_mcp.files.places import Places
from webvoice_mcp.files.reading import Source, Upload, reading
from webvoice_mcp.files.saved import SavedFile
from webvoice_mcp.files.saving import Part, saving
from webvoice_mcp.files.targets import Target, Wish, aim

_THREADS = 8  # of our own, so that a disk that hangs does not stop the rest of the server


class FileSettings(Protocol):
    """What of the settings bears on files."""

    @property
    def output_dir(self) -> Path:
        """Where relative paths begin."""
        ...

    @property
    def allowed_dirs(self) -> tuple[Path, ...]:
        """The folders that files may lie in besides; empty for no limit."""
        ...

    @property
    def overwrite(self) -> bool:
        """Whether a file of the same kind may be replaced."""
        ...

    @property
    def max_file_bytes(self) -> int:
        """The largest file that is written."""
        ...

    @property
    def max_upload_bytes(self) -> int:
        """The largest file that is read."""
        ...


class Files:
    """The user's files, read and written as the settings allow."""

    def __init__(self, settings: FileSettings) -> None:
        self._settings = settings
        self._places = Places(settings.output_dir, settings.allowed_dirs)
        self._limiter = anyio.CapacityLimiter(_THREADS)

    def target(self, output_path: str, *, tool: str, words: str, suffixes: tuple[str, ...]) -> Target:
        """Find where a file goes, and see that it can be written, before anything is paid. Blocks; for a thread.

        Missing folders are made. A call that then fails without ever entering `saving` gives them back by `abandon`.

        Args:
            output_path: absolute, from `~`, from the output folder, or a folder; "" for the output folder.
            tool: the tool's name, for a name made here.
            words: what the file is about; the first words go into such a name, as plain ASCII.
            suffixes: the extensions that tell the truth, in lower case; the first completes a name without one.

        Raises:
            InvalidArgument: the path cannot be a file's, or says that it is of another kind.
            PathNotAllowed: it is outside the allowed folders, hidden, or a device.
            FileExists: something is there that may not be replaced.
            DiskError: the file system refuses.
        """
        wish = Wish(output_path, tool, words, suffixes)
        return aim(wish, self._places, overwrite=self._settings.overwrite)

    async def aim(self, output_path: str, *, tool: str, words: str, suffixes: tuple[str, ...]) -> Target:
        """The same as `target`, in a thread."""
        find = partial(self.target, output_path, tool=tool, words=words, suffixes=suffixes)
        return await anyio.to_thread.run_sync(find, limiter=self._limiter)

    async def give_up(self, target: Target) -> None:
        """The same as `abandon`, in a thread."""
        await anyio.to_thread.run_sync(self.abandon, target, limiter=self._limiter)

    def abandon(self, target: Target) -> None:
        """Remove the folders that were made for a target in vain. Blocks; for a thread."""
        remove_empty(target.made, self._places)

    def saving(self, target: Target) -> AbstractAsyncContextManager[Part]:
        """A part file for the target. Leaving the block without `publish` leaves no file, and no folder made for it.

        Raises:
            PathNotAllowed: its folder is another than it was.
            DiskError: the file system refuses.
        """
        return saving(target, self._places, self._settings.max_file_bytes, self._limiter)

    async def keep(self, content: bytes, *, tool: str, words: str, kept: int = 0) -> SavedFile:
        """Save something that is there already, under a name made here that tells what it is, in the output folder.

        Args:
            kept: bytes of the same answer that were saved before.

        Raises:
            InvalidResponse: together they are larger than WEBVOICE_MAX_FILE_MB.
            FileError: the file system refuses.
        """
        target = await self.aim("", tool=tool, words=words, suffixes=(".bin",))
        async with saving(target, self._places, self._settings.max_file_bytes, self._limiter, taken=kept) as part:
            part.write(content)
            return await part.publish()

    def reading(
        self, path: str, *, family: Literal["audio", "image"], argument: str
    ) -> AbstractAsyncContextManager[Source]:
        """A file to be uploaded, open until the end of the block.

        Args:
            path: absolute, from `~`, or from the output folder.
            family: what its content has to be.
            argument: the name of the tool's argument, for messages.

        Raises:
            InvalidArgument: the path is none, or the file is larger than WEBVOICE_MAX_UPLOAD_MB.
            FileNotFound: it is not there.
            PathNotAllowed: it is outside the allowed folders.
            UnsupportedMedia: its content is of another kind.
            DiskError: it cannot be read.
        """
        upload = Upload(path, argument, family, self._settings.max_upload_bytes)
        return reading(upload, self._places, self._limiter)
