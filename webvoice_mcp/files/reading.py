"""Reading a file for upload: what it is is judged by its bytes, and it is opened once."""

import errno
import io
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread

from webvoice_mcp.errors import DiskError, FileNotFound, InvalidArgument, PathNotAllowed, UnsupportedMedia
from webvoice_mcp.files._disk import READ, FileId, disk, is_file, refused
from webvoice_mcp.files.kinds import KINDS, Kind, sniff
from webvoice_mcp.files.names import upload_name
from webvoice_mcp.files.places import Places

_BLOCK = 3 * 640 * 1024  # bytes; a multiple of three, as base64 likes it
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL})


@dataclass(frozen=True, slots=True)
class Upload:
    """What is to be read: the path as given, the argument that it came in, and what it has to be."""

    path: str
    argument: str
    family: Literal["audio", "image"]
    limit: int  # bytes


class Source:
    """A file found good for upload, open.

    Attributes:
        name: for the service: plain ASCII, with the extension that tells the truth.
        size: in bytes.
        mime_type: by its content.
        path: where it is, links followed.
    """

    def __init__(self, file: "_SourceFile", limiter: anyio.CapacityLimiter) -> None:
        self.path = file.path
        self.size = file.size
        self.mime_type = file.kind.mime_type
        self.name = upload_name(file.path, file.kind.suffixes[0])
        self._file = file
        self._limiter = limiter

    async def chunks(self) -> AsyncIterator[bytes]:
        """The whole file from its start, in pieces of at most 2 MiB; as often as one likes.

        Raises:
            DiskError: it cannot be read, or has another size than at first.
        """
        for position in range(0, self.size, _BLOCK):
            yield await anyio.to_thread.run_sync(self._file.block, position, limiter=self._limiter)


@asynccontextmanager
async def reading(upload: Upload, places: Places, limiter: anyio.CapacityLimiter) -> AsyncIterator[Source]:
    """The file, open until the end of the block.

    Raises:
        InvalidArgument: the path is none, or the file is too large.
        FileNotFound: it is not there.
        PathNotAllowed: it is outside the allowed folders.
        UnsupportedMedia: its content is of another kind.
        DiskError: it cannot be read.
    """
    file = _SourceFile(upload, places)
    try:
        await anyio.to_thread.run_sync(file.open, limiter=limiter)
        yield Source(file, limiter)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(file.close, limiter=limiter)


class _SourceFile:
    """The open file itself. A cancelled caller may leave a thread at work in it, hence the lock."""

    kind: Kind  # once it is open

    def __init__(self, upload: Upload, places: Places) -> None:
        self.path = Path(upload.path)
        self.size = 0
        self._upload = upload
        self._places = places
        self._file: io.FileIO | None = None
        self._closed = False
        self._lock = threading.Lock()

    def open(self) -> None:
        with self._lock:
            if self._closed:
                return
            self.path = self._found()
            with disk("read", self.path):
                expected = self.path.stat()
                if not is_file(expected):
                    raise UnsupportedMedia(f"{self._subject} is a folder, device or pipe. Give the path of a file.")
                self._file = self._opened()
                self._check(self._file, expected)

    def block(self, position: int) -> bytes:
        with self._lock, disk("read", self.path):
            if self._file is None:
                raise ValueError("The file is closed.")
            self._file.seek(position)
            data = self._file.read(_BLOCK)
            if len(data) < min(_BLOCK, self.size - position) or os.fstat(self._file.fileno()).st_size != self.size:
                raise DiskError(f"{self.path} changed while it was being read. Try again when it is complete.")
            return data

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._file:
                self._file.close()
                self._file = None

    @property
    def _subject(self) -> str:
        return f"{self._upload.argument}: {self._upload.path}"

    def _found(self) -> Path:
        upload = self._upload
        if not upload.path.strip():
            raise InvalidArgument(f"{upload.argument} is empty. Give the path of a file.")
        path = self._places.located(upload.path, upload.argument)
        real = self._places.resolved(path, upload.argument)
        try:
            real.stat()
        except OSError as error:
            if error.errno not in _ABSENT:
                raise refused("read", path, error) from error
            raise FileNotFound(
                f"{upload.argument}: there is no file {path}. Give an absolute path, or one relative to the output"
                f" folder {self._places.output_dir}."
            ) from None
        return real

    def _opened(self) -> io.FileIO:
        try:
            return io.FileIO(self.path, opener=lambda path, _: os.open(path, READ))
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise self._replaced from None

    def _check(self, file: io.FileIO, expected: os.stat_result) -> None:
        """Take the open file's facts, or refuse it."""
        status = os.fstat(file.fileno())
        # Nobody may put another file there between the look at the path and the opening.
        if FileId.of(status) != FileId.of(expected) or not self._places.hold(file.fileno(), self.path):
            raise self._replaced
        if status.st_size > self._upload.limit:
            raise InvalidArgument(
                f"{self._subject} has {status.st_size} bytes, more than the {self._upload.limit / 1024**2:g} MB that"
                " WEBVOICE_MAX_UPLOAD_MB allows. Send a smaller file, or raise the setting."
            )
        if status.st_size == 0:
            raise UnsupportedMedia(f"{self._subject} is empty. {self._accepted}")
        kind = sniff(file)
        if kind is None or kind.family != self._upload.family:
            found = kind.name if kind else "neither audio nor a picture that is known here"
            raise UnsupportedMedia(f"{self._subject} is {found}, judged by its content. {self._accepted}")
        self.size, self.kind = status.st_size, kind

    @property
    def _replaced(self) -> PathNotAllowed:
        return PathNotAllowed(f"{self._subject} was replaced while it was being opened. Try again.")

    @property
    def _accepted(self) -> str:
        names = [kind.name for kind in KINDS if kind.family == self._upload.family]
        return f"Accepted are {', '.join(names[:-1])} and {names[-1]}."
