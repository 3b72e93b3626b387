"""A part file: on its way it has a name of no account, and at the end its own."""

import os
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from webvoice_mcp.errors import DiskError, InvalidResponse
from webvoice_mcp.files._disk import FileId, disk
from webvoice_mcp.files._folder import Folder, reach, remove_empty
from webvoice_mcp.files.kinds import TEXT, Kind, kind_for, sniff
from webvoice_mcp.files.names import candidates, extension
from webvoice_mcp.files.places import Places
from webvoice_mcp.files.saved import SavedFile
from webvoice_mcp.files.targets import Target, is_of_family, part_name

Bytes = bytes | bytearray | memoryview

_BLOCK = 1024 * 1024


class Allowance:
    """What one answer may still put on disk."""

    def __init__(self, limit: int, taken: int = 0) -> None:
        self._limit = limit
        self._left = limit - taken

    def take(self, size: int) -> None:
        """Use some of it up.

        Raises:
            InvalidResponse: there is not so much left.
        """
        if size > self._left:
            raise InvalidResponse(
                f"The answer is larger than the {self._limit / 1024**2:g} MB that WEBVOICE_MAX_FILE_MB allows, so"
                " it was stopped and not kept. Raise the setting to accept such files."
            )
        self._left -= size


class PartFile:
    """The part file itself. A cancelled caller may leave a thread at work in it, hence the lock."""

    def __init__(self, target: Target, allowance: Allowance, places: Places, folder: Folder | None = None) -> None:
        self.size = 0
        self._target = target
        self._allowance = allowance
        self._places = places
        self._folder = folder
        self._name = part_name()
        self._made = target.made
        self._descriptor = -1
        self._discarded = False
        self._published = False
        self._lock = threading.Lock()

    def open(self) -> None:
        """Make it, in a folder that is still the target's."""
        place = self._target.path.parent
        with self._lock, disk("write in", place):
            if self._discarded:
                return
            if self._folder is None:
                self._folder, made = reach(place, self._places)  # somebody may have removed it since
                self._made += made
            self._descriptor = self._folder.create(self._name, 0o600)

    def write(self, data: Bytes) -> None:
        """Add all of the data."""
        rest = memoryview(data).cast("B")
        with self._lock, disk("write", self._target.path):
            self._allowance.take(len(rest))
            while rest:
                written = os.write(self._descriptor, rest)
                self.size += written
                rest = rest[written:]

    def beside(self) -> "PartFile":
        """Another one for the same target and in the same folder, to be opened."""
        with self._lock, disk("write in", self._target.path.parent):
            target = replace(self._target, replaces=None, made=())
            return PartFile(target, self._allowance, self._places, self._open_folder.again())

    def same_as(self, other: "PartFile") -> bool:
        """Whether both hold the same bytes."""
        with disk("read", self._target.path):
            if self.size != other.size:
                return False
            with self.reopened() as one, other.reopened() as two:
                return all(block == two.read(_BLOCK) for block in iter(partial(one.read, _BLOCK), b""))

    def kind(self) -> Kind | None:
        """What was written, judged by its bytes."""
        with self._lock, disk("read", self._target.path):
            return self._kind()

    def publish(self, asked: str) -> SavedFile:
        """Give it its name."""
        with self._lock, disk("write", self._target.path):
            os.fsync(self._descriptor)
            suffix = self._suffix(asked)
            status = os.fstat(self._descriptor)
            if sys.platform != "win32":  # pragma: no branch - there it would change nothing
                with suppress(OSError):  # some file systems have no permissions to set
                    os.fchmod(self._descriptor, self._target.mode)
            self._close()
            name = self._named(self._stem + suffix)
            self._published = True
            with suppress(OSError):  # where the name is a second one, the first is no longer needed
                self._open_folder.remove(self._name)
            path = self._open_folder.path / name
        kind = kind_for(suffix)
        mime_type = kind.mime_type if kind else "application/octet-stream"
        return SavedFile(str(path), path.as_uri(), mime_type, self.size, FileId.of(status))

    def discard(self) -> None:
        """Let go of it; without `publish`, nothing of it stays."""
        with self._lock:
            self._discarded = True
            with suppress(OSError):
                self._close()
            if self._folder:
                with suppress(OSError):
                    self._folder.remove(self._name)
                with suppress(OSError):
                    self._folder.close()
            if not self._published:
                remove_empty(self._made, self._places)

    @property
    def _open_folder(self) -> Folder:
        if self._folder is None:
            raise ValueError("The file is not open.")
        return self._folder

    def reopened(self) -> BinaryIO:
        """What was written, from its start."""
        return os.fdopen(self._open_folder.open(self._name), "rb")

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

    def _named(self, wanted: str) -> str:
        """Rename the part file: to this name, over the file that the target may replace, or else to a free name."""
        folder = self._open_folder
        if wanted == self._target.path.name and self._may_replace(wanted):
            with suppress(OSError):  # on Windows when it is being played: what was paid for is kept beside it
                folder.replace(self._name, wanted)
                return wanted
        names = (path.name for path in candidates(Path(wanted)))
        return next(name for name in names if folder.give(self._name, name))

    def _may_replace(self, name: str) -> bool:
        """Whether the very file that the target was aimed at is still there, and still of the same kind."""
        expected = self._target.replaces
        try:
            return expected is not None and is_of_family(self._open_folder, name, expected)
        except DiskError:
            return False
