"""The folders of saved keys and of the history, in which no tool reads or writes."""

import os
import unicodedata
from pathlib import Path

from webvoice_mcp.files.disk import FileId


class PrivateFolders:
    """Folders that no argument of a tool may lead into."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = folders

    def containing(self, real: Path) -> Path | None:
        """Return the private folder that a path is or lies in, None if there is none.

        Folders are compared by identity, because a folder has several spellings on a file system that ignores case, and
        several paths where it is mounted twice. What does not exist yet is compared by name, in any case.

        Args:
            real: an absolute path with all links followed.
        """
        above = [(_identity(path), path) for path in (real, *real.parents)]
        for folder in self._folders:
            existing, missing = _split(Path(os.path.realpath(folder)))
            found = _identity(existing)
            for identity, path in above:
                is_same = path == existing or (identity is not None and identity == found)
                if is_same and _fold(real.relative_to(path).parts[: len(missing)]) == _fold(missing):
                    return folder
        return None


def _split(folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Return the nearest existing folder, and the names that are missing below it."""
    existing = folder
    while _identity(existing) is None and existing != existing.parent:  # a missing drive is its own parent
        existing = existing.parent
    return existing, folder.relative_to(existing).parts


def _identity(path: Path) -> FileId | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return FileId.of(status) if status.st_ino else None  # some file systems have no numbers


def _fold(names: tuple[str, ...]) -> list[str]:
    return [unicodedata.normalize("NFC", name).casefold() for name in names]
