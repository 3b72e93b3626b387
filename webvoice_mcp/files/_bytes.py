"""Reads at given positions of an open file."""

import os
from typing import BinaryIO


def read_at(file: BinaryIO, position: int, size: int) -> bytes:
    """Return `size` bytes from `position`, or fewer at the end of the file."""
    file.seek(position)
    return file.read(size)


def size_of(file: BinaryIO) -> int:
    """Return the file's size in bytes."""
    return file.seek(0, os.SEEK_END)
