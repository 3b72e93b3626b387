"""A person's JSON file, changed in one place.

Links are followed and stay. A copy of the old file is kept beside it, and the new one takes its place as a whole. Two
of us take turns; where the client itself writes in the meantime, its new file is read and changed instead.
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

from webvoice_mcp.cli._jsontext import LeftAlone

_NEW_MODE = 0o600  # clients keep keys in these files
_PATIENCE = 10.0  # seconds to wait for another one of us
_ABANDONED = 60.0  # seconds after which a turn is nobody's any more: each takes far less than one
_TRIES = 20  # times that a client may write in the meantime
_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_OWN_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a file.

    Attributes:
        changed: whether there was anything to change.
        backup: the old file, where there was one.
    """

    changed: bool
    backup: Path | None = None


@dataclass(frozen=True, slots=True)
class _Content:
    data: bytes
    mode: int
    owner: tuple[int, int]  # and group; of the folder where there is no file
    exists: bool


def edit(path: Path, change: Callable[[str], str]) -> Done:
    """Change a file's text; it is made, with its folders, where there is none and `change` wants one.

    Args:
        change: from the text as it is ("" for no file) to what it should be; called again when the file has changed.

    Raises:
        LeftAlone: the file could not be changed, and was not.
    """
    if not path.is_absolute():
        raise LeftAlone("it is not known where your home folder is; set HOME")
    try:
        target = Path(os.path.realpath(path))
        if _new_data(_content(target), change) is None:
            return Done(changed=False)
        _refuse_read_only(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        with _turn(target):
            for _ in range(_TRIES):
                if done := _try(target, change):
                    return done
    except OSError as error:
        raise LeftAlone(error.strerror or type(error).__name__) from error
    raise LeftAlone("another program keeps writing to it; close the client and try again")


def _try(target: Path, change: Callable[[str], str]) -> Done | None:
    """One attempt; None when somebody else has written in the meantime."""
    old = _content(target)
    new = _new_data(old, change)
    if new is None:
        return Done(changed=False)
    made: list[Path] = []  # and not yet of use
    try:
        made.append(_written(f".{target.name}.new", new, old, target))
        if old.exists:
            made.append(_written(f"{target.name}.bak-{time.strftime('%Y%m%d-%H%M%S')}", old.data, old, target))
        if _content(target) != old:
            return None
        made[0].replace(target)
        _, *backup = made
        made.clear()
        return Done(changed=True, backup=backup[0] if backup else None)
    finally:
        for each in made:
            each.unlink()


def _content(target: Path) -> _Content:
    try:
        status = target.stat()
        if not stat.S_ISREG(status.st_mode):
            raise LeftAlone("it is not a file")
        return _Content(target.read_bytes(), stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid), exists=True)
    except FileNotFoundError:
        folder = _nearest(target).stat()
        return _Content(b"", _NEW_MODE, (folder.st_uid, folder.st_gid), exists=False)


def _new_data(old: _Content, change: Callable[[str], str]) -> bytes | None:
    """What the file should hold, None where it holds that already."""
    mark = codecs.BOM_UTF8 if old.data.startswith(codecs.BOM_UTF8) else b""
    try:
        text = old.data.removeprefix(mark).decode()
    except UnicodeDecodeError:
        raise LeftAlone("it is not UTF-8 text") from None
    new = change(text)
    return None if new == text else mark + new.encode()


def _refuse_read_only(target: Path) -> None:
    """Neither a new file in the place of one that is closed to writing, nor writing because one may do anything."""
    folder = _nearest(target)
    if target.exists() and not (target.stat().st_mode & _ANY_WRITE and os.access(target, os.W_OK)):
        raise LeftAlone("it is read-only")
    # On Windows that mark on a folder means something else.
    if not os.access(folder, os.W_OK) or (os.name != "nt" and not folder.stat().st_mode & _ANY_WRITE):
        raise LeftAlone(f"the folder {folder} is read-only")


@contextmanager
def _turn(target: Path) -> Iterator[None]:
    """One of us at a time, over all processes and file systems: whoever makes the file has the turn."""
    mark = target.with_name(f".{target.name}.webvoice-lock")
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            os.close(os.open(mark, _OWN_FLAGS, _NEW_MODE))
            break
        except FileExistsError:
            if _age(mark) > _ABANDONED:
                mark.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                raise LeftAlone(f"another installation is at work on it; if there is none, remove {mark}") from None
            else:
                time.sleep(0.01)
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def _age(mark: Path) -> float:
    try:
        return time.time() - mark.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _nearest(target: Path) -> Path:
    """The folder that it lies in, or the nearest above that exists."""
    return next(each for each in target.parents if each.exists())


def _written(name: str, data: bytes, like: _Content, target: Path) -> Path:
    """A new file beside the target, whole on the disk; under another name where there is one of this name."""
    path = target.with_name(name)
    while True:
        try:
            descriptor = os.open(path, _OWN_FLAGS, _NEW_MODE)
            break
        except FileExistsError:
            path = target.with_name(f"{name}-{secrets.token_hex(2)}")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if sys.platform != "win32":  # pragma: no branch - there a file's owner is another matter
            with suppress(PermissionError):  # who works as root leaves a person's file to that person
                os.chown(path, *like.owner)
        path.chmod(like.mode)
    except BaseException:
        path.unlink()
        raise
    return path
