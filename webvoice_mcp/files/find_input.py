"""Finds the existing file that a caller's text names. What is only probably meant is a hint, and never opened."""

import errno
from pathlib import Path

from webvoice_mcp.errors import DiskError, FileNotFound, InvalidArgument, PathNotAllowed
from webvoice_mcp.files.disk import disk_error
from webvoice_mcp.files.path_policy import PathPolicy
from webvoice_mcp.files.spelling import find_alike, simpler_texts

_MISSING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL})
_MAX_NAMES = 3  # in a hint


def find_input(given: str, argument: str, policy: PathPolicy) -> Path:
    """Return the real path, with links followed, of what an argument names. Blocks.

    A name that is not there, but differs from exactly one that is only by Unicode form or kind of space, means that
    one. What is found obeys the same rules as what is named exactly.

    Args:
        given: an absolute path, a path relative to the output folder, or a `file://` URI as in results.
        argument: name of the tool's parameter, for messages.
        policy: the folders that may be read.

    Raises:
        InvalidArgument: the text is empty, or no file can have this path.
        FileNotFound: nothing is there.
        PathNotAllowed: it is outside the allowed folders, or in the folders of saved keys and history.
        DiskError: the file system refuses.
    """
    if not given.strip():
        raise InvalidArgument(f"{argument} is empty. Give the path of a file.")
    path = policy.absolute(given, argument)
    refusal: PathNotAllowed | None = None
    try:
        real = policy.resolve(path, argument)
        if _exists(real, path):
            return real
    except PathNotAllowed as error:  # the allowed folder itself may be spelled in another way
        refusal = error
    found = _find_alike(path, argument, policy)
    if len(found) == 1:
        return found[0]
    if refusal:
        raise refusal
    hint = _names(found) if found else _simpler(given, argument, policy)
    hint = hint or f"Give an absolute path, or one relative to the output folder {policy.output_dir}."
    raise FileNotFound(f"{argument}: there is no file {path}. {hint}")


def _exists(real: Path, path: Path) -> bool:
    try:
        real.stat()
    except OSError as error:
        if error.errno not in _MISSING:
            raise disk_error("read", path, error) from error
        return False
    return True


def _find_alike(path: Path, argument: str, policy: PathPolicy) -> list[Path]:
    """Return the real paths that look like a path, without those that may not be read."""
    found = []
    for alike in find_alike(path):
        try:
            real = policy.resolve(alike, argument)
            if _exists(real, alike):
                found.append(real)
        except (PathNotAllowed, DiskError):
            continue
    return found


def _names(found: list[Path]) -> str:
    """Return the hint for several files that look like the one that was named."""
    names = ", ".join(ascii(str(path)) for path in found[:_MAX_NAMES])
    return f"Several differ from it only in Unicode form or kind of space: {names}. Give the path of one of them."


def _simpler(given: str, argument: str, policy: PathPolicy) -> str:
    """Return the hint if a file is there under a simpler text, "" if none is."""
    for text, left_out in simpler_texts(given):
        try:
            found = _find_alike(policy.absolute(text, argument), argument, policy)
        except InvalidArgument:
            continue
        if len(found) == 1 and found[0].is_file():
            return f"Without {left_out} it is there: give {found[0]}."
    return ""
