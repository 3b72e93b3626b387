"""Reads at given positions of an open file."""

import os
import time
from typing import Protocol


class Readable(Protocol):
    """A file that can be read at any position."""

    def seek(self, position: int, whence: int = 0, /) -> int:
        """Go to a position and return it."""
        ...

    def read(self, size: int, /) -> bytes:
        """Return the next bytes."""
        ...


class TimeIsUpError(Exception):
    """A file was being read for longer than its time limit."""


class TimeLimited:
    """A file that can be read for some seconds: a hostile one could keep a reader busy for minutes."""

    def __init__(self, file: Readable, seconds: float) -> None:
        self._file = file
        self._deadline = time.monotonic() + seconds

    def seek(self, position: int, whence: int = 0, /) -> int:
        """Go to a position and return it."""
        return self._file.seek(position, whence)

    def read(self, size: int, /) -> bytes:
        """Return the next bytes.

        Raises:
            TimeIsUpError: the time is up.
        """
        if time.monotonic() > self._deadline:
            raise TimeIsUpError
        return self._file.read(size)


def read_at(file: Readable, position: int, size: int) -> bytes:
    """Return `size` bytes from `position`, or fewer at the end of the file."""
    file.seek(position)
    return file.read(size)


def size_of(file: Readable) -> int:
    """Return the file's size in bytes."""
    return file.seek(0, os.SEEK_END)
