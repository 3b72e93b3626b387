"""Where files may lie: from a path as it was given to the one place on disk that it means."""

import os
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from webvoice_mcp.errors import InvalidArgument, PathNotAllowed
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
        if trouble := trouble_reading(given):
            raise InvalidArgument(f"{argument} is not a path: {trouble}. Give another path.")
        try:
            path = Path(_without_scheme(given)).expanduser()
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

    def _set_by_a_person(self) -> tuple[Path, ...]:
        return (self.output_dir, *self._allowed_dirs)


def _without_scheme(given: str) -> str:
    """A path from a `file://` URI of this computer; anything else as it is."""
    if not given.lower().startswith(("file:///", "file://localhost/")):
        return given
    return url2pathname(urlsplit(given).path)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
