"""Atomic replacement of files: readers see the old content or the new, never a mixture."""

import os
import re
import secrets
import sys
from contextlib import suppress
from pathlib import Path

from webvoice_mcp.storage._windows import retry

_CREATE_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def replace_atomically(path: Path, content: bytes, *, mode: int = 0o600, keep_owner: bool = False) -> None:
    """Replace a file's content, or create the file. The new content survives a power cut once this returns.

    Hold a lock while you read, change and replace the file: of two writers at once, one would lose its changes. A
    symbolic link at `path` is replaced, not followed.

    Args:
        mode: the permissions of the new file, whatever the umask.
        keep_owner: give the new file the owner and group of the file that it replaces, or of the folder if there is
            none, as far as this process may. Use it for other programs' files, which root may edit for a user.

    Raises:
        OSError: the file system refuses; the file has either its old or its new content.
    """
    temporary = write_temporary(path, content, mode=mode, keep_owner=keep_owner)
    try:
        retry(lambda: temporary.replace(path))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def write_temporary(path: Path, content: bytes, *, mode: int = 0o600, keep_owner: bool = False) -> Path:
    """Write a new file beside `path`, flush it to the disk and return its path, for a later rename to `path`.

    Use it instead of `replace_atomically` to check something right before the rename. The arguments are the same.

    Raises:
        OSError: the file system refuses; no temporary file is left.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        # The file must be private until it has the right owner.
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
    """Delete temporary files that killed processes left beside `path`. The caller must hold the file's lock."""
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
