"""What was ordered, what it cost, where the files are: kept in SQLite, shared by all servers of one user.

A row is written when an order starts and again when it ends, so one that a crash cut off is there to be seen. Texts
and keys are never written. Where the file cannot be used, calls go on without it.
"""

from __future__ import annotations  # what is loaded late is named in annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread

from webvoice_mcp.errors import DiskError
from webvoice_mcp.orders._runs import Runs

if TYPE_CHECKING:  # SQLite is loaded when the history is first used
    import sqlite3

    from webvoice_mcp.orders._database import Database

_log = logging.getLogger("webvoice_mcp")

_RUNNING, _INTERRUPTED = "running", "interrupted"

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
        self._database: Database | None = None
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
        if self._database is None:
            from webvoice_mcp.orders._database import Database  # noqa: PLC0415 - see there

            self._database = Database(self._path)
        return self._database.carry_out(action)

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

    def _leave(self) -> None:
        if self._database is not None:
            self._database.close()
        if self._runs is not None:
            self._runs.close()
            self._runs = None


def iso(seconds: float) -> str:
    """A time, in seconds since the epoch, as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
