"""Small looks into an open file."""

import os
from typing import BinaryIO


def at(file: BinaryIO, position: int, size: int) -> bytes:
    """Up to `size` bytes from there on; fewer where the file ends."""
    file.seek(position)
    return file.read(size)


def length(file: BinaryIO) -> int:
    """The file's size in bytes."""
    return file.seek(0, os.SEEK_END)
