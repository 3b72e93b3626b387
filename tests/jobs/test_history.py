"""The history: shared by several servers, right after a crash, and never an obstacle to a call."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from tests.files.samples import without_root
from webvoice_mcp.errors import DiskError
from webvoice_mcp.jobs import database
from webvoice_mcp.jobs.history import History, HistoryRow
from webvoice_mcp.jobs.live_servers import LiveServers
from webvoice_mcp.jobs.spending import Spending

NOW = 1_700_000_000.0
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions and signals")

# Records the start of a job, says so, and waits to be killed.
_STARTS = """
import sys, time, pathlib, anyio
from webvoice_mcp.jobs.history import History

async def main():
    history = History(pathlib.Path(sys.argv[1]), "u")
    await history.record_start(sys.argv[2], "webvoice_tts", 1700000000.0, 0.5)
    print("started", flush=True)
    sys.stdin.read()

anyio.run(main)
"""

# Records many jobs while other processes do the same.
_WRITES = """
import sys, pathlib, anyio
from webvoice_mcp.jobs.history import History

async def main():
    history = History(pathlib.Path(sys.argv[1]), "u")
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(25):
        await history.record_start(f"{sys.argv[2]}-{number}", "webvoice_tts", 1700000000.0, 0.5)
        await history.record_end(f"{sys.argv[2]}-{number}", "done", 0.5, ("/x",), "")
    await history.aclose()

anyio.run(main)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history.db"


@asynccontextmanager
async def opened(path: Path, base_url: str = "u") -> AsyncIterator[History]:
    history = History(path, base_url)
    try:
        yield history
    finally:
        await history.aclose()


