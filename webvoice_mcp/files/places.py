"""Where files may lie: from a path as it was given to the one place on disk that it means."""

import os
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from webvoice_mcp.errors import InvalidArgument, PathNotAllowed
from webvoice_mcp.files._disk import FOLDER, FileId, disk, true_path
from webvoice_mcp.files.names import trouble_reading


class Places:
    """The output folder and the folders that are allowed, applied to paths."""

    def __init__(self, output_dir: Path, allowed_dirs: tuple[Path, ...]) -> None:
        self.output_dir = output_dir
        self._allowed_dirs = allowed_dirs

    def located(self, given: str, argument: str) -> Path:
        """The absolute path that was meant: `~` expanded, taken from the output folder, `.` and `..` gone.

        A `file://` URI is understood, for that is how results name files too.

        Raises:
            InvalidArgument: no file can have this path, or there is no such user.
        """
        given = without_scheme(given, argument)
        if trouble := trouble_reading(given):
            raise InvalidArgument(f"{argument} is not a path: {trouble}. Give another path.")
        try:
            path = Path(given).expanduser()
        except RuntimeError:
            raise InvalidArgument(
                f"{argument}: {given} begins with a user who is not known. Write ./~ for a name that begins so."
            ) from None
        if path.anchor and not path.is_absolute():  # pragma: no cover - such as C:name, on Windows alone
            raise InvalidArgument(f"{argument}: {given} is neither absolute nor relative to a folder.")
        # Two slashes in front have a meaning of their own nowhere that we run.
        return Path(os.path.normpath(self.output_dir / path).replace("//", "/"))

    def resolved(self, path: Path, argument: str) -> Path:
        """The path with all links followed, inside the allowed folders.

        Raises:
            PathNotAllowed: it lies outside.
            DiskError: a link in it cannot be followed.
        """
        real = _real(path)
        if self._allowed_dirs and not any(real.is_relative_to(_real(folder)) for folder in self._set_by_a_person()):
            raise PathNotAllowed(
                f"{argument}: {path} lies outside the folders of WEBVOICE_ALLOWED_DIRS and the output folder"
                f" {self.output_dir}. Choose a path inside one of them."
            )
        return real

    def refuse_hidden(self, path: Path, argument: str) -> None:
        """Refuse a path with a part that begins with a dot, below the folders that a person set.

        Raises:
            PathNotAllowed: there is one.
            DiskError: a link in a folder's path cannot be followed.
        """
        home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path's fails where nobody has a home
        trusted = (*self._set_by_a_person(), home)
        folders = {*trusted, *map(_real, trusted)}
        below = [path.relative_to(folder) for folder in folders if path.is_relative_to(folder)] or [path]
        if all(any(part.startswith(".") for part in each.parts) for each in below):
            raise PathNotAllowed(
                f"{argument}: {path} is hidden (a part of it begins with a dot), and hidden files are never written."
                " Choose another path."
            )

    def hold(self, descriptor: int | None, path: Path, *below: str) -> bool:
        """Whether what was opened is what `path` was resolved to, or lies in the allowed folders at least.

        Folders on the way may have been swapped for links since, and back again.

        Args:
            descriptor: of the open file or folder; None where the system opens no folders.
            path: where it was found, links followed.
            below: the folders that will be made in it, one in the other.

        Raises:
            OSError: there is nothing at the path now.
        """
        true = None if descriptor is None else true_path(descriptor)
        if true == path:
            return True
        if os.path.realpath(path) != str(path):
            return False
        if descriptor is not None and FileId.of(os.fstat(descriptor)) != FileId.of(path.stat()):
            return False
        # One file may have two spellings where case does not count, or two names.
        return (
            true is None
            or not self._allowed_dirs
            or any(true.joinpath(*below).is_relative_to(_spelt(folder)) for folder in self._set_by_a_person())
        )

    def _set_by_a_person(self) -> tuple[Path, ...]:
        return (self.output_dir, *self._allowed_dirs)


def without_scheme(given: str, argument: str) -> str:
    """A path from a `file://` URI of this computer, percent signs decoded; anything else as it is.

    Raises:
        InvalidArgument: the URI names no file here.
    """
    if not given.lower().startswith(("file:///", "file://localhost/")):
        return given
    try:
        return url2pathname(urlsplit(given).path)
    except OSError:  # pragma: no cover - on Windows, and on newer Pythons
        raise InvalidArgument(f"{argument}: {given} names no file of this computer. Give a path.") from None


def _real(path: Path) -> Path:
    with disk("use", path):
        return Path(os.path.realpath(path))


def _spelt(folder: Path) -> Path:
    """The folder's path as the system spells it."""
    real = _real(folder)
    try:
        descriptor = os.open(real, FOLDER)
    except FileNotFoundError:  # it will be made
        return _spelt(real.parent) / real.name
    except OSError:
        return real
    try:
        return true_path(descriptor) or real
    finally:
        os.close(descriptor)
