"""Open folders: a file is written to the folder that was opened, even if another folder has its path by then."""

import os
import sys
from contextlib import closing, suppress
from pathlib import Path

from webvoice_mcp.errors import FileError, PathNotAllowed
from webvoice_mcp.files.disk import NO_FOLLOW, OPEN_FOLDER, OPEN_FOR_READING, disk_errors, path_of, stat_or_none
from webvoice_mcp.files.path_policy import PathPolicy

_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_FOLLOW | getattr(os, "O_BINARY", 0)
HAS_DESCRIPTORS = {os.link, os.mkdir, os.open, os.rename, os.rmdir, os.stat, os.unlink} <= os.supports_dir_fd


class Folder:
    """An open folder. The operations on the names in it follow no links.

    Windows cannot open folders, so there a `Folder` is only its path. Every method raises plain `OSError`s.
    """

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self._path = path
        self.descriptor = descriptor

    @classmethod
    def open(cls, path: Path) -> "Folder":
        """Open the folder at a path, following links."""
        return cls(path, os.open(path, OPEN_FOLDER) if HAS_DESCRIPTORS else None)

    def open_subfolder(self, name: str) -> "Folder":
        """Open a folder in this one."""
        path, descriptor = self._path / name, self.descriptor
        if descriptor is not None:
            descriptor = os.open(name, OPEN_FOLDER | NO_FOLLOW, dir_fd=descriptor)
        return Folder(path, descriptor)

    def duplicate(self) -> "Folder":
        """Open the same folder a second time, to be closed separately."""
        return Folder(self._path, None if self.descriptor is None else os.dup(self.descriptor))

    def close(self) -> None:
        """Close the folder. Calling it again does nothing."""
        descriptor = self.descriptor
        if descriptor is not None and descriptor >= 0:
            self.descriptor = -1
            os.close(descriptor)

    @property
    def path(self) -> Path:
        """The folder's current path."""
        current = None if self.descriptor is None else path_of(self.descriptor)
        return current or self._path

    def stat(self, name: str) -> os.stat_result | None:
        """Return the status of a name, None if nothing is there."""
        try:
            return os.stat(self._at(name), dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def create_file(self, name: str, mode: int) -> int:
        """Create a file and return its descriptor, for reading and writing. Raise `FileExistsError` if it exists."""
        return os.open(self._at(name), _NEW_FILE, mode, dir_fd=self.descriptor)

    def open_file(self, name: str) -> int:
        """Open a file for reading and return its descriptor."""
        return os.open(self._at(name), OPEN_FOR_READING, dir_fd=self.descriptor)

    def remove_file(self, name: str) -> None:
        """Remove a file, if it exists."""
        with suppress(FileNotFoundError):
            os.unlink(self._at(name), dir_fd=self.descriptor)

    def create_subfolder(self, name: str) -> None:
        """Create a folder in this one."""
        os.mkdir(self._at(name), dir_fd=self.descriptor)

    def remove_subfolder(self, name: str) -> None:
        """Remove an empty folder from this one."""
        os.rmdir(self._at(name), dir_fd=self.descriptor)

    def replace(self, name: str, new_name: str) -> None:
        """Rename a file, replacing any file of the new name."""
        os.replace(self._at(name), self._at(new_name), src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def add_name(self, name: str, new_name: str) -> bool:
        """Give a file a new name without replacing anything; return False if the new name is taken.

        The old name may remain. The caller must remove it.
        """
        try:
            if sys.platform == "win32":  # pragma: no cover - a rename never replaces anything on Windows
                Path(self._at(name)).rename(self._at(new_name))
            else:
                self._link(name, new_name)
        except FileExistsError:
            return False
        return True

    def _link(self, name: str, new_name: str) -> None:
        here = self.descriptor
        try:
            os.link(self._at(name), self._at(new_name), src_dir_fd=here, dst_dir_fd=here, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:  # without hard links, reserve the name with an empty file and replace that
            os.close(self.create_file(new_name, 0o600))
            try:
                self.replace(name, new_name)
            except BaseException:
                self.remove_file(new_name)
                raise

    def _at(self, name: str) -> str:
        """Return the path for a function of `os`: the name alone if `dir_fd` is given, the whole path otherwise."""
        return str(self._path / name) if self.descriptor is None else name


def open_or_create(path: Path, policy: PathPolicy) -> tuple[Folder, tuple[Path, ...]]:
    """Open the folder at a resolved path. Create it and its parents if they are missing.

    Returns:
        The open folder, and the folders that were created, the outermost first.

    Raises:
        PathNotAllowed: a folder in the path was replaced by another one or by a link.
        DiskError: a folder cannot be created.
        OSError: the file system refuses another operation.
    """
    missing: list[str] = []
    while stat_or_none(path) is None and path != path.parent:  # a missing drive is its own parent
        missing.insert(0, path.name)
        path = path.parent
    created: list[Path] = []
    folder = Folder.open(path)
    try:
        _check(folder, path, policy, *missing)
        for number, name in enumerate(missing, 1):
            path /= name
            with disk_errors("make the folder", path), suppress(FileExistsError):
                folder.create_subfolder(name)
                created.append(path)
            parent, folder = folder, folder.open_subfolder(name)
            parent.close()
            _check(folder, path, policy, *missing[number:])
    except BaseException:
        folder.close()
        remove_empty(tuple(created), policy)
        raise
    return folder, tuple(created)


def remove_empty(folders: tuple[Path, ...], policy: PathPolicy) -> None:
    """Remove folders that `open_or_create` created, if they are empty."""
    for path in reversed(folders):
        with suppress(OSError, FileError), closing(Folder.open(path.parent)) as parent:
            _check(parent, path.parent, policy)
            parent.remove_subfolder(path.name)


def _check(folder: Folder, path: Path, policy: PathPolicy, *below: str) -> None:
    if not policy.still_allows(folder.descriptor, path, *below):
        raise PathNotAllowed(f"{path} has been replaced by a link. Choose another output_path.")
