"""The interface to the user's files: `resolve`, `create` and `publish` outputs, and `open_input`."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Literal, Protocol

import anyio

from webvoice_mcp.files.folders import remove_empty
from webvoice_mcp.files.input_file import Convert, InputFile, Upload, open_input
from webvoice_mcp.files.output import Output, Target, resolve
from webvoice_mcp.files.path_policy import PathPolicy
from webvoice_mcp.files.pending_file import PendingFile, create
from webvoice_mcp.files.saved_file import SavedFile
from webvoice_mcp.files.temporary_file import SizeLimit
from webvoice_mcp.storage.threads import WorkerThreads

_MAX_THREADS = 8
_MAX_CONVERSIONS = 2  # at a time: each keeps a processor busy


class FileSettings(Protocol):
    """The settings that concern files."""

    @property
    def output_dir(self) -> Path:
        """The folder that relative paths refer to."""
        ...

    @property
    def allowed_dirs(self) -> tuple[Path, ...]:
        """The other folders that files may be in; empty if they may be anywhere."""
        ...

    @property
    def state_dirs(self) -> tuple[Path, ...]:
        """The folders of saved keys and history, which no argument may lead into."""
        ...

    @property
    def overwrite(self) -> bool:
        """True if a file of the same family may be replaced."""
        ...

    @property
    def max_file_bytes(self) -> int:
        """The maximum total size of the files of one answer."""
        ...

    @property
    def max_upload_bytes(self) -> int:
        """The maximum size of a file to upload."""
        ...


class Files:
    """The user's files, read and written as the settings allow."""

    def __init__(self, settings: FileSettings) -> None:
        self._settings = settings
        self._policy = PathPolicy(settings.output_dir, settings.allowed_dirs, settings.state_dirs)
        self._threads = WorkerThreads(_MAX_THREADS)
        self._conversions = WorkerThreads(_MAX_CONVERSIONS)

    async def resolve(self, output: Output) -> Target:
        """Determine the path of an output and check that it can be written, before anything is paid.

        Missing folders are created. Call `release` with the target if you do not `create` its file.

        Raises:
            InvalidArgument: no file can have this path, or it has an extension of another kind.
            PathNotAllowed: it is outside the allowed folders, hidden, or a device.
            FileExists: something is there that may not be replaced.
            DiskError: the file system refuses.
        """
        with anyio.CancelScope(shield=True):  # else a cancelled caller never learns which folders to remove
            target = await self._threads.run(resolve, output, self._policy, overwrite=self._settings.overwrite)
        return target  # noqa: RET504 - mypy cannot know that a shield swallows no exception

    async def release(self, target: Target) -> None:
        """Remove the folders that were created for a target, if they are empty."""
        with anyio.CancelScope(shield=True):  # a cancelled call leaves no folders behind
            await self._threads.run(remove_empty, target.made, self._policy)

    def create(self, target: Target) -> AbstractAsyncContextManager[PendingFile]:
        """Create the target's file under a temporary name. The file is removed if the block does not publish it.

        Raises:
            PathNotAllowed: the target's folder has been swapped.
            DiskError: the file system refuses.
        """
        return create(target, SizeLimit(self._settings.max_file_bytes), self._policy, self._threads)

    async def save(self, content: bytes, *, prefix: str, name_from: str, already_saved: int = 0) -> SavedFile:
        """Save content in the output folder, under a generated name with the extension that fits the content.

        Args:
            prefix: the first part of the name.
            name_from: a text whose first words are the last part of the name.
            already_saved: number of bytes of the same answer that were saved before.

        Raises:
            InvalidResponse: the answer's files would exceed WEBVOICE_MAX_FILE_MB.
            FileError: the output folder cannot be used.
        """
        target = await self.resolve(Output("", prefix, name_from, (".bin",), "text"))
        limit = SizeLimit(self._settings.max_file_bytes, already_saved)
        async with create(target, limit, self._policy, self._threads) as file:
            file.write(content)
            return await file.publish()

    def open_input(
        self, path: str, *, family: Literal["audio", "image"], argument: str, convert: Convert | None = None
    ) -> AbstractAsyncContextManager[InputFile]:
        """Open a file for upload, until the end of the block.

        Args:
            path: absolute, starting with `~`, or relative to the output folder.
            family: the family of media that it must contain.
            argument: name of the tool's parameter, for messages.
            convert: makes a file that may be uploaded of one in another format; None refuses such files.

        Raises:
            InvalidArgument: the text is not a path, or what is to be sent is larger than WEBVOICE_MAX_UPLOAD_MB.
            FileNotFound: there is no such file.
            PathNotAllowed: it is outside the allowed folders.
            UnsupportedMedia: its content is of another kind.
            DiskError: it cannot be read.
        """
        upload = Upload(path, argument, family, self._settings.max_upload_bytes)
        return open_input(upload, self._policy, self._threads, convert, self._conversions)
