"""The history: every job with its cost and files, in a SQLite file that all servers of a user share.

A row is written before the request goes out and again when the job ends, so that a job that a crash cut off is listed.
Prompts and keys are never written; a file name that the server chooses contains a prompt's first words. If the file
cannot be used, calls go on without it.
"""

from __future__ import annotations  # annotations name classes that are imported late

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from webvoice_mcp.errors import DiskError
from webvoice_mcp.jobs.live_servers import LiveServers
from webvoice_mcp.storage.threads import WorkerThreads

if TYPE_CHECKING:  # imported when the history is first used
    import sqlite3

    from webvoice_mcp.jobs.database import Database

_log = logging.getLogger("webvoice_mcp")

_RUNNING, _INTERRUPTED = "running", "interrupted"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A job as the history knows it.

    Attributes:
        state: running, done, failed, or interrupted (its server ended first, and credits may have been spent).
        started_at: seconds since the epoch.
        estimate: credits that it was expected to cost; None if that was not known.
        credits: credits that it cost, as the service said; None if that is not known.
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
        """Start as an ISO 8601 time in UTC."""
        return iso_time(self.started_at)


class History:
    """The jobs of one base URL.

    Writing never fails: an error is logged once, and the call goes on. Reading raises `DiskError`.
    """

    def __init__(self, path: Path, base_url: str, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._base_url = base_url
        self._clock = clock
        self._threads = WorkerThreads(1)  # a connection is used by one thread at a time
        self._database: Database | None = None
        self._live: LiveServers | None = None
        self._last_error = ""

    async def record_start(self, job_id: str, tool: str, started_at: float, estimate: float | None) -> None:
        """Write a row for a job whose request is about to go out."""
        await self._write(
            lambda run: (
                "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, NULL, ?, NULL, '[]', NULL)",
                (job_id, run, self._base_url, tool, _RUNNING, started_at, estimate),
            )
        )

    async def record_end(
        self,
        job_id: str,
        state: str,
        credits: float | None,  # noqa: A002 - the API's word
        files: tuple[str, ...],
        error: str,
    ) -> None:
        """Complete the row of a job that has ended."""
        await self._write(
            lambda _: (
                "UPDATE jobs SET state = ?, ended_at = ?, credits = ?, files = ?, error = ? WHERE id = ?",
                (state, self._clock(), credits, json.dumps(files), error or None, job_id),
            )
        )

    async def recent(self, *, since: float = 0, limit: int = 50) -> list[HistoryRow]:
        """Return the jobs that started at or after a time (seconds since the epoch), the newest first."""
        return await self._read(
            "SELECT * FROM jobs WHERE base_url = ? AND started_at >= ? ORDER BY started_at DESC, rowid DESC LIMIT ?",
            (self._base_url, since, limit),
        )

    async def find(self, job_id: str) -> HistoryRow | None:
        """Return one job, None if it is not known."""
        rows = await self._read("SELECT * FROM jobs WHERE base_url = ? AND id = ?", (self._base_url, job_id))
        return rows[0] if rows else None

    async def spent(self, since: float) -> list[tuple[str, str, float, int]]:
        """Return tool, day (UTC), credits and number of the jobs that started at or after a time."""
        found = await self._execute(
            lambda connection: connection.execute(
                "SELECT tool, date(started_at, 'unixepoch'), coalesce(sum(credits), 0), count(*) FROM jobs"
                " WHERE base_url = ? AND started_at >= ? GROUP BY 1, 2 ORDER BY 2 DESC, 1",
                (self._base_url, since),
            ).fetchall()
        )
        return [(tool, day, float(credits_), count) for tool, day, credits_, count in found]

    async def aclose(self) -> None:
        """Close the file."""
        with anyio.CancelScope(shield=True):
            await self._threads.run(self._close)

    async def _write(self, statement: Callable[[int], tuple[str, tuple[Any, ...]]]) -> None:
        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute(*statement(self._live_servers().own))

        with anyio.CancelScope(shield=True):
            try:
                await self._execute(write)
            except DiskError as error:
                if str(error) != self._last_error:
                    _log.warning("%s Calls go on without a history.", error)
                self._last_error = str(error)

    async def _read(self, statement: str, values: tuple[Any, ...]) -> list[HistoryRow]:
        def read(connection: sqlite3.Connection) -> list[HistoryRow]:
            return [self._row(row) for row in connection.execute(statement, values).fetchall()]

        return await self._execute(read)

    async def _execute(self, action: Callable[[sqlite3.Connection], T]) -> T:
        return await self._threads.run(self._execute_blocking, action)

    # The following methods run in a worker thread.

    def _execute_blocking(self, action: Callable[[sqlite3.Connection], T]) -> T:
        if self._database is None:
            from webvoice_mcp.jobs.database import Database  # noqa: PLC0415 - SQLite takes a megabyte

            self._database = Database(self._path)
        return self._database.execute(action)

    def _live_servers(self) -> LiveServers:
        if self._live is None:
            self._live = LiveServers(self._path.with_name(f"{self._path.name}.lock"))
        return self._live

    def _row(self, found: sqlite3.Row) -> HistoryRow:
        state = found["state"]
        if state == _RUNNING and not self._live_servers().is_alive(found["run"]):
            state = _INTERRUPTED
        return HistoryRow(
            found["id"],
            found["tool"],
            state,
            found["started_at"],
            found["estimate"],
            found["credits"],
            tuple(json.loads(found["files"])),
            found["error"] or (_INTERRUPTED if state == _INTERRUPTED else ""),
        )

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
        if self._live is not None:
            self._live.close()
            self._live = None


def iso_time(seconds: float) -> str:
    """Format seconds since the epoch as an ISO 8601 time in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
