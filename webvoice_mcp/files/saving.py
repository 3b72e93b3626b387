"""Writing a file so that its name appears only when it is whole, and nothing stays when it never is."""

import filecmp
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import anyio.to_thread

from webvoice_mcp.errors import DiskError, InvalidResponse, PathNotAllowed
from webvoice_mcp.files._disk import FileId, disk, is_file, status_of
from webvoice_mcp.files.kinds import TEXT, Kind, kind_for, sniff
from webvoice_mcp.files.names import candidates, extension
from webvoice_mcp.files.targets import NEW_FILE, Target, is_of_family, make_folder, part_name, remove_empty

_Bytes = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file that was written: its absolute path, `file://` URI, MIME type and size in bytes."""

    path: str
    uri: str
    mime_type: str
    size_bytes: int


def content_of(saved: SavedFile) -> bytes:
    """What lies in the file now. Blocks; for a thread.

    Raises:
        DiskError: it cannot be read, or is there no longer.
    """
    path = Path(saved.path)
    with disk("read", path):
        return path.read_bytes()


class Part:
    """A file on its way: written piece by piece under a name of no account, then published under its own."""

    def __init__(self, file: "_PartFile", others: "list[_PartFile]", limiter: anyio.CapacityLimiter) -> None:
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

    def write(self, data: _Bytes) -> None:
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
async def saving(target: Target, limit: int, limiter: anyio.CapacityLimiter, *, taken: int = 0) -> AsyncIterator[Part]:
    """A part file for the target; without `publish`, it and those beside it are gone at the end.

    Args:
        limit: the most bytes that all of them may have together.
        taken: how many of these are used up already.

    Raises:
        DiskError: the file system refuses.
    """
    file = _PartFile(target, _Allowance(limit, taken))
    others: list[_PartFile] = []
    try:
        await anyio.to_thread.run_sync(file.open, limiter=limiter)
        yield Part(file, others, limiter)
    finally:
        with anyio.CancelScope(shield=True):
            for each in (*others, file):
                await anyio.to_thread.run_sync(each.discard, limiter=limiter)


class _Allowance:
    """What one answer may still put on disk."""

    def __init__(self, limit: int, taken: int = 0) -> None:
        self._limit = limit
        self._left = limit - taken

    def take(self, size: int) -> None:
        if size > self._left:
            raise InvalidResponse(
                f"The answer is larger than the {self._limit / 1024**2:g} MB that WEBVOICE_MAX_FILE_MB allows, so"
                " it was stopped and not kept. Raise the setting to accept such files."
            )
        self._left -= size


class _PartFile:
    """The part file itself. A cancelled caller may leave a thread at work in it, hence the lock."""

    def __init__(self, target: Target, allowance: _Allowance) -> None:
        self.size = 0
        self._target = target
        self._allowance = allowance
        self.path = target.path.with_name(part_name())
        self._made = target.made
        self._descriptor = -1
        self._discarded = False
        self._published = False
        self._lock = threading.Lock()

    def open(self) -> None:
        folder = self.path.parent
        with self._lock, disk("write in", folder):
            if self._discarded:
                return
            self._made += make_folder(folder)  # somebody may have removed it since
            if os.path.realpath(folder) != str(folder):
                raise PathNotAllowed(f"{folder} has become a link meanwhile. Choose another output_path.")
            self._descriptor = os.open(self.path, os.O_RDWR | NEW_FILE, 0o600)

    def write(self, data: _Bytes) -> None:
        rest = memoryview(data).cast("B")
        with self._lock, disk("write", self._target.path):
            self._allowance.take(len(rest))
            while rest:
                written = os.write(self._descriptor, rest)
                self.size += written
                rest = rest[written:]

    def beside(self) -> "_PartFile":
        return _PartFile(replace(self._target, replaces=None, made=()), self._allowance)

    def same_as(self, other: "_PartFile") -> bool:
        with disk("read", self._target.path):
            return self.size == other.size and filecmp.cmp(self.path, other.path, shallow=False)

    def kind(self) -> Kind | None:
        with self._lock, disk("read", self._target.path):
            return self._kind()

    def publish(self, asked: str) -> SavedFile:
        with self._lock, disk("write", self._target.path):
            os.fsync(self._descriptor)
            suffix = self._suffix(asked)
            with suppress(OSError):  # some file systems have no permissions to set
                self.path.chmod(self._target.mode)
            self._close()
            path = self._named(self._target.path.with_name(self._stem + suffix))
            self._published = True
            with suppress(OSError):  # where the name is a second one, the first is no longer needed
                self.path.unlink(missing_ok=True)
        kind = kind_for(suffix)
        mime_type = kind.mime_type if kind else "application/octet-stream"
        return SavedFile(str(path), path.as_uri(), mime_type, self.size)

    def discard(self) -> None:
        with self._lock:
            self._discarded = True
            with suppress(OSError):
                self._close()
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
            if not self._published:
                remove_empty(self._made)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    @property
    def _own_suffix(self) -> str:
        return extension(self._target.path.name)

    @property
    def _stem(self) -> str:
        return self._target.path.name.removesuffix(self._own_suffix)

    def _suffix(self, asked: str) -> str:
        """The extension that tells the truth; the target's own spelling of it where that is true."""
        own = self._own_suffix
        said = kind_for(own)
        if asked:
            return own if said and asked.lower() in said.suffixes else asked
        if said is TEXT:
            return own  # whatever words a text begins with, they do not make it a picture
        true = self._kind()
        # That something reads as text proves little against what the service said that it is.
        return own if true is None or true in {said, TEXT} else true.suffixes[0]

    def _kind(self) -> Kind | None:
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            kind = sniff(file)
        os.lseek(self._descriptor, self.size, os.SEEK_SET)  # the two share their place in the file
        return kind

    def _named(self, wanted: Path) -> Path:
        """Rename the part file: to this name, over the file that the target may replace, or else to a free name."""
        if wanted == self._target.path and self._may_replace(wanted):
            with suppress(OSError):  # on Windows when it is being played: what was paid for is kept beside it
                self.path.replace(wanted)
                return wanted
        return next(path for path in candidates(wanted) if _put(self.path, path))

    def _may_replace(self, path: Path) -> bool:
        """Whether the very file that the target was aimed at is still there, and still of the same kind."""
        try:
            status = status_of(path)
            return is_file(status) and FileId.of(status) == self._target.replaces and is_of_family(path)
        except DiskError:
            return False


def _put(part: Path, path: Path) -> bool:
    """Rename without ever replacing anything; False where something is there."""
    try:
        if sys.platform == "win32":  # pragma: no cover - there a rename never replaces
            part.rename(path)
        else:
            _link(part, path)
    except FileExistsError:
        return False
    return True


def _link(part: Path, path: Path) -> None:
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: the name is taken first, then filled at one stroke
        os.close(os.open(path, os.O_WRONLY | NEW_FILE, 0o600))
        try:
            part.replace(path)
        except BaseException:
            path.unlink()
            raise
