"""`webvoice-mcp usage`."""

import csv
import io
import os
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import anyio
import pytest

from tests.cli.conftest import Command
from tests.jobs.clock import time_zone
from tests.support import BASE_URL
from webvoice_mcp.jobs.history import History

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows cannot change the time zone of a process")

JOBS = [  # id, tool, start, cost, files, key
    ("a", "webvoice_tts", "2025-12-31T23:30:00+13:00", 0.5, ("/x/a.mp3",), "1111"),
    ("b", "webvoice_image", "2026-01-01T00:30:00+13:00", 7, ("/x/b, c.png", "/x/d.png"), "2222"),
    ("c", "webvoice_tts", "2026-01-31T12:00:00+13:00", None, (), "1111"),
    ("d", "webvoice_tts", "2026-01-31T13:00:00+13:00", 1.25, ("=cmd()",), ""),
    ("e", "webvoice_chat", "2026-01-31T14:00:00+13:00", None, (), ""),
]


@pytest.fixture(autouse=True)
def zone() -> Iterator[None]:
    with time_zone("XXX-13"):
        yield


async def record(folder: Path, base_url: str) -> None:
    history = History(folder / "state" / "history.db", base_url)
    for job_id, tool, at, cost, files, key in JOBS:
        estimate = None if tool == "webvoice_chat" else 1.5
        await history.record_start(job_id, tool, datetime.fromisoformat(at).timestamp(), estimate, key=key)
        await history.record_end(job_id, "done", cost, files, "")
    await history.aclose()


@pytest.fixture
def spent(tmp_path: Path) -> Path:
    """A history in the state folder of `command`."""
    anyio.run(record, tmp_path, BASE_URL)
    return tmp_path


def usage(command: Command, *options: str, code: int = 0) -> str:
    done = command("usage", *options, BASE_URL=BASE_URL, API_KEY="")
    assert (done.code, done.err) == (code, "")
    return done.out


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_what_was_spent_is_summed_up_by_tool_without_a_key(command: Command, spent: Path) -> None:
    assert usage(command, "--month", "2026-01").splitlines() == [
        f"base URL: {BASE_URL}",
        "month: 2026-01",
        "tool            jobs  credits       of unknown cost",
        "webvoice_chat      1        0  1, credits not known",
        "webvoice_image     1        7",
        "webvoice_tts       2     1.25        1, at most 1.5",
        "total              4     8.25  2, credits not known",
    ]


@pytest.mark.parametrize(
    ("by", "names", "credits_"),
    [
        ("tool", ["webvoice_image", "webvoice_tts"], ["7", "1.75"]),
        ("day", ["2025-12-31", "2026-01-01", "2026-01-31"], ["0.5", "7", "1.25"]),
        ("month", ["2025-12", "2026-01"], ["0.5", "8.25"]),
    ],
)
def test_groups_are_local_days_and_months(
    command: Command, spent: Path, by: str, names: list[str], credits_: list[str]
) -> None:
    lines = [line.split() for line in usage(command, "--days", "3650", "--by", by).splitlines()]
    groups = {line[0]: line[2] for line in lines if line[0] in names}
    assert groups == dict(zip(names, credits_, strict=True))
    assert lines[-1][:3] == ["total", "5", "8.75"]


def test_csv_has_a_row_a_job_and_no_number_for_unknown_costs(command: Command, spent: Path) -> None:
    assert table(usage(command, "--csv", "--month", "2026-01")) == [
        ["time", "tool", "credits", "unknown", "files"],
        ["2026-01-01T00:30:00+13:00", "webvoice_image", "7", "", "/x/b, c.png; /x/d.png"],
        ["2026-01-31T12:00:00+13:00", "webvoice_tts", "", "1.5", ""],
        ["2026-01-31T13:00:00+13:00", "webvoice_tts", "1.25", "", "'=cmd()"],
        ["2026-01-31T14:00:00+13:00", "webvoice_chat", "", "", ""],
    ]


def test_csv_of_groups_has_a_row_a_group(command: Command, spent: Path) -> None:
    assert table(usage(command, "--csv", "--days", "3650", "--by", "tool")) == [
        ["tool", "credits", "unknown", "jobs", "unknown_jobs"],
        ["webvoice_chat", "", "", "1", "1"],
        ["webvoice_image", "7", "", "1", "0"],
        ["webvoice_tts", "1.75", "1.5", "3", "1"],
    ]


def test_only_the_days_that_were_asked_for_are_summed_up(command: Command, spent: Path) -> None:
    assert table(usage(command, "--csv", "--days", "1")) == [["time", "tool", "credits", "unknown", "files"]]
    assert usage(command).splitlines()[-1].split() == ["total", "0", "0"]


def test_jobs_of_another_base_url_are_not_summed_up(command: Command, tmp_path: Path) -> None:
    anyio.run(record, tmp_path, "https://other.example/api/v1")
    assert usage(command, "--days", "3650").splitlines()[-1].split() == ["total", "0", "0"]


@pytest.mark.parametrize("first", "=+-@\t")
def test_a_path_is_never_a_formula_or_a_terminal_escape(command: Command, spent: Path, first: str) -> None:
    connection = sqlite3.connect(spent / "state" / "history.db")
    with connection:
        connection.execute("""UPDATE jobs SET files = json_array(? || 'x' || char(27) || '[2Jy')""", (first,))
    connection.close()
    cells = [row[4] for row in table(usage(command, "--csv", "--days", "3650"))[1:]]
    assert cells == [f"'{first}xy"] * len(JOBS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--days", "0"), "argument --days: '0' is not a number from 1 to 3650"),
        (("--days", "3651"), "argument --days: '3651' is not a number from 1 to 3650"),
        (("--days", "²"), "argument --days: '²' is not a number from 1 to 3650"),
        (("--month", "2026-13"), "argument --month: '2026-13' is not a month such as 2026-11"),
        (("--month", "26-1"), "argument --month: '26-1' is not a month such as 2026-11"),
        (("--by", "key"), "argument --by: invalid choice: 'key'"),
        (("--days", "1", "--month", "2026-01"), "argument --month: not allowed with argument --days"),
    ],
)
def test_an_unreadable_period_ends_with_2_and_one_sentence(
    command: Command, options: tuple[str, ...], said: str
) -> None:
    code, out, err = command("usage", *options)
    assert (code, out) == (2, "")
    assert f"error: {said}" in err


def test_a_history_that_cannot_be_read_ends_with_one_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "state" / "history.db").mkdir(parents=True)
    code, out, err = command("usage")
    assert (code, out) == (1, "")
    assert err.startswith(f"webvoice-mcp usage: disk_error: The history {tmp_path / 'state' / 'history.db'} cannot be ")
    assert err.count("\n") == 1
