"""A folder that is open: what is done in it is done there, whatever becomes of its path meanwhile."""

import os
import sys
from contextlib import closing, suppress
from pathlib import Path

from webvoice_mcp.errors import FileError, PathNotAllowed
from webvoice_mcp.files._disk import FOLDER, NO_LINK, READ, disk, status_of, true_path
from webvoice_mcp.files.places import Places

_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_LINK | getattr(os, "O_BINARY", 0)
_BY_DESCRIPTOR = {os.link, os.mkdir, os.open, os.rename, os.rmdir, os.stat, os.unlink} <= os.supports_dir_fd


class Folder:
    """Files by name in one folder, whose links are not followed. On Windows it is its path only.

    Every method raises the system's own `OSError`.
    """

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self._path = path
        self.descriptor = descriptor

    @classmethod
    def opened(cls, path: Path) -> "Folder":
        """The folder at a path."""
        return cls(path, os.open(path, FOLDER) if _BY_DESCRIPTOR else None)

    def again(self) -> "Folder":
        """The same folder, to be closed on its own."""
        return Folder(self._path, None if self.descriptor is None else os.dup(self.descriptor))

    def entered(self, name: str) -> "Folder":
        """A folder in this one."""
        path, descriptor = self._path / name, self.descriptor
        if descriptor is not None:
            descriptor = os.open(name, FOLDER | NO_LINK, dir_fd=descriptor)
        return Folder(path, descriptor)

    def close(self) -> None:
        """Let go of it; more than once does no harm."""
        descriptor = self.descriptor
        if descriptor is not None and descriptor >= 0:
            self.descriptor = -1
            os.close(descriptor)

    @property
    def path(self) -> Path:
        """Where it lies now."""
        true = None if self.descriptor is None else true_path(self.descriptor)
        return true or self._path

    def make(self, name: str) -> None:
        """Make a folder in it."""
        os.mkdir(self._at(name), dir_fd=self.descriptor)

    def create(self, name: str, mode: int) -> int:
        """Open a new file for reading and writing; where the name is taken, it fails."""
        return os.open(self._at(name), _NEW_FILE, mode, dir_fd=self.descriptor)

    def open(self, name: str) -> int:
        """Open a file for reading."""
        return os.open(self._at(name), READ, dir_fd=self.descriptor)

    def status(self, name: str) -> os.stat_result | None:
        """What the system says about a name, None where there is nothing."""
        try:
            return os.stat(self._at(name), dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        """Take a file away, where it is there."""
        with suppress(FileNotFoundError):
            os.unlink(self._at(name), dir_fd=self.descriptor)

    def remove_folder(self, name: str) -> None:
        """Take an empty folder away."""
        os.rmdir(self._at(name), dir_fd=self.descriptor)

    def replace(self, name: str, other: str) -> None:
        """Rename, over what the other name stands for."""
        os.replace(self._at(name), self._at(other), src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def give(self, name: str, other: str) -> bool:
        """Give a file another name without ever replacing anything; False where something is there.

        The first name may be left to be removed.
        """
        try:
            if sys.platform == "win32":  # pragma: no cover - there a rename never replaces
                Path(self._at(name)).rename(self._at(other))
            else:
                self._link(name, other)
        except FileExistsError:
            return False
        return True

    def _link(self, name: str, other: str) -> None:
        here = self.descriptor
        try:
            os.link(self._at(name), self._at(other), src_dir_fd=here, dst_dir_fd=here, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:  # a file system without links: the name is taken first, then filled at one stroke
            os.close(self.create(other, 0o600))
            try:
                self.replace(name, other)
            except BaseException:
                self.remove(other)
                raise

    def _at(self, name: str) -> str:
        return str(self._path / name) if self.descriptor is None else name


def reach(path: Path, places: Places) -> tuple[Folder, tuple[Path, ...]]:
    """Open the folder at a path, links followed, and make it and its parents where they are missing.

    Returns:
        It, to be closed, and the folders that were made, the outermost first.

    Raises:
        PathNotAllowed: a folder on the way is another than it was, or has become a link.
        OSError: the file system refuses.
        DiskError: that, where a folder is made.
    """
    missing: list[str] = []
    while status_of(path) is None and path != path.parent:  # as of a drive that is not there
        missing.insert(0, path.name)
        path = path.parent
    made: list[Path] = []
    folder = Folder.opened(path)
    try:
        _see(folder, path, places, *missing)
        for number, name in enumerate(missing, 1):
            path /= name
            with disk("make the folder", path), suppress(FileExistsError):
                folder.make(name)
                made.append(path)
            parent, folder = folder, folder.entered(name)
            parent.close()
            _see(folder, path, places, *missing[number:])
    except BaseException:
        folder.close()
        remove_empty(tuple(made), places)
        raise
    return folder, tuple(made)


def remove_empty(folders: tuple[Path, ...], places: Places) -> None:
    """Remove folders that were made in vain; one that somebody has put something into stays."""
    for path in reversed(folders):
        with suppress(OSError, FileError), closing(Folder.opened(path.parent)) as parent:
            _see(parent, path.parent, places)
            parent.remove_folder(path.name)


def _see(folder: Folder, path: Path, places: Places, *below: str) -> None:
    if not places.hold(folder.descriptor, path, *below):
        raise PathNotAllowed(f"{path} has become a link meanwhile. Choose another output_path.")
