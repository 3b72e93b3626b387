"""The paths that a caller may use: from an argument's text to an absolute, allowed path."""

import os
import re
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from webvoice_mcp.errors import InvalidArgument, PathNotAllowed
from webvoice_mcp.files.disk import OPEN_FOLDER, FileId, disk_errors, path_of
from webvoice_mcp.files.names import reason_unreadable
from webvoice_mcp.files.private_folders import PrivateFolders

# A path may begin with a word and a colon, such as "notes: a.mp3" or "C:/a.mp3"; two slashes after it make it a link.
_URI = re.compile(r"file:/|[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_LOCAL_FILE = re.compile(r"file:(/(?!/)|///|//localhost/)", re.IGNORECASE)


class PathPolicy:
    """The output folder, the allowed folders and the private folders, applied to paths."""

    def __init__(self, output_dir: Path, allowed_dirs: tuple[Path, ...], private_dirs: tuple[Path, ...] = ()) -> None:
        self.output_dir = output_dir
        self._allowed_dirs = allowed_dirs
        self._private = PrivateFolders(private_dirs)

    def absolute(self, given: str, argument: str) -> Path:
        """Return the absolute path that a text means, with `~` expanded and `.` and `..` removed. Links are kept.

        Args:
            given: an absolute path, a path relative to the output folder, or a `file://` URI as in results.
            argument: name of the tool's parameter, for messages.

        Raises:
            InvalidArgument: no file can have this path, or there is no such user.
        """
        given = strip_file_uri(given, argument)
        if reason := reason_unreadable(given):
            raise InvalidArgument(f"{argument} is not a path: {reason}. Give another path.")
        try:
            path = Path(given).expanduser()
        except RuntimeError:
            raise InvalidArgument(
                f"{argument}: {given} starts with the name of an unknown user. Write ./~ if the file's name starts"
                " with ~."
            ) from None
        if path.anchor and not path.is_absolute():  # pragma: no cover - such as C:name, on Windows only
            raise InvalidArgument(f"{argument}: {given} has a drive but no folder. Give an absolute path.")
        # normpath keeps two leading slashes, which have no special meaning on the supported systems.
        return Path(os.path.normpath(self.output_dir / path).replace("//", "/"))

    def resolve(self, path: Path, argument: str) -> Path:
        """Return an absolute path with all links followed, and check that it is in the allowed folders.

        Raises:
            PathNotAllowed: it is outside the allowed folders, or in the folders of saved keys and history.
            DiskError: a link in it cannot be followed.
        """
        real = _follow_links(path)
        if folder := self._private.containing(real):
            if self._private.containing(_follow_links(self.output_dir)):
                raise PathNotAllowed(
                    f"The output folder {self.output_dir} is in {folder}, the folder of saved keys and history, where"
                    " no tool reads or writes. Set WEBVOICE_OUTPUT_DIR to another folder, or ask the user to."
                )
            raise PathNotAllowed(
                f"{argument}: {path} is in {folder}, the folder of saved keys and history, where no tool reads or"
                " writes. Choose another path."
            )
        if self._allowed_dirs and not any(real.is_relative_to(_follow_links(folder)) for folder in self._folders):
            raise PathNotAllowed(
                f"{argument}: {path} is outside the folders in WEBVOICE_ALLOWED_DIRS and the output folder"
                f" {self.output_dir}. Choose a path inside one of them."
            )
        return real

    def refuse_hidden(self, path: Path, argument: str, use: Literal["read", "written"] = "written") -> None:
        """Refuse a hidden path, with a part that starts with a dot.

        Parts of the paths of the home folder and of the folders in the settings do not count.

        Raises:
            PathNotAllowed: the path is hidden.
            DiskError: a link in the path of one of those folders cannot be followed.
        """
        home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.expanduser raises if there is no home folder
        trusted = (*self._folders, home)
        folders = {*trusted, *map(_follow_links, trusted)}
        relative_paths = [path.relative_to(folder) for folder in folders if path.is_relative_to(folder)] or [path]
        if all(any(part.startswith(".") for part in relative.parts) for relative in relative_paths):
            raise PathNotAllowed(
                f"{argument}: {path} is hidden (part of it starts with a dot), and hidden files are never {use}."
                " Choose another path."
            )

    def check_readable_text(self, real: Path, argument: str) -> None:
        """Check that a text may be read from a path: where no folders are set, only below the user's home.

        Raises:
            PathNotAllowed: it is elsewhere.
        """
        home = os.path.expanduser("~")  # noqa: PTH111 - Path.expanduser raises if there is no home folder
        folders = [self.output_dir, *([] if self._allowed_dirs or not os.path.isabs(home) else [Path(home)])]  # noqa: PTH117 - a text
        if self._allowed_dirs or any(real.is_relative_to(_follow_links(folder)) for folder in folders):
            return
        raise PathNotAllowed(
            f"{argument}: {real} is neither in your home folder nor in the output folder {self.output_dir}. Move the"
            " file there, or ask the user to set WEBVOICE_ALLOWED_DIRS."
        )

    def was_chosen(self, folder: Path) -> bool:
        """Return True if a folder is one of the settings' folders or leads to one, so that a person chose its name."""
        return any(_follow_links(chosen).is_relative_to(folder) for chosen in self._folders)

    def still_allows(self, descriptor: int | None, path: Path, *below: str) -> bool:
        """Return True if an open file or folder is the one at `path`, or at least inside the allowed folders.

        Since `resolve`, folders in the path may have been swapped for links and swapped back.

        Args:
            descriptor: descriptor of the open file or folder, None if the system cannot open folders.
            path: the result of `resolve` that was opened.
            below: names of nested folders that will be created in it.

        Raises:
            OSError: nothing is at the path now.
        """
        current = None if descriptor is None else path_of(descriptor)
        if current == path:
            return True
        if os.path.realpath(path) != str(path):
            return False
        if descriptor is not None and FileId.of(os.fstat(descriptor)) != FileId.of(path.stat()):
            return False
        if current is None:
            return True
        # The same file has another spelling, on a file system that ignores case, or a second name.
        target = current.joinpath(*below)
        if self._private.containing(target):
            return False
        return not self._allowed_dirs or any(
            target.is_relative_to(_system_spelling(folder)) for folder in self._folders
        )

    @property
    def _folders(self) -> tuple[Path, ...]:
        return (self.output_dir, *self._allowed_dirs)


def strip_file_uri(given: str, argument: str) -> str:
    """Return the decoded path of a local `file:` URI; return any other text unchanged.

    Raises:
        InvalidArgument: it is a URI that names no file on this computer.
    """
    if not _URI.match(given):
        return given
    if not _LOCAL_FILE.match(given):
        raise InvalidArgument(f"{argument}: {given} names no file on this computer. Give a path.")
    # urlsplit drops line breaks and tabs unless they are quoted, and another file would be opened.
    path = urlsplit(re.sub(r"[\t\r\n]", lambda found: quote(found.group()), given)).path
    try:
        return url2pathname(path)
    except OSError:  # pragma: no cover - on Windows, and on newer Pythons
        raise InvalidArgument(f"{argument}: {given} names no file on this computer. Give a path.") from None


def _follow_links(path: Path) -> Path:
    with disk_errors("use", path):
        return Path(os.path.realpath(path))


def _system_spelling(folder: Path) -> Path:
    """Return the folder's real path in the system's spelling, for comparison with `path_of`."""
    real = _follow_links(folder)
    try:
        descriptor = os.open(real, OPEN_FOLDER)
    except FileNotFoundError:  # the folder will be created
        return _system_spelling(real.parent) / real.name
    except OSError:
        return real
    try:
        return path_of(descriptor) or real
    finally:
        os.close(descriptor)
