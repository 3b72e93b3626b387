"""Edits a JSON file that belongs to another program and its user.

Symbolic links are followed and kept. The old file is kept beside the new one, which replaces it as a whole with the
same mode and owner. Edits by several of our processes wait for each other; if the other program writes meanwhile, its
new file is read and edited instead.

`storage` is not used: its lock file stays in the folder, which is not ours, and its `replace_atomically` cannot compare
the file with what was read in the moment before it is replaced.
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

_NEW_FILE_MODE = 0o600  # clients keep keys in these files
_LOCK_TIMEOUT_SECONDS = 10.0
_STALE_LOCK_SECONDS = 60.0  # an edit takes far less than a second: an older lock is left from a killed process
_MAX_ATTEMPTS = 20  # if the other program keeps writing
_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_CREATE_ONLY = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class EditResult:
    """The outcome of an edit.

    Attributes:
        is_changed: False if the file already had the wanted content.
        backup: the path of the old file, None if there was none.
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
        NotEdited: the file could not be changed, and was not.
    """
    if not path.is_absolute():
        raise NotEdited("your home folder is unknown; set HOME")
    try:
        target = Path(os.path.realpath(path))
        if _create_data(_read_state(target), change) is None:
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
    """Edit the file once; return None if another program has written to it meanwhile."""
    old = _read_state(target)
    data = _create_data(old, change)
    if data is None:
        return EditResult(is_changed=False)
    temporary: list[Path] = []  # the new file, then the backup; removed unless they are used
    try:
        temporary.append(_write_beside(target, f".{target.name}.new", data, old))
        if old.exists:
            backup_name = f"{target.name}.bak-{time.strftime('%Y%m%d-%H%M%S')}"
            temporary.append(_write_beside(target, backup_name, old.data, old))
        if _read_state(target) != old:
            return None
        temporary[0].replace(target)
        _, *backups = temporary
        temporary.clear()
        return EditResult(is_changed=True, backup=backups[0] if backups else None)
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


def _create_data(old: _FileState, change: Callable[[str], str]) -> bytes | None:
    """Return the new content, None if nothing changes."""
    mark = codecs.BOM_UTF8 if old.data.startswith(codecs.BOM_UTF8) else b""
    try:
        text = old.data.removeprefix(mark).decode()
    except UnicodeDecodeError:
        raise NotEdited("it is not UTF-8 text") from None
    new = change(text)
    return None if new == text else mark + new.encode()


def _check_writable(target: Path) -> None:
    """Raise for a read-only file or folder: a file could be replaced in spite of its mode, and root may do anything."""
    folder = _nearest_folder(target)
    if target.exists() and not (target.stat().st_mode & _ANY_WRITE and os.access(target, os.W_OK)):
        raise NotEdited("it is read-only")
    # On Windows, a folder's read-only flag does not prevent writing.
    if not os.access(folder, os.W_OK) or (os.name != "nt" and not folder.stat().st_mode & _ANY_WRITE):
        raise NotEdited(f"the folder {folder} is read-only")


@contextmanager
def _lock(target: Path) -> Iterator[None]:
    """Let one process at a time edit the file; the lock is a file that is created and removed on any file system."""
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
                raise NotEdited(f"another installation is editing it; if none is, delete {lock_file}") from None
            else:
                time.sleep(0.01)
    try:
        yield
    finally:
        lock_file.unlink(missing_ok=True)


def _age(path: Path) -> float:
    """Return the seconds since a file was written, 0 if it is gone."""
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
            with suppress(PermissionError):  # only root can, and should, leave a user's file to that user
                os.chown(path, *like.owner)
        path.chmod(like.mode)
    except BaseException:
        path.unlink()
        raise
    return path
