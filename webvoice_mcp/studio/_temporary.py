"""Temporary files without a name, which hold what is sent of a file that was converted or cut."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, cast

from webvoice_mcp.errors import DiskError


@contextmanager
def temporary_disk() -> Iterator[None]:
    """Turn an `OSError` of the block into a `DiskError` that names the folder of temporary files, not the user's file.

    Raises:
        DiskError: the disk refuses.
    """
    try:
        yield
    except OSError as error:
        folder = tempfile.tempdir or "the system's folder for them"
        raise DiskError(
            f"Cannot write temporary files in {folder}: {error.strerror or 'none is usable'}. Make room there, or set"
            " TMPDIR (on Windows TEMP) to a folder on another disk and restart the server."
        ) from error


def open_temporary() -> BinaryIO:
    """Return a new temporary file, open for reading and writing.

    Raises:
        DiskError: none can be made.
    """
    with temporary_disk():
        return cast("BinaryIO", tempfile.TemporaryFile())


def discard(file: BinaryIO) -> None:
    """Close a temporary file whose content is not needed, which a full disk may refuse to take."""
    with suppress(OSError):
        file.close()
