"""Edits a JSON file that belongs to another program and its user.

Symbolic links are followed and kept. The new file replaces the old one as a whole, with the same mode and owner. A
backup of the old file is kept beside it, in place of the one from the edit before. Edits by several of our processes
wait for each other. If the other program writes during an edit, the edit starts again with the file that it wrote.

`storage` is not used: it would leave a lock file in a folder that is not ours, and its `replace_atomically` does not
check, just before it replaces a file, that nobody has changed it.
"""

import codecs
import os
import secrets
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from webvoice_mcp.cli.clients.json_text import NotEdited

_BACKUP_SUFFIX = ".bak-webvoice"  # always the same, so that one backup replaces the other
_NEW_FILE_MODE = 0o600  # clients keep keys in these files
_LOCK_TIMEOUT_SECONDS = 10.0
_STALE_LOCK_SECONDS = 60.0  # an edit takes far less than a second, so an older lock is that of a killed process
_MAX_ATTEMPTS = 20  # if the other program keeps writing
_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_CREATE_ONLY = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class EditResult:
    """The result of an edit.

    Attributes:
        is_changed: False if the file already had the wanted content.
        backup: the path of the copy of the old file, None if there was no old file.
    """

    is_changed: bool
    backup: Path | None = None


@dataclass(frozen=True, slots=True)
class _FileState:
    data: bytes
    mode: int
    owner: tuple[int, int]  # user and group; of the folder if the file does not exist
    exists: bool


def edit_file(path: Path, change: Callable[[str], str]) -> EditResult:
    """Change a file's text; create the file and its folders if they are missing and `change` returns any text.

    Args:
        change: returns the new text for the present one ("" for a missing file); called again if the file has changed.

    Raises:
        NotEdited: the file cannot be changed. It is as before.
    """
    try:
        target = Path(os.path.realpath(path))
        if _apply(change, _read_state(target)) is None:
            return EditResult(is_changed=False)
        _check_writable(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        with _lock(target):
            for _ in range(_MAX_ATTEMPTS):
                if result := _try_edit(target, change):
                    return result
    except OSError as error:
        raise NotEdited(error.strerror or type(error).__name__) from error
    raise NotEdited("another program keeps writing to it; close the client and try again")


def _try_edit(target: Path, change: Callable[[str], str]) -> EditResult | None:
    """Edit the file; return None if another program wrote to it during the edit."""
    old = _read_state(target)
    data = _apply(change, old)
    if data is None:
        return EditResult(is_changed=False)
    temporary: list[Path] = []  # the new file, then the backup; removed unless they were used
    try:
        temporary.append(_write_beside(target, f".{target.name}.new", data, old))
        if old.exists:
            temporary.append(_write_beside(target, f".{target.name}.old", old.data, old))
        if _read_state(target) != old:
            return None
        if not old.exists:
            temporary.pop().replace(target)
            return EditResult(is_changed=True)
        backup = temporary.pop().replace(target.with_name(f"{target.name}{_BACKUP_SUFFIX}"))
        temporary.pop().replace(target)
        return EditResult(is_changed=True, backup=backup)
    finally:
        for path in temporary:
            path.unlink()


def _read_state(target: Path) -> _FileState:
    try:
        status = target.stat()
        if not stat.S_ISREG(status.st_mode):
            raise NotEdited("it is not a regular file")
        owner = (status.st_uid, status.st_gid)
        return _FileState(target.read_bytes(), stat.S_IMODE(status.st_mode), owner, exists=True)
    except FileNotFoundError:
        folder = _nearest_folder(target).stat()
        return _FileState(b"", _NEW_FILE_MODE, (folder.st_uid, folder.st_gid), exists=False)


def _apply(change: Callable[[str], str], old: _FileState) -> bytes | None:
    """Return the file's new content, None if nothing changes."""
    bom = codecs.BOM_UTF8 if old.data.startswith(codecs.BOM_UTF8) else b""
    try:
        text = old.data.removeprefix(bom).decode()
    except UnicodeDecodeError:
        raise NotEdited("it is not UTF-8 text") from None
    new = change(text)
    return None if new == text else bom + new.encode()


def _check_writable(target: Path) -> None:
    """Raise if the file or its folder is read-only. Without this check, a read-only file would be replaced as well."""
    folder = _nearest_folder(target)
    if target.exists() and not (target.stat().st_mode & _ANY_WRITE and os.access(target, os.W_OK)):
        raise NotEdited("it is read-only")
    # On Windows, a folder's read-only flag does not prevent writing.
    if not os.access(folder, os.W_OK) or (os.name != "nt" and not folder.stat().st_mode & _ANY_WRITE):
        raise NotEdited(f"the folder {folder} is read-only")


@contextmanager
def _lock(target: Path) -> Iterator[None]:
    """Let one process at a time edit the file. The lock is a file that only one can create, on any file system."""
    lock_file = target.with_name(f".{target.name}.webvoice-lock")
    deadline = time.monotonic() + _LOCK_TIMEOUT_SECONDS
    while True:
        try:
            os.close(os.open(lock_file, _CREATE_ONLY, _NEW_FILE_MODE))
            break
        except FileExistsError:
            if _age(lock_file) > _STALE_LOCK_SECONDS:
                lock_file.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                reason = f"another webvoice-mcp command is editing it; if none is running, delete {lock_file}"
                raise NotEdited(reason) from None
            else:
                time.sleep(0.01)
    try:
        yield
    finally:
        lock_file.unlink(missing_ok=True)


def _age(path: Path) -> float:
    """Return the seconds since a file was written, 0 if there is no such file."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _nearest_folder(target: Path) -> Path:
    """Return the target's folder, or the nearest one above it that exists."""
    return next(folder for folder in target.parents if folder.exists())


def _write_beside(target: Path, name: str, data: bytes, like: _FileState) -> Path:
    """Write a new file beside the target and sync it to disk; the name gets a suffix if it is taken."""
    path = target.with_name(name)
    while True:
        try:
            descriptor = os.open(path, _CREATE_ONLY, _NEW_FILE_MODE)
            break
        except FileExistsError:
            path = target.with_name(f"{name}-{secrets.token_hex(2)}")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if sys.platform != "win32":  # pragma: no branch - Windows has no chown
            with suppress(PermissionError):  # it works for root only, who must not become the owner of a user's file
                os.chown(path, *like.owner)
        path.chmod(like.mode)
    except BaseException:
        path.unlink()
        raise
    return path
