"""Sums of credits in the history. The functions block: they run in the history's thread."""

from __future__ import annotations  # annotations name classes that are imported late

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # imported when the history is first used
    import sqlite3

# Jobs of earlier versions have no key; they belong to every key.
CHOSEN_JOBS = (
    "jobs LEFT JOIN job_keys USING (id) WHERE base_url = ? AND started_at >= ? AND started_at < ?"
    " AND (? IS NULL OR coalesce(key, '') IN ('', ?))"
)
"""SQL for jobs of a base URL that started in a time and belong to a key; see `chosen`."""

NEVER = 1e18
"""Seconds since the epoch, later than the start of any job."""


@dataclass(frozen=True, slots=True)
class Spending:
    """The cost of one tool's jobs on one day.

    Attributes:
        day: local day, such as 2026-11-29.
        jobs: number of all jobs.
        credits: sum of the known costs.
        unknown: number of jobs whose cost is not known, running ones among them.
        at_most: sum of the estimates of these; None if one of them has no estimate.
    """

    tool: str
    day: str
    jobs: int
    credits: float
    unknown: int
    at_most: float | None


def chosen(base_url: str, since: float, until: float, key: str | None) -> tuple[Any, ...]:
    """Return the values for `CHOSEN_JOBS`; with None as the key the jobs of all keys are chosen."""
    return (base_url, since, until, key, key)


def spending(connection: sqlite3.Connection, values: tuple[Any, ...]) -> list[Spending]:
    """Return what the chosen jobs cost, by tool and day, the newest day first."""
    found = connection.execute(
        "SELECT tool, date(started_at, 'unixepoch', 'localtime') AS day, count(*) AS jobs,"  # noqa: S608 - all constants
        " coalesce(sum(credits), 0.0) AS credits, sum(credits IS NULL) AS unknown,"
        " coalesce(sum(CASE WHEN credits IS NULL THEN estimate END), 0.0) AS at_most,"
        " sum(credits IS NULL AND estimate IS NULL) AS unpriced"
        f" FROM {CHOSEN_JOBS} GROUP BY tool, day ORDER BY day DESC, tool",
        values,
    )
    return [
        Spending(
            row["tool"],
            row["day"],
            row["jobs"],
            row["credits"],
            row["unknown"],
            None if row["unpriced"] else row["at_most"],
        )
        for row in found
    ]


def unknown_cost(rows: Iterable[Spending]) -> tuple[int, float | None]:
    """Return the number of jobs whose cost is not known, and the most they may have cost, None if that is not known."""
    rows = list(rows)
    jobs = sum(row.unknown for row in rows)
    known = [row.at_most for row in rows if row.at_most is not None]
    return jobs, round(sum(known), 2) if len(known) == len(rows) else None


def used(connection: sqlite3.Connection, base_url: str, since: float) -> float:
    """Return the credits that count against a limit: known costs, and the estimates of all other jobs."""
    (credits_,) = connection.execute(
        "SELECT coalesce(sum(coalesce(credits, estimate)), 0.0) FROM jobs WHERE base_url = ? AND started_at >= ?",
        (base_url, since),
    ).fetchone()
    return float(credits_)
