"""Text files that a tool may read: small ones, in folders that the user works in."""

import os
from pathlib import Path

from webvoice_mcp.errors import PathNotAllowed, UnsupportedMedia
from webvoice_mcp.files.disk import OPEN_FOR_READING, disk_errors, is_file
from webvoice_mcp.files.find_input import find_input
from webvoice_mcp.files.path_policy import PathPolicy

_MAX_BYTES = (2 << 20) + 1  # more is not read: such a file is refused


def read_text_file(given: str, argument: str, policy: PathPolicy) -> bytes:
    """Return the first 2 MB of a text file, and one byte more if it is larger. Blocks.

    Raises:
        InvalidArgument: the text is not a path.
        FileNotFound: there is no such file.
        PathNotAllowed: it is hidden or outside the folders that may be read.
        UnsupportedMedia: it is no regular file.
        DiskError: it cannot be read.
    """
    path = policy.absolute(given, argument)
    policy.refuse_hidden(path, argument, "read")
    real = find_input(given, argument, policy)
    policy.refuse_hidden(real, argument, "read")
    policy.check_readable_text(real, argument)
    with disk_errors("read", path):
        if not is_file(real.stat()):
            raise UnsupportedMedia(f"{argument}: {path} is a folder, device or pipe. Give the path of a file.")
        descriptor = os.open(real, OPEN_FOR_READING)
        with os.fdopen(descriptor, "rb", closefd=True) as file:
            return _read(file.fileno(), real, path, argument, policy)


def _read(descriptor: int, real: Path, path: Path, argument: str, policy: PathPolicy) -> bytes:
    if not is_file(os.fstat(descriptor)) or not policy.still_allows(descriptor, real):
        raise PathNotAllowed(f"{argument}: {path} was replaced while it was being opened. Try again.")
    blocks: list[bytes] = []
    left = _MAX_BYTES
    while left and (block := os.read(descriptor, left)):
        blocks.append(block)
        left -= len(block)
    return b"".join(blocks)
