"""What was ordered, what it cost, where the files are: kept in SQLite, shared by all servers of one user.

A row is written when an order starts and again when it ends, so one that a crash cut off is there to be seen. Texts
and keys are never written. Where the file cannot be used, calls go on without it.
"""

import json
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from webvoice_mcp.errors import DiskError
from webvoice_mcp.orders._runs import Runs

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
_RUNNING, _INTERRUPTED = "running", "interrupted"
# What says that the file is no history of ours: no database at all, a damaged one, or one with other tables.
_NOT_OURS = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """An order as it is written down.

    Attributes:
        state: running, done, failed, or interrupted: its server ended before it did, and credits may be spent.
        started_at: seconds since the epoch.
        estimate: credits it was expected to cost; None where that could not be known.
        credits: credits it cost, as the service said; None where it did not say.
        files: absolute paths.
        error: code of the failure, "" for none.
    """

    id: str
    tool: str
    state: str
    started_at: float
    estimate: float | None = None
    credits: float | None = None
    files: tuple[str, ...] = ()
    error: str = ""

    @property
    def started(self) -> str:
        """The start as an ISO 8601 time in UTC."""
        return iso(self.started_at)


class History:
    """The orders of one base URL.

    Writing never fails: what cannot be written is said once in the log, and the call goes on. Reading raises
    `DiskError` with the reason.
    """

    def __init__(self, path: Path, base_url: str, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._base_url = base_url
        self._clock = clock
        self._threads = anyio.CapacityLimiter(1)  # one at a time: a connection is used by one thread only
        self._connection: sqlite3.Connection | None = None
        self._runs: Runs | None = None
        self._trouble = ""

    async def begin(self, order: str, tool: str, started_at: float, estimate: float | None) -> None:
        """Write down that an order starts: from now on credits may be spent."""
        await self._write(
            lambda run: (
                "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, NULL, ?, NULL, '[]', NULL)",
                (order, run, self._base_url, tool, _RUNNING, started_at, estimate),
            )
        )

    async def end(self, order: str, state: str, credits: float | None, files: tuple[str, ...], error: str) -> None:  # noqa: A002 - the API's word
        """Write down how it ended."""
        await self._write(
            lambda _: (
                "UPDATE orders SET state = ?, ended_at = ?, credits = ?, files = ?, error = ? WHERE id = ?",
                (state, self._clock(), credits, json.dumps(files), error or None, order),
            )
        )

    async def recent(self, *, since: float = 0, most: int = 50) -> list[Row]:
        """Orders that started at or after a time (seconds since the epoch), the newest first."""
        return await self._read(
            "SELECT * FROM orders WHERE base_url = ? AND started_at >= ? ORDER BY started_at DESC, rowid DESC LIMIT ?",
            (self._base_url, since, most),
        )

    async def find(self, order: str) -> Row | None:
        """One order."""
        rows = await self._read("SELECT * FROM orders WHERE base_url = ? AND id = ?", (self._base_url, order))
        return rows[0] if rows else None

    async def spent(self, since: float) -> list[tuple[str, str, float, int]]:
        """Tool, day (UTC), credits and number of orders that started at or after a time."""
        found = await self._do(
            lambda connection: connection.execute(
                "SELECT tool, date(started_at, 'unixepoch'), coalesce(sum(credits), 0), count(*) FROM orders"
                " WHERE base_url = ? AND started_at >= ? GROUP BY 1, 2 ORDER BY 2 DESC, 1",
                (self._base_url, since),
            ).fetchall()
        )
        return [(tool, day, float(credits_), count) for tool, day, credits_, count in found]

    async def aclose(self) -> None:
        """Close the file."""
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._leave, limiter=self._threads)

    async def _write(self, statement: Callable[[int], tuple[str, tuple[Any, ...]]]) -> None:
        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute(*statement(self._live_runs().own))

        with anyio.CancelScope(shield=True):
            try:
                await self._do(write)
            except DiskError as error:
                if str(error) != self._trouble:
                    _log.warning("%s Calls go on without being written down.", error)
                self._trouble = str(error)

    async def _read(self, statement: str, values: tuple[Any, ...]) -> list[Row]:
        def read(connection: sqlite3.Connection) -> list[Row]:
            return [self._row(each) for each in connection.execute(statement, values).fetchall()]

        return await self._do(read)

    async def _do(self, action: Callable[[sqlite3.Connection], T]) -> T:
        return await anyio.to_thread.run_sync(partial(self._carry_out, action), limiter=self._threads)

    # What follows runs in a thread.

    def _carry_out(self, action: Callable[[sqlite3.Connection], T]) -> T:
        try:
            for mend in (self._close, self._set_aside):
                try:
                    return action(self._open())
                except sqlite3.Error as error:
                    if _code(error) not in _NOT_OURS:
                        raise
                    mend()  # at first opened anew: another server may have found the damage before, and put it aside
            return action(self._open())
        except (sqlite3.Error, OSError, ValueError) as error:  # the last: a row that none of us wrote
            self._close()
            raise DiskError(
                f"The history {self._path} cannot be used: {error}. Check the file, or set WEBVOICE_STATE_DIR."
            ) from error

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

    def _live_runs(self) -> Runs:
        if self._runs is None:
            self._runs = Runs(self._path.with_name(f"{self._path.name}.lock"))
        return self._runs

    def _row(self, found: sqlite3.Row) -> Row:
        state = found["state"]
        if state == _RUNNING and not self._live_runs().is_alive(found["run"]):
            state = _INTERRUPTED
        return Row(
            found["id"],
            found["tool"],
            state,
            found["started_at"],
            found["estimate"],
            found["credits"],
            tuple(json.loads(found["files"])),
            found["error"] or (_INTERRUPTED if state == _INTERRUPTED else ""),
        )

    def _set_aside(self) -> None:
        self._close()
        aside = self._path.with_name(f"{self._path.name}.damaged-{time.time_ns()}")
        self._path.replace(aside)
        for leftover in ("-wal", "-shm"):
            self._path.with_name(self._path.name + leftover).unlink(missing_ok=True)
        _log.warning("The history %s is damaged. It is kept as %s; a new one begins.", self._path, aside)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _leave(self) -> None:
        self._close()
        if self._runs is not None:
            self._runs.close()
            self._runs = None


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


def iso(seconds: float) -> str:
    """A time, in seconds since the epoch, as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary one
