"""Reading of files that were made earlier, as long as each is still the file that was made."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from webvoice_mcp.errors import DiskError, FileNotFound, PathNotAllowed
from webvoice_mcp.files.disk import OPEN_FOR_READING, disk_errors, is_file
from webvoice_mcp.files.path_policy import PathPolicy


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file of the history, with what tells it from any other that may have its path by now.

    The device is not among it: its number changes when a computer is started anew.

    Attributes:
        job: id of the job that made it.
        number: its place among the job's files, from 1.
        path: absolute path, without links.
        uri: the path as a `file://` URI.
        inode: number by which its file system knows it.
        size_bytes: size in bytes.
        modified_ns: time of the last change, in nanoseconds since the epoch.
    """

    job: str
    number: int
    path: Path
    uri: str
    inode: int
    size_bytes: int
    modified_ns: int

    def has(self, status: os.stat_result) -> bool:
        """Return True if this is the status of the file as it was made."""
        found = (status.st_ino, status.st_size, status.st_mtime_ns)
        return is_file(status) and found == (self.inode, self.size_bytes, self.modified_ns)


def read_made_file(made: MadeFile, policy: PathPolicy, start: int, end: int) -> bytes:
    """Return a range of a made file. Blocks, so call it in a thread.

    Raises:
        FileNotFound: it is gone.
        PathNotAllowed: it is outside the allowed folders, or its path has a link in it now.
        DiskError: another file has its path, it was changed, or it cannot be read.
    """
    with _opened(made, policy) as file, disk_errors("read", made.path):
        file.seek(start)
        content = file.read(max(0, end - start)) or b""
        _check_unchanged(made, file)
        return content


def check_made_file(made: MadeFile, policy: PathPolicy) -> None:
    """Check that a made file can be read. Blocks.

    Raises:
        FileError: as `read_made_file`.
    """
    with _opened(made, policy):
        pass


@contextmanager
def _opened(made: MadeFile, policy: PathPolicy) -> Iterator[io.FileIO]:
    path = made.path
    if policy.resolve(path, "uri") != path:
        raise _replaced_by_link(path)
    with disk_errors("read", path):
        try:
            file = io.FileIO(path, opener=lambda name, _: os.open(name, OPEN_FOR_READING))
        except FileNotFoundError:
            raise FileNotFound(f"{path} is no longer there. webvoice_jobs lists the files that calls made.") from None
    with file:
        with disk_errors("read", path):
            _check_unchanged(made, file)
            if not policy.still_allows(file.fileno(), path):
                raise _replaced_by_link(path)
        yield file


def _check_unchanged(made: MadeFile, file: io.FileIO) -> None:
    if not made.has(os.fstat(file.fileno())):
        raise DiskError(
            f"{made.path} is no longer the file that was made: it was changed or replaced. Open it by its path instead."
        )


def _replaced_by_link(path: Path) -> PathNotAllowed:
    return PathNotAllowed(f"Part of {path} has become a link, and links are not followed here. Open it by its path.")
