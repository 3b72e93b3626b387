"""Tells which servers are alive, by locks that the system releases when a process ends."""

import secrets
from pathlib import Path

from webvoice_mcp.storage.locks import ByteLocks

_MAX_NUMBER = 1 << 40


class LiveServers:
    """A file in which each running server has locked one byte, at the offset of its number.

    Attributes:
        own: the random number of this server, which means the same in every history.
    """

    def __init__(self, path: Path) -> None:
        self.own = 1 + secrets.randbelow(_MAX_NUMBER)
        self._locks = ByteLocks(path)
        self._locks.lock(self.own)

    def close(self) -> None:
        """Release this server's lock."""
        self._locks.close()

    def is_alive(self, number: int) -> bool:
        """Return True if the server with this number is running."""
        return self._locks.is_locked(number)
