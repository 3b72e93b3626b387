"""The history: written by several servers at once, true after a crash, and never in the way of a call."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import pytest

from tests.files.samples import without_root
from webvoice_mcp.errors import DiskError
from webvoice_mcp.jobs import _database
from webvoice_mcp.jobs._live_servers import Runs
from webvoice_mcp.jobs.history import History, Row

NOW = 1_700_000_000.0
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions and signals")

# Begins an order, says so, and waits to be killed.
_BEGINS = """
import sys, time, pathlib, anyio
from webvoice_mcp.jobs.history import History

async def main():
    history = History(pathlib.Path(sys.argv[1]), "u")
    await history.begin(sys.argv[2], "webvoice_tts", 1700000000.0, 0.5)
    print("begun", flush=True)
    sys.stdin.read()

anyio.run(main)
"""

# Writes many orders down while others do the same.
_WRITES = """
import sys, pathlib, anyio
from webvoice_mcp.jobs.history import History

async def main():
    history = History(pathlib.Path(sys.argv[1]), "u")
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(25):
        await history.begin(f"{sys.argv[2]}-{number}", "webvoice_tts", 1700000000.0, 0.5)
        await history.end(f"{sys.argv[2]}-{number}", "done", 0.5, ("/x",), "")
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


def move_away(path: Path) -> None:
    path.rename(path.with_name("moved"))


def make_unusable(path: Path, trouble: str) -> None:
    if trouble == "folder":
        path.mkdir(parents=True)
    else:
        path.parent.write_text("in the way")


def other_process(program: str, *words: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", program, *words]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline()
    return process


async def test_an_order_is_there_from_its_start_and_true_at_its_end(path: Path) -> None:
    async with opened(path) as history:
        await history.begin("a", "webvoice_tts", NOW, 0.5)
        assert await history.find("a") == Row("a", "webvoice_tts", "running", NOW, 0.5)
        await history.end("a", "done", 0.75, ("/x/y.mp3",), "")
        await history.begin("b", "webvoice_chat", NOW + 1, None)
        await history.end("b", "failed", None, (), "timeout")
        first = Row("a", "webvoice_tts", "done", NOW, 0.5, 0.75, ("/x/y.mp3",))
        second = Row("b", "webvoice_chat", "failed", NOW + 1, error="timeout")
        assert await history.recent() == [second, first]
        assert await history.recent(since=NOW + 1) == [second]
        assert await history.recent(most=1) == [second]
        assert await history.spent(NOW) == [
            ("webvoice_chat", "2023-11-14", 0.0, 1),
            ("webvoice_tts", "2023-11-14", 0.75, 1),
        ]
        assert await history.find("c") is None
    assert first.started == "2023-11-14T22:13:20Z"


async def test_an_order_is_written_down_even_where_its_caller_is_gone(path: Path) -> None:
    async with opened(path) as history:
        with anyio.CancelScope() as gone:
            gone.cancel()
            await history.begin("a", "webvoice_tts", NOW, 0.5)
            await history.end("a", "failed", None, (), "cancelled")
        assert await history.find("a") == Row("a", "webvoice_tts", "failed", NOW, 0.5, error="cancelled")


async def test_what_comes_after_the_end_is_written_down_too(path: Path) -> None:
    async with opened(path) as history:
        await history.begin("a", "webvoice_tts", NOW, 0.5)
        await history.aclose()
        await history.begin("b", "webvoice_tts", NOW, 0.5)
        assert [(row.id, row.state) for row in await history.recent()] == [("b", "running"), ("a", "interrupted")]


async def test_orders_of_another_base_url_are_not_shown(path: Path) -> None:
    async with opened(path) as history, opened(path, "other") as other:
        await history.begin("a", "webvoice_tts", NOW, 0.5)
        assert await other.find("a") is None
        assert await other.recent() == []
        assert await other.spent(0) == []


@posix
async def test_nobody_else_can_read_it(path: Path) -> None:
    put(path, b"", 0o644)
    async with opened(path) as history:
        await history.begin("a", "webvoice_tts", NOW, 0.5)
        modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    assert set(modes) >= {"history.db", "history.db-wal", "history.db.lock"}
    assert set(modes.values()) == {0o600}
    fresh = path.parent / "not" / "there" / "history.db"
    before = os.umask(0)
    try:
        async with opened(fresh) as history:
            await history.begin("a", "webvoice_tts", NOW, 0.5)
            modes = {each.name: each.stat().st_mode & 0o777 for each in fresh.parent.iterdir()}
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}
    assert fresh.parent.stat().st_mode & 0o777 == 0o700


