"""Sound and films that are used on this computer and never sent."""

import errno
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import anyio

from webvoice_mcp.errors import DiskError, PathNotAllowed, UnsupportedMedia
from webvoice_mcp.files.disk import OPEN_FOR_READING, FileId, disk_errors, is_file
from webvoice_mcp.files.find_input import find_input
from webvoice_mcp.files.kinds import KINDS, Kind, sniff
from webvoice_mcp.files.path_policy import PathPolicy
from webvoice_mcp.storage.threads import WorkerThreads

_PLAYED = tuple(kind for kind in KINDS if kind.family in {"audio", "video"})


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of sound, or a film.

    Attributes:
        path: absolute path, with links followed.
        kind: its kind, judged by its bytes.
    """

    path: Path
    kind: Kind


@dataclass(frozen=True, slots=True)
class OpenLocalFile:
    """A file of sound, or a film, that stays open, so that what was judged is what is used.

    Attributes:
        name: the argument and the path as the caller gave it, for messages.
        path: absolute path, with links followed.
        kind: its kind, judged by its bytes.
        file: the open file.
        size: its size in bytes when it was opened.
        modified_ns: time of its last change by then, in nanoseconds since the epoch.
    """

    name: str
    path: Path
    kind: Kind
    file: BinaryIO
    size: int
    modified_ns: int

    def check_unchanged(self) -> None:
        """Check that the file is still as it was when it was opened.

        Raises:
            DiskError: it has changed.
        """
        status = os.fstat(self.file.fileno())
        if (status.st_size, status.st_mtime_ns) != (self.size, self.modified_ns):
            raise DiskError(f"{self.name} changed while it was being read. Try again when it is complete.")


def find_local(given: str, argument: str, policy: PathPolicy) -> LocalFile:
    """Find a file of sound or a film. Blocks.

    Raises:
        InvalidArgument: the text is not a path.
        FileNotFound: there is no such file.
        PathNotAllowed: it is hidden or outside the allowed folders.
        UnsupportedMedia: its content is of another kind.
        DiskError: it cannot be read.
    """
    found = _open(given, argument, _PLAYED, policy)
    found.file.close()
    return LocalFile(found.path, found.kind)


@asynccontextmanager
async def open_local(
    given: Sequence[tuple[str, str]], kinds: Sequence[Kind], policy: PathPolicy, threads: WorkerThreads
) -> AsyncIterator[list[OpenLocalFile]]:
    """Open files until the end of the block.

    Args:
        given: for each file the name of the argument, for messages, and the path.
        kinds: the kinds that they may be of.

    Raises:
        InvalidArgument: a text is not a path.
        FileNotFound: there is no such file.
        PathNotAllowed: a file is hidden or outside the allowed folders.
        UnsupportedMedia: its content is of another kind.
        DiskError: it cannot be read.
    """
    opened: list[OpenLocalFile] = []

    def open_all() -> None:
        for argument, path in given:
            opened.append(_open(path, argument, kinds, policy))

    def close_all() -> None:
        for file in opened:
            file.file.close()

    try:
        await threads.run(open_all)
        yield opened
    finally:
        with anyio.CancelScope(shield=True):
            await threads.run(close_all)


def _open(given: str, argument: str, kinds: Sequence[Kind], policy: PathPolicy) -> OpenLocalFile:
    path = policy.absolute(given, argument)
    policy.refuse_hidden(path, argument, "read")
    real = find_input(given, argument, policy)
    policy.refuse_hidden(real, argument, "read")
    name = f"{argument}: {given}"
    with disk_errors("read", path):
        expected = real.stat()
        if not is_file(expected):
            raise UnsupportedMedia(f"{name} is a folder, device or pipe. Give the path of a file.")
        file = os.fdopen(_descriptor(real, name), "rb")
        try:
            status = os.fstat(file.fileno())
            _check_same(file, status, expected, real, name, policy)
            return OpenLocalFile(name, real, _kind(file, name, kinds), file, status.st_size, status.st_mtime_ns)
        except BaseException:
            file.close()
            raise


def _descriptor(real: Path, name: str) -> int:
    try:
        return os.open(real, OPEN_FOR_READING)
    except OSError as error:
        if error.errno != errno.ELOOP:  # ELOOP means that the path is a link now
            raise
        raise _replaced(name) from None


def _check_same(
    file: BinaryIO, status: os.stat_result, expected: os.stat_result, real: Path, name: str, policy: PathPolicy
) -> None:
    """Check that the open file is the one whose path was checked: another one may have replaced it since."""
    is_same = is_file(status) and FileId.of(status) == FileId.of(expected)
    if not is_same or not policy.still_allows(file.fileno(), real):
        raise _replaced(name)


def _kind(file: BinaryIO, name: str, kinds: Sequence[Kind]) -> Kind:
    kind = sniff(file)
    if kind is None or kind not in kinds:
        accepted = ", ".join(known.name for known in kinds)
        raise UnsupportedMedia(
            f"{name} is {kind.name if kind else 'in no known format'}, judged by its content. Accepted are"
            f" {'sound and films: ' if kinds is _PLAYED else ''}{accepted}."
        )
    return kind


def _replaced(name: str) -> PathNotAllowed:
    return PathNotAllowed(f"{name} was replaced while it was being opened. Try again.")
