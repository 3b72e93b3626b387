"""A file while it is written, under a temporary name in the target's folder."""

import os
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from webvoice_mcp.errors import DiskError, InvalidResponse
from webvoice_mcp.files.disk import FileId, disk_errors
from webvoice_mcp.files.folders import Folder, open_or_create, remove_empty
from webvoice_mcp.files.kinds import TEXT, Kind, kind_for_suffix, sniff
from webvoice_mcp.files.names import extension, numbered, temporary_name
from webvoice_mcp.files.output import Target, matches_name
from webvoice_mcp.files.path_policy import PathPolicy
from webvoice_mcp.files.saved_file import SavedFile

Bytes = bytes | bytearray | memoryview

_BLOCK_BYTES = 1024 * 1024


class SizeLimit:
    """The limit on the total size of the files of one answer."""

    def __init__(self, max_bytes: int, used: int = 0) -> None:
        self._max_bytes = max_bytes
        self._left = max_bytes - used

    def use(self, size: int) -> None:
        """Count more bytes.

        Raises:
            InvalidResponse: they exceed the limit. They are not counted.
        """
        if size > self._left:
            raise InvalidResponse(
                f"The answer is larger than the {self._max_bytes / 1024**2:g} MB that WEBVOICE_MAX_FILE_MB allows, so"
                " it was stopped and discarded. Raise the setting to accept such files."
            )
        self._left -= size


class TemporaryFile:
    """A file that has a temporary name until it is published.

    All methods block. A lock guards the state, because the thread of a cancelled caller may still be at work.
    """

    def __init__(self, target: Target, limit: SizeLimit, policy: PathPolicy, folder: Folder | None = None) -> None:
        self.size = 0
        self._target = target
        self._limit = limit
        self._policy = policy
        self._folder = folder
        self._name = temporary_name()
        self._made = target.made
        self._descriptor = -1
        self._is_discarded = False
        self._is_published = False
        self._lock = threading.Lock()

    def open(self) -> None:
        """Create the file in the target's folder, unless that was swapped. Do nothing after `discard`."""
        folder_path = self._target.path.parent
        with self._lock, disk_errors("write in", folder_path):
            if self._is_discarded:
                return
            if self._folder is None:
                self._folder, made = open_or_create(folder_path, self._policy)  # creates it again if it was removed
                self._made += made
            self._descriptor = self._folder.create_file(self._name, 0o600)

    def sibling(self) -> "TemporaryFile":
        """Return another file for the same target, folder and limit. It is not open yet."""
        with self._lock, disk_errors("write in", self._target.path.parent):
            target = replace(self._target, replaces=None, made=())
            return TemporaryFile(target, self._limit, self._policy, self._open_folder.duplicate())

    def write(self, data: Bytes) -> None:
        """Append all of the data."""
        rest = memoryview(data).cast("B")
        with self._lock, disk_errors("write", self._target.path):
            self._limit.use(len(rest))
            while rest:
                written = os.write(self._descriptor, rest)
                self.size += written
                rest = rest[written:]

    def write_at(self, position: int, data: Bytes) -> None:
        """Write all of the data at a position, which may be inside what was written before."""
        rest = memoryview(data).cast("B")
        with self._lock, disk_errors("write", self._target.path):
            self._limit.use(max(0, position + len(rest) - self.size))
            os.lseek(self._descriptor, position, os.SEEK_SET)
            while rest:
                written = os.write(self._descriptor, rest)
                position += written
                self.size = max(self.size, position)
                rest = rest[written:]
            os.lseek(self._descriptor, self.size, os.SEEK_SET)  # where `write` appends

    def kind(self) -> Kind | None:
        """Return the kind of what was written so far."""
        with self._lock, disk_errors("read", self._target.path):
            return self._sniff()

    def same_as(self, other: "TemporaryFile") -> bool:
        """Return True if both have the same content."""
        with disk_errors("read", self._target.path):
            if self.size != other.size:
                return False
            with self.reader() as one, other.reader() as two:
                return all(block == two.read(_BLOCK_BYTES) for block in iter(partial(one.read, _BLOCK_BYTES), b""))

    def reader(self) -> BinaryIO:
        """Open what was written so far, at its start."""
        return os.fdopen(self._open_folder.open_file(self._name), "rb")

    def publish(self, suffix: str) -> SavedFile:
        """Flush the file to the disk and give it its name with this extension; "" for the one that fits the content."""
        with self._lock, disk_errors("write", self._target.path):
            os.fsync(self._descriptor)
            suffix = self._choose_suffix(suffix)
            status = os.fstat(self._descriptor)
            if sys.platform != "win32":  # pragma: no branch - it has no effect on Windows
                with suppress(OSError):  # some file systems have no permissions
                    os.fchmod(self._descriptor, self._target.mode)
            self._close()
            name = self._rename(self._stem + suffix)
            self._is_published = True
            with suppress(OSError):  # a hard link leaves the temporary name
                self._open_folder.remove_file(self._name)
            with suppress(OSError):  # some systems set a file's time when it is closed
                named = self._open_folder.stat(name)
                status = named if named and FileId.of(named) == FileId.of(status) else status
            path = self._open_folder.path / name
        kind = kind_for_suffix(suffix)
        mime_type = kind.mime_type if kind else "application/octet-stream"
        return SavedFile(str(path), path.as_uri(), mime_type, self.size, FileId.of(status), status.st_mtime_ns)

    def discard(self) -> None:
        """Close the file. Remove it and the folders that were created for it, unless it was published.

        Calling it again does nothing.
        """
        with self._lock:
            self._is_discarded = True
            with suppress(OSError):
                self._close()
            if self._folder:
                with suppress(OSError):
                    self._folder.remove_file(self._name)
                with suppress(OSError):
                    self._folder.close()
                self._folder = None
            if not self._is_published:
                remove_empty(self._made, self._policy)

    @property
    def _open_folder(self) -> Folder:
        if self._folder is None:
            raise ValueError("The file is not open.")
        return self._folder

    @property
    def _target_suffix(self) -> str:
        return extension(self._target.path.name)

    @property
    def _stem(self) -> str:
        return self._target.path.name.removesuffix(self._target_suffix)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _choose_suffix(self, requested: str) -> str:
        """Return the extension to publish with: the target's own, unless it does not fit."""
        own = self._target_suffix
        promised = kind_for_suffix(own)
        if requested:
            return own if promised and requested.lower() in promised.suffixes else requested
        if promised and promised.family == "text":
            return own  # text may begin with the same bytes as a picture
        found = self._sniff()
        # Media may happen to be valid text, so the target's extension takes precedence.
        return own if found is None or found in {promised, TEXT} else found.suffixes[0]

    def _sniff(self) -> Kind | None:
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            kind = sniff(file)
        os.lseek(self._descriptor, self.size, os.SEEK_SET)  # both descriptors share one position
        return kind

    def _rename(self, name: str) -> str:
        """Rename the file to `name` if it may replace the file there, else to the next free name; return the name."""
        folder = self._open_folder
        if name == self._target.path.name and self._may_replace(name):
            with suppress(OSError):  # Windows refuses while the old file is open; the new one was paid for
                folder.replace(self._name, name)
                return name
        names = (path.name for path in numbered(Path(name)))
        return next(free for free in names if folder.add_name(self._name, free))

    def _may_replace(self, name: str) -> bool:
        """Return True if the file that the target may replace is still there and of the right family."""
        expected = self._target.replaces
        try:
            return expected is not None and matches_name(self._open_folder, name, expected)
        except DiskError:
            return False