@posix
async def test_a_file_of_somebody_elses_is_used_all_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("Operation not permitted")

    put(path, b"", 0o666)
    monkeypatch.setattr("os.chmod", refuse)
    async with opened(path) as history:
        await history.begin("a", "webvoice_tts", NOW, 0.5)
        assert [row.id for row in await history.recent()] == ["a"]


@posix
async def test_an_order_that_a_kill_cut_off_is_interrupted_and_one_of_a_live_server_is_not(path: Path) -> None:
    with other_process(_BEGINS, str(path), "live") as live, other_process(_BEGINS, str(path), "dead") as dead:
        async with opened(path) as history:
            assert {row.id: row.state for row in await history.recent()} == {"live": "running", "dead": "running"}
            dead.send_signal(signal.SIGKILL)
            dead.wait()
            for _ in range(2):  # looking does not change it
                found = {row.id: (row.state, row.error) for row in await history.recent()}
                assert found == {"live": ("running", ""), "dead": ("interrupted", "interrupted")}
        live.kill()
    async with opened(path) as history:
        assert {row.state for row in await history.recent()} == {"interrupted"}


async def test_servers_that_start_and_write_at_once_lose_nothing(path: Path) -> None:
    processes = [other_process(_WRITES, str(path), str(number)) for number in range(4)]
    for each in processes:
        assert each.stdin
        each.stdin.write(b"go\n")
        each.stdin.flush()
    assert [each.communicate(timeout=30) and each.returncode for each in processes] == [0] * 4
    async with opened(path) as history:
        assert await history.spent(0) == [("webvoice_tts", "2023-11-14", 50.0, 100)]


@contextmanager
def taken(path: Path) -> Iterator[None]:
    """The file as it is while another server makes it."""
    put(path, b"", 0o600)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("CREATE TABLE other (x)")
    yield
    connection.execute("COMMIT")
    connection.close()


async def test_a_file_that_another_server_is_just_making_is_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_database, "_BUSY_SECONDS", 0.001)
    async with opened(path) as history, anyio.create_task_group() as group:
        with taken(path):
            group.start_soon(history.begin, "a", "webvoice_tts", NOW, 0.5)
            await anyio.sleep(0.1)
    async with opened(path) as history:
        assert [row.id for row in await history.recent()] == ["a"]


async def test_a_file_that_another_program_keeps_is_not_waited_for_without_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_BUSY_SECONDS", "_OPENING_SECONDS"):
        monkeypatch.setattr(_database, name, 0.05)
    async with opened(path) as history:
        with taken(path), pytest.raises(DiskError, match="database is locked"):
            await history.recent()
        assert await history.recent() == []


Damage = Callable[[Path], bytes]  # gives what the file holds then


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
    connection.execute("CREATE TABLE orders (something)")
    connection.close()
    return path.read_bytes()


def damage_beside(path: Path) -> bytes:
    """Other tables, but only in the file beside it, as a crash leaves it."""
    path.unlink()
    beside = path.with_name("history.db-wal")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE orders (something)")
    before = path.read_bytes(), beside.read_bytes()
    connection.close()
    path.write_bytes(before[0])
    beside.write_bytes(before[1])
    return before[0]


