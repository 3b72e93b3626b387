"""The history: every job with its cost and files, in a SQLite file that all servers of a user share.

A row is written before the request goes out and again when the job ends, so that a job that a crash cut off is listed.
Prompts and keys are never written, only the last four characters of a key; a file name that the server chooses contains
a prompt's first words. If the file cannot be used, calls go on without it, unless a limit of a day or month is set:
then the rows of jobs are the sums that the limits are checked against, and calls that cost credits are refused.
"""

from __future__ import annotations  # annotations name classes that are imported late

import json
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.errors import DiskError
from webvoice_mcp.files import MadeFile, SavedFile
from webvoice_mcp.jobs.budget import PeriodLimit
from webvoice_mcp.jobs.live_servers import LiveServers
from webvoice_mcp.jobs.made_files import made_files, record_made
from webvoice_mcp.jobs.spending import CHOSEN_JOBS, NEVER, Spending, chosen, spending, used
from webvoice_mcp.storage.threads import WorkerThreads

if TYPE_CHECKING:  # imported when the history is first used
    import sqlite3

    from webvoice_mcp.jobs.database import Database

_log = logging.getLogger("webvoice_mcp")

_RUNNING, _INTERRUPTED = "running", "interrupted"
_PARTS = (
    "coalesce((SELECT parts FROM job_parts WHERE job_parts.id = jobs.id), 0) AS parts,"
    " coalesce((SELECT parts_done FROM job_parts WHERE job_parts.id = jobs.id), 0) AS parts_done"
)

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
        ended_at: seconds since the epoch; None if its end was not written down.
        parts: number of its requests, 0 if it has one or that is not known.
        parts_done: number of them whose results are there.
    """

    id: str
    tool: str
    state: str
    started_at: float
    estimate: float | None = None
    credits: float | None = None
    files: tuple[str, ...] = ()
    error: str = ""
    ended_at: float | None = None
    parts: int = 0
    parts_done: int = 0

    @property
    def started(self) -> str:
        """Start as an ISO 8601 time in UTC."""
        return iso_time(self.started_at)


class History:
    """The jobs of one base URL.

    Writing never fails: an error is logged once, and the call goes on. Only with limits does the start of a job that
    costs credits raise it. Reading raises `DiskError`.

    Methods that list or sum up take a `key`, the last characters of the API key whose jobs are meant, as
    `key_ending` returns them. With None they are those of all keys.
    """

    def __init__(
        self,
        path: Path,
        base_url: str,
        *,
        limits: Sequence[PeriodLimit] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._base_url = base_url
        self._limits = limits
        self._clock = clock
        self._threads = WorkerThreads(1)  # a connection is used by one thread at a time
        self._database: Database | None = None
        self._live: LiveServers | None = None
        self._last_error = ""

    async def check(self, estimate: Estimate) -> None:
        """Check that a call fits into the limits now; `record_start` checks again and binds.

        Raises:
            BudgetExceeded: it would exceed a limit.
            DiskError: it costs credits, there are limits, and the file cannot be used.
        """
        if self._limits and estimate.credits != 0:
            with self._needed():
                await self._execute(lambda connection: self._check_limits(connection, estimate, self._clock()))

    async def record_start(
        self, job_id: str, tool: str, started_at: float, estimate: float | None, *, key: str = ""
    ) -> None:
        """Write a row for a job whose request is about to go out. With it the limits count the job's estimate.

        Args:
            key: the last characters of the API key that pays, "" if it is too short to show any.

        Raises:
            BudgetExceeded: the job would exceed a limit; no row is written.
            DiskError: the job costs credits, there are limits, and the file cannot be used.
        """

        def write(connection: sqlite3.Connection) -> None:
            row = (job_id, self._live_servers().own, self._base_url, tool, _RUNNING, started_at, estimate)
            with connection:
                # No other server can write between the sums and the row.
                connection.execute("BEGIN IMMEDIATE")
                self._check_limits(connection, Estimate(estimate, "as estimated"), started_at)
                connection.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, NULL, ?, NULL, '[]', NULL)", row)
                connection.execute("INSERT INTO job_keys VALUES (?, ?)", (job_id, key))

        if self._limits and estimate != 0:
            with self._needed(), anyio.CancelScope(shield=True):
                await self._execute(write)
        else:
            await self._write(write)

    async def record_end(
        self,
        job_id: str,
        state: str,
        credits: float | None,  # noqa: A002 - the API's word
        files: tuple[str, ...],
        error: str,
        *,
        at_most: float | None = None,
        saved: Sequence[SavedFile] = (),
    ) -> None:
        """Complete the row of a job that has ended.

        Args:
            credits: its cost, None if that is not known.
            at_most: the most that it may have cost, if that is not its estimate.
            files: paths of the files that it made.
            saved: the same files as they were saved. Without them `made_files` does not know the files.
        """

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute(
                    "UPDATE jobs SET state = ?, ended_at = ?, estimate = coalesce(?, estimate), credits = ?, files = ?,"
                    " error = ? WHERE id = ?",
                    (state, self._clock(), at_most, credits, json.dumps(files), error or None, job_id),
                )
                record_made(connection, job_id, saved, self._clock())

        await self._write(write)

    async def record_parts(self, job_id: str, parts: int, parts_done: int) -> None:
        """Write down how far a job has come, for other servers; one of a single request has no parts."""

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute("INSERT OR REPLACE INTO job_parts VALUES (?, ?, ?)", (job_id, parts, parts_done))

        if parts > 1:
            await self._write(write)

    async def record_files(self, tool: str, saved: Sequence[SavedFile]) -> None:
        """Write down files that a tool made without a job, under an id of their own, for `made_files`."""
        made_by = f"{tool.removeprefix('webvoice_')}_{secrets.token_hex(8)}"

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                record_made(connection, made_by, saved, self._clock())

        await self._write(write)

    async def made_files(self, *, uris: Sequence[str] = (), job: str = "", limit: int = -1) -> list[MadeFile]:
        """Return files that servers of this user made, for any base URL and key, the newest first.

        Args:
            uris: only those with one of these URIs.
            job: only those of the job with this id, in their order.
        """

        def read(connection: sqlite3.Connection) -> list[MadeFile]:
            return made_files(connection, uris, job, limit)

        if not await self._threads.run(self._path.exists):
            return []  # looking at a history does not begin one
        return await self._execute(read)

    async def recent(
        self, *, since: float = 0, until: float = NEVER, limit: int = 50, key: str | None = None
    ) -> list[HistoryRow]:
        """Return jobs by the time of their start, the newest first.

        Args:
            since: the earliest start, in seconds since the epoch.
            until: the time before which they started.
            limit: the most jobs; -1 for no limit.
        """
        return await self._read(
            f"SELECT jobs.*, {_PARTS} FROM {CHOSEN_JOBS} ORDER BY started_at DESC, jobs.rowid DESC LIMIT ?",  # noqa: S608 - all constants
            (*chosen(self._base_url, since, until, key), limit),
        )

    async def find(self, job_id: str, *, key: str | None = None) -> HistoryRow | None:
        """Return one job, None if it is not known."""
        rows = await self._read(
            f"SELECT jobs.*, {_PARTS} FROM {CHOSEN_JOBS} AND id = ?",  # noqa: S608 - all constants
            (*chosen(self._base_url, 0, NEVER, key), job_id),
        )
        return rows[0] if rows else None

    async def spent(self, since: float, *, until: float = NEVER, key: str | None = None) -> list[Spending]:
        """Return what the jobs cost that started in a time, by tool and local day, the newest day first."""
        values = chosen(self._base_url, since, until, key)
        return await self._execute(lambda connection: spending(connection, values))

    async def aclose(self) -> None:
        """Close the file."""
        with anyio.CancelScope(shield=True):
            await self._threads.run(self._close)

    async def _write(self, action: Callable[[sqlite3.Connection], None]) -> None:
        with anyio.CancelScope(shield=True):
            try:
                await self._execute(action)
            except DiskError as error:
                if str(error) != self._last_error:
                    _log.warning("%s%s", error, "" if self._limits else " Calls go on without a history.")
                self._last_error = str(error)

    @contextmanager
    def _needed(self) -> Iterator[None]:
        try:
            yield
        except DiskError as error:
            settings = " and ".join(limit.setting for limit in self._limits)
            raise DiskError(
                f"{error} The history is needed for {settings}, so until then calls that cost credits are refused."
            ) from error

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

            # A history that limits are checked against is never replaced by an empty one.
            self._database = Database(self._path, may_set_aside=not self._limits)
        return self._database.execute(action)

    def _check_limits(self, connection: sqlite3.Connection, estimate: Estimate, moment: float) -> None:
        for limit in self._limits:
            limit.check(estimate, used(connection, self._base_url, limit.start(moment)))

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
            found["ended_at"],
            found["parts"],
            found["parts_done"],
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
