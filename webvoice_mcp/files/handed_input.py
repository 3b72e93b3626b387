"""Input files that another process of this user opened and checked, and hands to this one."""

import os
from dataclasses import dataclass, replace
from typing import Self

SAMPLE_BYTES = 4096
"""Bytes at the beginning and at the end of a file by which it is recognized, besides its size and time."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The facts that tell a file, as it was when it was checked, from any other.

    Attributes:
        sample: hash of its first and last bytes.
    """

    device: int
    inode: int
    size: int
    modified_ns: int
    sample: str

    @classmethod
    def of(cls, status: os.stat_result, sample: str) -> Self:
        """Return the facts about a file with this status."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, sample)


@dataclass(frozen=True, slots=True)
class HandedInput:
    """An input file that was opened and checked.

    Attributes:
        argument: name of the tool's argument.
        given: the path as the caller gave it.
        path: absolute path, with links followed.
        facts: of the file as the caller gave it.
        sent: of the file that is sent, which is another one if its format had to be converted.
        descriptor: a descriptor of the file that is sent; None if the file has to be opened again.
    """

    argument: str
    given: str
    path: str
    facts: FileFacts
    sent: FileFacts
    descriptor: int | None = None

    def without_descriptor(self) -> "HandedInput":
        """Return the same without the descriptor, which somebody else closes."""
        return replace(self, descriptor=None)

    def close(self) -> None:
        """Close the descriptor, if there is one."""
        if self.descriptor is not None:
            os.close(self.descriptor)