@pytest.mark.parametrize("damage", [damage_garbage, damage_middle, damage_schema, damage_beside])
async def test_a_damaged_file_is_set_aside_and_said(
    path: Path, damage: Damage, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(path) as history:
        await history.begin("a", "webvoice_tts", NOW, 0.5)
    before = damage(path)
    async with opened(path) as history:
        await history.begin("b", "webvoice_tts", NOW, 0.5)
        assert [row.id for row in await history.recent()] == ["b"]
    (aside,) = path.parent.glob("history.db.damaged-*")
    if damage is not damage_beside:
        assert aside.read_bytes() == before
    assert caplog.messages == [f"The history {path} is damaged. It is kept as {aside}; a new one begins."]


async def test_damage_that_another_server_has_open_is_set_aside_with_what_lies_beside_it(path: Path) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("CREATE TABLE orders (something)")
    async with opened(path) as history:
        await history.begin("b", "webvoice_tts", NOW, 0.5)
        assert [row.id for row in await history.recent()] == ["b"]
    other.close()
    async with opened(path) as history:
        assert [row.id for row in await history.recent()] == ["b"]


async def test_damage_that_another_server_has_mended_is_not_set_aside_again(path: Path) -> None:
    async with opened(path) as history, opened(path) as other:
        await history.begin("a", "webvoice_tts", NOW, 0.5)
        await other.recent()
        for leftover in ("history.db-wal", "history.db-shm"):
            (path.parent / leftover).unlink()
        damage_garbage(path)
        move_away(path)
        async with opened(path) as third:
            await third.begin("b", "webvoice_tts", NOW, 0.5)
        await other.begin("c", "webvoice_tts", NOW, 0.5)
        assert not list(path.parent.glob("history.db.damaged-*"))


async def test_an_order_that_began_before_trouble_is_ended_after_it(path: Path) -> None:
    async with opened(path) as history:
        await history.begin("a", "webvoice_tts", NOW, 0.5)
        with pytest.raises(DiskError, match="cannot be used"):
            await history._do(lambda connection: connection.execute("ATTACH '/nonsense/x.db' AS x").fetchall())
        assert (await history.recent())[0].state == "running"
        await history.end("a", "done", 0.5, (), "")
        assert (await history.recent())[0].state == "done"


@pytest.mark.parametrize("trouble", ["folder", "file in the way"])
async def test_where_it_cannot_be_used_writing_warns_once_and_reading_says_why(
    path: Path, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    make_unusable(path, trouble)
    async with opened(path) as history:
        await history.begin("a", "webvoice_tts", NOW, 0.5)
        await history.end("a", "done", 0.5, (), "")
        for read in (history.recent(), history.find("a"), history.spent(0)):
            with pytest.raises(DiskError, match=f"The history {path} cannot be used: .* set WEBVOICE_STATE_DIR"):
                await read
    (said,) = caplog.messages
    assert said.startswith(f"The history {path} cannot be used: ")
    assert said.endswith(", or set WEBVOICE_STATE_DIR. Calls go on without being written down.")


@posix
async def test_a_read_only_file_is_a_warning_and_can_still_be_refused_clearly(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(path, b"", 0o444)
    path.parent.chmod(0o555)
    with without_root():
        async with opened(path) as history:
            await history.begin("a", "webvoice_tts", NOW, 0.5)
            with pytest.raises(DiskError, match="cannot be used"):
                await history.recent()
    assert caplog.text.count("Calls go on without being written down.") == 1
    path.parent.chmod(0o755)


async def test_a_row_that_none_of_us_wrote_is_no_crash(path: Path) -> None:
    async with opened(path) as history:
        await history.begin("a", "webvoice_tts", NOW, 0.5)
        connection = sqlite3.connect(path)
        connection.execute("UPDATE orders SET files = 'nonsense'")
        connection.commit()
        connection.close()
        with pytest.raises(DiskError, match="cannot be used"):
            await history.recent()


async def test_nothing_is_made_before_it_is_needed(path: Path) -> None:
    async with opened(path):
        pass
    assert not path.parent.exists()


def test_the_number_of_a_run_is_alive_as_long_as_the_run(tmp_path: Path) -> None:
    runs = Runs(tmp_path / "lock")
    number = runs.own
    assert runs.is_alive(number)
    runs.close()
    other = Runs(tmp_path / "lock")
    assert other.own != number
    assert not other.is_alive(number)
    other.close()


# Holds the lock that one has for a moment who asks whether a run is alive.
_ASKS = """
import fcntl, sys
with open(sys.argv[1], "r+") as file:
    fcntl.lockf(file, fcntl.LOCK_SH, 1, int(sys.argv[2]))
    print("asks", flush=True)
    sys.stdin.read()
"""


@posix
def test_a_run_that_ended_is_not_alive_because_another_server_asks_at_the_same_time(tmp_path: Path) -> None:
    runs = Runs(tmp_path / "lock")
    ended = runs.own + 1
    with other_process(_ASKS, str(tmp_path / "lock"), str(ended)) as other:
        assert not runs.is_alive(ended)
        other.kill()
    runs.close()
