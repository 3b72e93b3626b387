"""The history's SQLite file: opening it, and setting a damaged one aside.

Everything here blocks and runs in a thread. The module is imported when the history is first used: SQLite takes a
megabyte, and a server that only lists its tools needs none of it.
"""

import errno
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from webvoice_mcp.errors import DiskError
from webvoice_mcp.files.disk import FileId
from webvoice_mcp.storage.private import make_private_file, make_private_folder, restrict_file

_log = logging.getLogger("webvoice_mcp")

_BUSY_SECONDS = 5.0  # SQLite's wait for another process
_OPENING_SECONDS = 5.0
_PAUSE_SECONDS = 0.02
_SQLITE_FILES = ("-wal", "-shm")  # endings of the files that SQLite keeps beside the database
_COLUMNS = "id, run, base_url, tool, state, started_at, ended_at, estimate, credits, files, error"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, run INTEGER NOT NULL, base_url TEXT NOT NULL, tool TEXT NOT NULL, state TEXT NOT NULL,
    started_at REAL NOT NULL, ended_at REAL, estimate REAL, credits REAL, files TEXT NOT NULL, error TEXT
);
CREATE INDEX IF NOT EXISTS jobs_by_time ON jobs (base_url, started_at);
CREATE TABLE IF NOT EXISTS job_keys (id TEXT PRIMARY KEY, key TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS job_parts (
    id TEXT PRIMARY KEY, parts INTEGER NOT NULL, parts_done INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS made_files (
    made_at REAL NOT NULL, job TEXT NOT NULL, number INTEGER NOT NULL, path BLOB NOT NULL,
    uri TEXT NOT NULL COLLATE NOCASE, inode TEXT NOT NULL, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
    PRIMARY KEY (job, number)
);
CREATE INDEX IF NOT EXISTS made_files_by_uri ON made_files (uri);
CREATE INDEX IF NOT EXISTS made_files_by_time ON made_files (made_at);
"""
# job_keys has the last four characters of the key that paid for a job. It is no column of jobs: a running server of an
# earlier version inserts eleven values, and would take a table of twelve for damaged and set the file aside.
# job_parts tells other servers how far a job of many requests has come; a worker process writes it.
# made_files has what tells the files of a job from any others; an inode may be too large for an INTEGER, and the path
# may be no Unicode. Jobs of earlier versions have no rows in it.
# Development versions of 0.3.0 called the table orders. It stays: a server of such a version may still write to it.
# A row that was copied while its job was running is completed when the file is opened again.
_COPY_ORDERS = f"""
INSERT INTO jobs ({_COLUMNS}) SELECT {_COLUMNS} FROM orders WHERE true ON CONFLICT (id) DO UPDATE SET
    state = excluded.state, ended_at = excluded.ended_at, credits = excluded.credits, files = excluded.files,
    error = excluded.error
    WHERE jobs.state = 'running' AND excluded.state <> 'running'
"""  # noqa: S608 - all constants
_HAS_ORDERS = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'orders'"
# The errors of a file that is no history of ours: no database, a damaged one, or one with other tables.
_NOT_OURS = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR})

T = TypeVar("T")


class Database:
    """A file with the table of jobs, opened when first needed and again after a failure.

    A damaged file is set aside, unless limits depend on what it holds. If the file is deleted or replaced while it is
    open, the one that then has its name is used, and a new one is begun if there is none: other servers see only that
    one. If limits depend on it, it cannot be used until the server starts anew.
    """

    def __init__(self, path: Path, *, may_set_aside: bool) -> None:
        self._path = path
        self._may_set_aside = may_set_aside
        self._file: FileId | None = None  # that was opened first
        self._repairs = (self.close, self._set_aside) if may_set_aside else (self.close,)
        self._connection: sqlite3.Connection | None = None

    def execute(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """Call a function with the connection. A damaged file may be set aside first, and a new one begun.

        Raises:
            DiskError: the file cannot be used.
        """
        try:
            for repair in self._repairs:
                try:
                    return action(self._open())
                except sqlite3.Error as error:
                    if _code(error) not in _NOT_OURS:
                        raise
                    repair()  # reopened first: another server may have set the damaged file aside already
            return action(self._open())
        except (sqlite3.Error, OSError, ValueError) as error:  # ValueError: a row that this program did not write
            self.close()
            reason = getattr(error, "strerror", None) or error
            raise DiskError(
                f"The history {self._path} cannot be used: {reason}. Check the file, or set WEBVOICE_STATE_DIR."
            ) from error

    def close(self) -> None:
        """Close the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _open(self) -> sqlite3.Connection:
        self._check_identity()
        deadline = time.monotonic() + _OPENING_SECONDS
        while self._connection is None:
            make_private_folder(self._path.parent)
            make_private_file(self._path)  # SQLite's own files get the mode of this one
            for ending in _SQLITE_FILES:
                restrict_file(self._path.with_name(self._path.name + ending))
            try:
                self._connection = _opened(self._path)
            except sqlite3.OperationalError as error:
                # Another server opens the file too: SQLite does not wait for the change to WAL, whatever the timeout.
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_SECONDS)
            else:
                self._file = _identity(self._path)
        return self._connection

    def _check_identity(self) -> None:
        """Check that the file with this name is still the one that was opened.

        SQLite would go on with the file that has lost its name, and the sums of servers would differ.
        """
        if self._file is None or _identity(self._path) == self._file:
            return
        self.close()
        if not self._may_set_aside:
            raise OSError(errno.ESTALE, "it was deleted or replaced while this server was running; restart the server")

    def _set_aside(self) -> None:
        self.close()
        aside = self._path.with_name(f"{self._path.name}.damaged-{time.time_ns()}")
        self._path.replace(aside)
        for ending in _SQLITE_FILES:
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        _log.warning("The history %s is damaged. It was renamed to %s, and a new one was begun.", self._path, aside)


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
        if connection.execute(_HAS_ORDERS).fetchone():
            with connection:
                connection.execute(_COPY_ORDERS)
    except BaseException:
        connection.close()
        raise
    return connection


def _identity(path: Path) -> FileId | None:
    """Return the identity of the file that has this name, None if there is none."""
    try:
        return FileId.of(path.stat())
    except FileNotFoundError:
        return None


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code