def put(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    path.chmod(mode)


def move(path: Path) -> None:
    path.rename(path.with_name("moved"))


def make_unusable(path: Path, obstacle: str) -> None:
    if obstacle == "folder":
        path.parent.mkdir(mode=0o700)
        path.mkdir()
    else:
        path.parent.write_text("in the way")


def other_process(program: str, *words: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", program, *words]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline()
    return process


async def test_a_job_is_listed_from_its_start_to_its_end(path: Path) -> None:
    async with opened(path) as history:
        await history.record_start("a", "webvoice_tts", NOW, 0.5)
        assert await history.find("a") == HistoryRow("a", "webvoice_tts", "running", NOW, 0.5)
        await history.record_end("a", "done", 0.75, ("/x/y.mp3",), "")
        await history.record_start("b", "webvoice_chat", NOW + 1, None)
        await history.record_end("b", "failed", None, (), "timeout")
        second, first = await history.recent()
        ends = first.ended_at, second.ended_at
        assert first == HistoryRow("a", "webvoice_tts", "done", NOW, 0.5, 0.75, ("/x/y.mp3",), "", ends[0])
        assert second == HistoryRow("b", "webvoice_chat", "failed", NOW + 1, error="timeout", ended_at=ends[1])
        assert NOW < (ends[0] or 0) <= (ends[1] or 0) <= time.time()
        assert await history.recent(since=NOW + 1) == [second]
        assert await history.recent(limit=1) == [second]
        day = datetime.fromtimestamp(NOW, UTC).astimezone().date().isoformat()
        assert await history.spent(NOW) == [
            Spending("webvoice_chat", day, 1, 0.0, 1, None),
            Spending("webvoice_tts", day, 1, 0.75, 0, 0.0),
        ]
        assert await history.find("c") is None
    assert first.started == "2023-11-14T22:13:20Z"


async def test_a_job_is_recorded_even_if_its_caller_is_cancelled(path: Path) -> None:
    async with opened(path) as history:
        with anyio.CancelScope() as gone:
            gone.cancel()
            await history.record_start("a", "webvoice_tts", NOW, 0.5)
            await history.record_end("a", "failed", None, (), "cancelled")
        (row,) = await history.recent()
        assert row == HistoryRow("a", "webvoice_tts", "failed", NOW, 0.5, error="cancelled", ended_at=row.ended_at)


async def test_a_closed_history_opens_again(path: Path) -> None:
    async with opened(path) as history:
        await history.record_start("a", "webvoice_tts", NOW, 0.5)
        await history.aclose()
        await history.record_start("b", "webvoice_tts", NOW, 0.5)
        assert [(row.id, row.state) for row in await history.recent()] == [("b", "running"), ("a", "interrupted")]


async def test_jobs_of_another_base_url_are_not_listed(path: Path) -> None:
    async with opened(path) as history, opened(path, "other") as other:
        await history.record_start("a", "webvoice_tts", NOW, 0.5)
        assert await other.find("a") is None
        assert await other.recent() == []
        assert await other.spent(0) == []


@posix
async def test_no_other_user_can_read_it(path: Path) -> None:
    put(path, b"", 0o644)
    async with opened(path) as history:
        await history.record_start("a", "webvoice_tts", NOW, 0.5)
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert set(modes) >= {"history.db", "history.db-wal", "history.db.lock"}
    assert set(modes.values()) == {0o600}
    fresh = path.parent / "not" / "there" / "history.db"
    before = os.umask(0)
    try:
        async with opened(fresh) as history:
            await history.record_start("a", "webvoice_tts", NOW, 0.5)
            modes = {file.name: file.stat().st_mode & 0o777 for file in fresh.parent.iterdir()}
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}
    assert fresh.parent.stat().st_mode & 0o777 == 0o700


@posix
async def test_a_file_whose_mode_cannot_be_changed_is_used(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("Operation not permitted")

    put(path, b"", 0o666)
    monkeypatch.setattr("os.chmod", refuse)
    async with opened(path) as history:
        await history.record_start("a", "webvoice_tts", NOW, 0.5)
        assert [row.id for row in await history.recent()] == ["a"]


@posix
async def test_jobs_of_a_killed_server_are_interrupted(path: Path) -> None:
    with other_process(_STARTS, str(path), "live") as live, other_process(_STARTS, str(path), "dead") as dead:
        async with opened(path) as history:
            assert {row.id: row.state for row in await history.recent()} == {"live": "running", "dead": "running"}
            dead.send_signal(signal.SIGKILL)
            dead.wait()
            for _ in range(2):  # reading changes nothing
                found = {row.id: (row.state, row.error) for row in await history.recent()}
                assert found == {"live": ("running", ""), "dead": ("interrupted", "interrupted")}
        live.kill()
    async with opened(path) as history:
        assert {row.state for row in await history.recent()} == {"interrupted"}


@pytest.mark.slow
async def test_servers_that_write_at_the_same_time_lose_nothing(path: Path) -> None:
    processes = [other_process(_WRITES, str(path), str(number)) for number in range(4)]
    for process in processes:
        assert process.stdin
        process.stdin.write(b"go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60) and process.returncode for process in processes] == [0] * 4
    async with opened(path) as history:
        (spent,) = await history.spent(0)
    assert (spent.tool, spent.jobs, spent.credits, spent.unknown) == ("webvoice_tts", 100, 50.0, 0)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock the file as another server does that is creating it."""
    put(path, b"", 0o600)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("CREATE TABLE other (x)")
    yield
    connection.execute("COMMIT")
    connection.close()


async def test_a_file_that_another_server_is_creating_is_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.001)
    async with opened(path) as history, anyio.create_task_group() as group:
        with locked(path):
            group.start_soon(history.record_start, "a", "webvoice_tts", NOW, 0.5)
            await anyio.sleep(0.1)
    async with opened(path) as history:
        assert [row.id for row in await history.recent()] == ["a"]


async def test_a_file_that_another_program_locks_is_not_waited_for_forever(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_BUSY_SECONDS", "_OPENING_SECONDS"):
        monkeypatch.setattr(database, name, 0.05)
    async with opened(path) as history:
        with locked(path), pytest.raises(DiskError, match="database is locked"):
            await history.recent()
        assert await history.recent() == []


Damage = Callable[[Path], bytes]  # damages the file and returns its new content


def damage_garbage(path: Path) -> bytes:
    path.write_bytes(b"This is no database, it only has its name. " * 100)
    return path.read_bytes()


def damage_middle(path: Path) -> bytes:
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xa5" * (len(content) - 100))
    return path.read_bytes()


def damage_schema(path: Path) -> bytes:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE jobs (something)")
    connection.close()
    return path.read_bytes()


def damage_beside(path: Path) -> bytes:
    """Put the wrong tables into the write-ahead log only, as a crash leaves them."""
    path.unlink()
    beside = path.with_name("history.db-wal")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE jobs (something)")
    before = path.read_bytes(), beside.read_bytes()
    connection.close()
    path.write_bytes(before[0])
    beside.write_bytes(before[1])
    return before[0]


@pytest.mark.parametrize("damage", [damage_garbage, damage_middle, damage_schema, damage_beside])
async def test_a_damaged_file_is_set_aside_and_logged(
    path: Path, damage: Damage, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(path) as history:
        await history.record_start("a", "webvoice_tts", NOW, 0.5)
    before = damage(path)
    async with opened(path) as history:
        await history.record_start("b", "webvoice_tts", NOW, 0.5)
        assert [row.id for row in await history.recent()] == ["b"]
    (aside,) = path.parent.glob("history.db.damaged-*")
    if damage is not damage_beside:
        assert aside.read_bytes() == before
    assert caplog.messages == [f"The history {path} is damaged. It was renamed to {aside}, and a new one was begun."]


async def test_a_damaged_file_that_another_server_has_open_is_set_aside(path: Path) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("CREATE TABLE jobs (something)")
    async with opened(path) as history:
        await history.record_start("b", "webvoice_tts", NOW, 0.5)
        assert [row.id for row in await history.recent()] == ["b"]
    other.close()
    async with opened(path) as history:
        assert [row.id for row in await history.recent()] == ["b"]


async def test_a_file_that_another_server_has_replaced_is_not_set_aside(path: Path) -> None:
    async with opened(path) as history, opened(path) as other:
        await history.record_start("a", "webvoice_tts", NOW, 0.5)
        await other.recent()
        for leftover in ("history.db-wal", "history.db-shm"):
            (path.parent / leftover).unlink()
        damage_garbage(path)
        move(path)
        async with opened(path) as third:
            await third.record_start("b", "webvoice_tts", NOW, 0.5)
        await other.record_start("c", "webvoice_tts", NOW, 0.5)
        assert not list(path.parent.glob("history.db.damaged-*"))


async def test_a_job_is_completed_after_an_error_in_between(path: Path) -> None:
    async with opened(path) as history:
        await history.record_start("a", "webvoice_tts", NOW, 0.5)
        with pytest.raises(DiskError, match="cannot be used"):
            await history._execute(lambda connection: connection.execute("ATTACH '/nonsense/x.db' AS x").fetchall())
        assert (await history.recent())[0].state == "running"
        await history.record_end("a", "done", 0.5, (), "")
        assert (await history.recent())[0].state == "done"


@pytest.mark.parametrize("obstacle", ["folder", "file in the way"])
async def test_an_unusable_file_is_logged_once_and_refuses_reading(
    path: Path, obstacle: str, caplog: pytest.LogCaptureFixture
) -> None:
    make_unusable(path, obstacle)
    async with opened(path) as history:
        await history.record_start("a", "webvoice_tts", NOW, 0.5)
        await history.record_end("a", "done", 0.5, (), "")
        for read in (history.recent(), history.find("a"), history.spent(0)):
            with pytest.raises(DiskError, match=f"The history {path} cannot be used: .* set WEBVOICE_STATE_DIR"):
                await read
    (said,) = caplog.messages
    assert said.startswith(f"The history {path} cannot be used: ")
    assert said.endswith(", or set WEBVOICE_STATE_DIR. Calls go on without a history.")


@posix
async def test_a_read_only_file_is_logged_and_refuses_reading(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(path, b"", 0o444)
    path.parent.chmod(0o555)
    with without_root():
        async with opened(path) as history:
            await history.record_start("a", "webvoice_tts", NOW, 0.5)
            with pytest.raises(DiskError, match="cannot be used"):
                await history.recent()
    assert caplog.text.count("Calls go on without a history.") == 1
    path.parent.chmod(0o755)


async def test_a_row_of_another_program_is_a_disk_error(path: Path) -> None:
    async with opened(path) as history:
        await history.record_start("a", "webvoice_tts", NOW, 0.5)
        connection = sqlite3.connect(path)
        connection.execute("UPDATE jobs SET files = 'nonsense'")
        connection.commit()
        connection.close()
        with pytest.raises(DiskError, match="cannot be used"):
            await history.recent()


async def test_no_file_is_created_before_it_is_needed(path: Path) -> None:
    async with opened(path):
        pass
    assert not path.parent.exists()


def test_a_server_is_alive_until_it_closes(tmp_path: Path) -> None:
    servers = LiveServers(tmp_path / "lock")
    number = servers.own
    assert servers.is_alive(number)
    servers.close()
    other = LiveServers(tmp_path / "lock")
    assert other.own != number
    assert not other.is_alive(number)
    other.close()


# Holds the lock that a server takes for a moment to find out if another one is alive.
_LOOKS = """
import fcntl, sys
with open(sys.argv[1], "r+") as file:
    fcntl.lockf(file, fcntl.LOCK_SH, 1, int(sys.argv[2]))
    print("looks", flush=True)
    sys.stdin.read()
"""


@posix
def test_asking_about_a_dead_server_does_not_make_it_look_alive(tmp_path: Path) -> None:
    servers = LiveServers(tmp_path / "lock")
    ended = servers.own + 1
    with other_process(_LOOKS, str(tmp_path / "lock"), str(ended)) as other:
        assert not servers.is_alive(ended)
        other.kill()
    servers.close()


_ORDERS = (
    "CREATE TABLE orders (id TEXT PRIMARY KEY, run INTEGER NOT NULL, base_url TEXT NOT NULL, tool TEXT NOT NULL,"
    " state TEXT NOT NULL, started_at REAL NOT NULL, ended_at REAL, estimate REAL, credits REAL,"
    " files TEXT NOT NULL, error TEXT)"
)


async def test_jobs_of_development_versions_are_taken_over_and_their_table_stays(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute(_ORDERS)
    row = ("a", 1, "u", "webvoice_tts", "done", NOW, NOW + 1, 0.5, 0.75, '["/x/y.mp3"]', None)
    connection.execute(f"INSERT INTO orders VALUES ({', '.join('?' * len(row))})", row)
    connection.commit()
    expected = HistoryRow("a", "webvoice_tts", "done", NOW, 0.5, 0.75, ("/x/y.mp3",), "", NOW + 1)
    for _ in range(2):
        async with opened(path) as history:
            assert await history.recent() == [expected]
    assert connection.execute("SELECT count(*) FROM orders").fetchone() == (1,)
    connection.close()


async def test_a_job_that_an_old_server_ends_later_is_completed(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(_ORDERS)
    row = ("a", 1, "u", "webvoice_tts", "running", NOW, None, 0.5, None, "[]", None)
    connection.execute(f"INSERT INTO orders VALUES ({', '.join('?' * len(row))})", row)
    async with opened(path) as history:
        assert [found.credits for found in await history.recent()] == [None]
    connection.execute("""UPDATE orders SET state = 'done', ended_at = 1, credits = 0.75, files = '["/x/y.mp3"]'""")
    connection.close()
    async with opened(path) as history:
        expected = HistoryRow("a", "webvoice_tts", "done", NOW, 0.5, 0.75, ("/x/y.mp3",), "", 1)
        assert await history.recent() == [expected]


async def test_a_running_server_of_an_earlier_version_keeps_writing(path: Path) -> None:
    async with opened(path) as history:
        await history.record_start("new", "webvoice_tts", NOW, 0.5, key="1111")
        connection = sqlite3.connect(path)
        with connection:
            row = ("old", 1, "u", "webvoice_tts", "done", NOW, NOW + 1, 0.5, 0.75, "[]", None)
            connection.execute(f"INSERT INTO jobs VALUES ({', '.join('?' * len(row))})", row)
        connection.close()
        listed = {key: [row.id for row in await history.recent(key=key)] for key in ("1111", "2222", "", None)}
    assert listed == {"1111": ["old", "new"], "2222": ["old"], "": ["old"], None: ["old", "new"]}
