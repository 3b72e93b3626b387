"""`webvoice-mcp usage`: what was spent on this computer, from the history."""

import argparse
import csv
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from webvoice_mcp.cli.service_calls import call_service
from webvoice_mcp.cli.startup import STATE_DIR, load_settings
from webvoice_mcp.client.redaction import redact
from webvoice_mcp.jobs.history import HistoryRow
from webvoice_mcp.jobs.local_time import day_start, month_bounds
from webvoice_mcp.jobs.spending import NEVER, Spending, unknown_cost
from webvoice_mcp.settings import Settings

_DAYS = 30
_ALL = -1  # no limit on the number of jobs
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is a formula to spreadsheets


def run(options: argparse.Namespace) -> int:
    """Print the credits that were spent, by tool, day or month, or every job as CSV."""
    settings = load_settings(STATE_DIR)
    if options.month:
        since, until = month_bounds(*options.month)
    else:
        since, until = day_start(time.time(), days_before=(options.days or _DAYS) - 1), NEVER
    if options.csv and not options.by:
        _print_csv(("time", "tool", "credits", "unknown", "files"), map(_job_cells, _jobs(settings, since, until)))
        return 0
    spent = call_service(settings, lambda services: services.history.spent(since, until=until))
    by = options.by or "tool"
    groups = _groups(spent, by)
    if options.csv:
        rows = (_group_cells(name, rows) for name, rows in groups.items())
        _print_csv((by, "credits", "unknown", "jobs", "unknown_jobs"), rows)
    else:
        first = datetime.fromtimestamp(since, UTC).astimezone()
        print(f"base URL: {settings.base_url}")
        print(f"month: {first:%Y-%m}" if options.month else f"since: {first:%Y-%m-%d}")
        _print_table(by, groups)
    return 0


def _jobs(settings: Settings, since: float, until: float) -> list[HistoryRow]:
    rows = call_service(settings, lambda services: services.history.recent(since=since, until=until, limit=_ALL))
    return rows[::-1]  # the oldest first, as in an account


def _groups(spent: Iterable[Spending], by: str) -> dict[str, list[Spending]]:
    groups: dict[str, list[Spending]] = {}
    for row in spent:
        name = {"tool": row.tool, "day": row.day, "month": row.day[:7]}[by]
        groups.setdefault(name, []).append(row)
    return dict(sorted(groups.items()))


def _print_table(by: str, groups: dict[str, list[Spending]]) -> None:
    lines = [(by, "jobs", "credits", "of unknown cost"), *(_group_line(name, rows) for name, rows in groups.items())]
    lines.append(_group_line("total", [row for rows in groups.values() for row in rows]))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for name, *numbers in lines:
        cells = [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
        print(redact("  ".join([name.ljust(widths[0]), *cells]).rstrip()))


def _group_line(name: str, rows: list[Spending]) -> tuple[str, str, str, str]:
    unknown, at_most = unknown_cost(rows)
    more = "credits not known" if at_most is None else f"at most {at_most:g}"
    spent = round(sum(row.credits for row in rows), 2)
    return name, str(sum(row.jobs for row in rows)), f"{spent:g}", f"{unknown}, {more}" if unknown else ""


def _group_cells(name: str, rows: list[Spending]) -> tuple[Any, ...]:
    jobs = sum(row.jobs for row in rows)
    unknown, at_most = unknown_cost(rows)
    spent = round(sum(row.credits for row in rows), 2)
    return name, "" if unknown == jobs else f"{spent:g}", _number(at_most) if unknown else "", jobs, unknown


def _job_cells(row: HistoryRow) -> tuple[Any, ...]:
    started = datetime.fromtimestamp(row.started_at, UTC).astimezone().isoformat(timespec="seconds")
    unknown = _number(row.estimate) if row.credits is None else ""
    return started, row.tool, _number(row.credits), unknown, "; ".join(row.files)


def _number(value: float | None) -> str:
    return "" if value is None else f"{round(value, 6):.12g}"


def _print_csv(columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        cells = [redact(str(cell)) for cell in row]
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
