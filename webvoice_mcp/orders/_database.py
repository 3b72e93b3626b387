"""The history's file: opening it, and mending or setting aside what is damaged.

Everything here blocks and runs in a thread. The module is loaded by the first who writes or reads: SQLite takes a
megabyte, and a server that only answers for its tools needs none of it.
"""

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from webvoice_mcp.errors import DiskError

_log = logging.getLogger("webvoice_mcp")

_BUSY_SECONDS = 5.0  # that SQLite waits for another process
_OPENING_SECONDS = 5.0
_PAUSE = 0.02
_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, run INTEGER NOT NULL, base_url TEXT NOT NULL, tool TEXT NOT NULL, state TEXT NOT NULL,
    started_at REAL NOT NULL, ended_at REAL, estimate REAL, credits REAL, files TEXT NOT NULL, error TEXT
);
CREATE INDEX IF NOT EXISTS orders_by_time ON orders (base_url, started_at);
"""
# What says that the file is no history of ours: no database at all, a damaged one, or one with other tables.
_NOT_OURS = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR})

T = TypeVar("T")


class Database:
    """A file with the table of orders, opened when first needed and again after a failure."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def carry_out(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with the connection; a file that is damaged is set aside first, and a new one begins.

        Raises:
            DiskError: the file cannot be used.
        """
        try:
            for mend in (self.close, self._set_aside):
                try:
                    return action(self._open())
                except sqlite3.Error as error:
                    if _code(error) not in _NOT_OURS:
                        raise
                    mend()  # at first opened anew: another server may have found the damage before, and put it aside
            return action(self._open())
        except (sqlite3.Error, OSError, ValueError) as error:  # the last: a row that none of us wrote
            self.close()
            raise DiskError(
                f"The history {self._path} cannot be used: {error}. Check the file, or set WEBVOICE_STATE_DIR."
            ) from error

    def close(self) -> None:
        """Close the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _open(self) -> sqlite3.Connection:
        last = time.monotonic() + _OPENING_SECONDS
        while self._connection is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._make_private()
            try:
                self._connection = _opened(self._path)
            except sqlite3.OperationalError as error:
                # Two that begin at once: SQLite does not wait where it changes to WAL, whatever the timeout.
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > last:
                    raise
                time.sleep(_PAUSE)
        return self._connection

    def _make_private(self) -> None:
        # Made by us and never opened here when it is there: closing it again would take SQLite's locks away.
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            if self._path.is_file():
                with suppress(OSError):
                    self._path.chmod(0o600)

    def _set_aside(self) -> None:
        self.close()
        aside = self._path.with_name(f"{self._path.name}.damaged-{time.time_ns()}")
        self._path.replace(aside)
        for leftover in ("-wal", "-shm"):
            self._path.with_name(self._path.name + leftover).unlink(missing_ok=True)
        _log.warning("The history %s is damaged. It is kept as %s; a new one begins.", self._path, aside)


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary one
