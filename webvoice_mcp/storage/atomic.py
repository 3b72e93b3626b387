"""Replacing a file as a whole: readers see the old content or the new, never a part of it."""

import os
import re
import secrets
import sys
from contextlib import suppress
from pathlib import Path

from webvoice_mcp.storage._windows import retry

_CREATE_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def replace_atomically(path: Path, content: bytes, *, mode: int = 0o600, keep_owner: bool = False) -> None:
    """Replace a file's content, or create the file; it survives a power cut once this returns.

    Two writers at once would lose the content of one, so hold a lock while you read, change and replace. A symbolic
    link at `path` is replaced, not followed.

    Args:
        mode: the permissions of the new file, whatever the umask.
        keep_owner: give the new file the owner and group of the file that it replaces, or of the folder if there is
            none, as far as this process may. For files of other programs, which root edits for their user.

    Raises:
        OSError: the file system refuses; the file has its old content or the new.
    """
    temporary = write_temporary(path, content, mode=mode, keep_owner=keep_owner)
    try:
        retry(lambda: temporary.replace(path))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def write_temporary(path: Path, content: bytes, *, mode: int = 0o600, keep_owner: bool = False) -> Path:
    """Write a new file in the folder of `path`, flush it to the disk and return its path, for a rename to `path`.

    Use it instead of `replace_atomically` to check something right before the rename. The arguments are the same.

    Raises:
        OSError: the file system refuses; no temporary file is left.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        # It is private until it has the right owner.
        with os.fdopen(os.open(temporary, _CREATE_NEW, 0o600), "wb") as file:
            file.write(content)
            if keep_owner:
                _copy_owner(path, temporary)
            temporary.chmod(mode)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def remove_temporaries(path: Path) -> None:
    """Delete the temporary files that killed processes left beside `path`. Call it only with the file's lock held."""
    pattern = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{16}}\.tmp")
    for sibling in list(path.parent.iterdir()):
        if pattern.fullmatch(sibling.name):
            sibling.unlink()


def _copy_owner(path: Path, temporary: Path) -> None:
    if sys.platform != "win32":  # pragma: no branch - Windows has no numeric owners
        status = path.stat() if path.exists() else path.parent.stat()
        with suppress(PermissionError):
            os.chown(temporary, status.st_uid, status.st_gid)


def _sync_folder(folder: Path) -> None:
    if sys.platform != "win32":  # pragma: no branch - Windows cannot open a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
