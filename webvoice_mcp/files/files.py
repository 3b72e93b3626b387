"""The interface to the user's files: `resolve`, `create` and `publish` outputs, and read files of all kinds."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from itertools import islice
from pathlib import Path
from typing import Literal, Protocol

import anyio

from webvoice_mcp.errors import FileError
from webvoice_mcp.files.folders import remove_empty
from webvoice_mcp.files.handed_input import HandedInput
from webvoice_mcp.files.input_file import InputFile, open_input
from webvoice_mcp.files.kinds import Kind
from webvoice_mcp.files.local_file import LocalFile, OpenLocalFile, find_local, open_local
from webvoice_mcp.files.made_files import MadeFile, check_made_file, read_made_file
from webvoice_mcp.files.opened_file import Convert, Upload
from webvoice_mcp.files.output import Output, Target, resolve
from webvoice_mcp.files.path_policy import PathPolicy
from webvoice_mcp.files.pending_file import PendingFile, create
from webvoice_mcp.files.saved_file import SavedFile
from webvoice_mcp.files.temporary_file import SizeLimit
from webvoice_mcp.files.text_input import read_text_file
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

    def __init__(self, settings: FileSettings, handed: Iterable[HandedInput] = ()) -> None:
        """Prepare to read and write.

        Args:
            handed: input files that another process opened; `open_input` opens them as they were then.
        """
        self._settings = settings
        self._handed = list(handed)
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
        self,
        path: str,
        *,
        family: Literal["audio", "image"],
        argument: str,
        convert: Convert | None = None,
        is_cut: bool = False,
    ) -> AbstractAsyncContextManager[InputFile]:
        """Open a file for upload, until the end of the block.

        Args:
            path: absolute, starting with `~`, or relative to the output folder.
            family: the family of media that it must contain.
            argument: name of the tool's parameter, for messages.
            convert: makes a file that may be uploaded of one in another format; None refuses such files.
            is_cut: accept larger recordings, because they are sent in pieces.

        Raises:
            InvalidArgument: the text is not a path, or what is to be sent is larger than WEBVOICE_MAX_UPLOAD_MB.
            FileNotFound: there is no such file.
            PathNotAllowed: it is outside the allowed folders.
            UnsupportedMedia: its content is of another kind.
            DiskError: it cannot be read.
        """
        upload = Upload(path, argument, family, self._settings.max_upload_bytes, is_cut)
        handed = next((file for file in self._handed if (file.argument, file.given) == (argument, path)), None)
        if handed is not None:
            self._handed.remove(handed)
        return open_input(upload, self._policy, self._threads, convert, self._conversions, handed)

    def close_handed(self) -> None:
        """Close the descriptors of files that were handed over and have not been opened."""
        while self._handed:
            self._handed.pop().close()

    async def find_local(self, path: str, *, argument: str) -> LocalFile:
        """Find a file of sound or a film that is used on this computer and not sent.

        Args:
            path: absolute, starting with `~`, or relative to the output folder.
            argument: name of the tool's parameter, for messages.

        Raises:
            InvalidArgument: the text is not a path.
            FileNotFound: there is no such file.
            PathNotAllowed: it is hidden or outside the allowed folders.
            UnsupportedMedia: its content is of another kind.
            DiskError: it cannot be read.
        """
        return await self._threads.run(find_local, path, argument, self._policy)

    def open_local(
        self, given: Sequence[tuple[str, str]], kinds: Sequence[Kind]
    ) -> AbstractAsyncContextManager[list[OpenLocalFile]]:
        """Open files that are used on this computer and not sent, until the end of the block.

        Args:
            given: for each file the name of the tool's parameter, for messages, and the path.
            kinds: the kinds that they may be of.

        Raises:
            FileError, InvalidArgument: as `find_local`.
        """
        return open_local(given, kinds, self._policy, self._threads)

    async def read_text(self, path: str, argument: str) -> bytes:
        """Return the first 2 MB of a text file, and one byte more if it is larger.

        Args:
            path: absolute, starting with `~`, or relative to the output folder.
            argument: name of the tool's parameter, for messages.

        Raises:
            InvalidArgument: the text is not a path.
            FileNotFound: there is no such file.
            PathNotAllowed: it is hidden or outside the folders that may be read.
            UnsupportedMedia: it is no regular file.
            DiskError: it cannot be read.
        """
        return await self._threads.run(read_text_file, path, argument, self._policy)

    async def read_made(self, made: MadeFile, start: int, end: int) -> bytes:
        """Return a range of a file that was made earlier.

        Raises:
            FileNotFound: it is gone.
            PathNotAllowed: it is outside the allowed folders, or its path has a link in it now.
            DiskError: another file has its path, it was changed, or it cannot be read.
        """
        return await self._threads.run(read_made_file, made, self._policy, start, end)

    async def readable(self, made: Iterable[MadeFile], *, limit: int) -> list[MadeFile]:
        """Return the first of these files that `read_made` can read."""
        return await self._threads.run(lambda: list(islice(self._readable(made), limit)))

    def _readable(self, made: Iterable[MadeFile]) -> Iterator[MadeFile]:
        for file in made:
            with suppress(FileError):
                check_made_file(file, self._policy)
                yield file
