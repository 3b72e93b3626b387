"""Limits of a day and a month, which all servers of a user share through the history."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult

from tests.jobs.clock import time_zone
from tests.jobs.world import BY_TOOL, PAID, Upstream, put_inputs, rows
from tests.support import BASE_URL, MakeSettings, connected, failed, fields
from webvoice_mcp.contract.estimate import FREE, Estimate
from webvoice_mcp.errors import BudgetExceeded, DiskError
from webvoice_mcp.jobs.budget import PeriodLimit
from webvoice_mcp.jobs.history import History
from webvoice_mcp.jobs.local_time import day_start, month_start
from webvoice_mcp.server import create_server
from webvoice_mcp.settings import Settings

CHAT, TTS = BY_TOOL["webvoice_chat"], BY_TOOL["webvoice_tts"]
FREE_CHAT = {"prompt": "x", "model": "openrouter:openrouter/free"}
NOW = 1_700_000_000.0  # in the evening of the 14th of November in UTC
DAY, MONTH = "WEBVOICE_MAX_CREDITS_PER_DAY", "WEBVOICE_MAX_CREDITS_PER_MONTH"
both = pytest.mark.parametrize(("name", "period"), [("DAY", "today"), ("MONTH", "this month")])
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals and time zones, and keeps open files")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history.db"


@asynccontextmanager
async def opened(path: Path, limit: float = 10, base_url: str = "u", *, now: float = NOW) -> AsyncIterator[History]:
    limits = (PeriodLimit(DAY, limit, "today", day_start),)
    history = History(path, base_url, limits=limits, clock=lambda: now)
    try:
        yield history
    finally:
        await history.aclose()


async def start(history: History, job_id: str, estimate: float | None, at: float = NOW) -> bool:
    """Record the start of a job; return False if a limit refuses it."""
    try:
        await history.record_start(job_id, "webvoice_tts", at, estimate)
    except BudgetExceeded:
        return False
    return True


@both
async def test_servers_cannot_pass_a_limit_one_after_the_other(
    make_settings: MakeSettings, name: str, period: str
) -> None:
    settings = make_settings(**{f"MAX_CREDITS_PER_{name}": 3.5})
    upstream = Upstream(CHAT.answer)
    for _ in range(2):
        async with connected(settings, upstream) as client:
            fields(await client.call_tool(CHAT.tool, CHAT.arguments))  # is estimated at 2 and costs 1.5
    async with connected(settings, upstream) as client:
        said = failed(await client.call_tool(CHAT.tool, CHAT.arguments))
    assert said == (
        "budget_exceeded: This call would cost about 2 credits (2 per request with deepseek-v4-flash), but only 0.5 of "
        f"the 3.5 that WEBVOICE_MAX_CREDITS_PER_{name} allows are left for {period}. Choose something cheaper or free, "
        "or ask the user to raise the setting."
    )
    assert upstream.posts == 2


async def test_servers_that_call_at_the_same_time_cannot_pass_a_limit_together(make_settings: MakeSettings) -> None:
    settings = make_settings(MAX_CREDITS_PER_DAY=10)
    upstream = Upstream({**TTS.answer, "credits_used": 0.5})
    results: list[CallToolResult] = []
    async with connected(settings, upstream) as one, connected(settings, upstream) as other:

        async def call(client: Any) -> None:
            results.append(await client.call_tool(TTS.tool, {"text": "x"}))

        async with anyio.create_task_group() as group:
            for _ in range(16):
                group.start_soon(call, one)
                group.start_soon(call, other)
    refused = [failed(result) for result in results if result.is_error]
    assert len(refused) == 12
    assert all(text.startswith("budget_exceeded: ") for text in refused)
    assert upstream.posts == 20


@pytest.mark.parametrize("paid", PAID, ids=lambda paid: paid.tool.removeprefix("webvoice_"))
async def test_a_limit_of_zero_allows_free_calls_only(make_settings: MakeSettings, tmp_path: Path, paid: Any) -> None:
    put_inputs(tmp_path / "out")
    upstream = Upstream(CHAT.answer)
    async with connected(make_settings(MAX_CREDITS_PER_MONTH=0), upstream) as client:
        assert failed(await client.call_tool(paid.tool, paid.arguments)).startswith("budget_exceeded: This call would ")
        assert upstream.posts == 0
        assert fields(await client.call_tool(CHAT.tool, FREE_CHAT))["text"] == "Good day to you"


async def test_an_unknown_price_is_above_every_limit(make_settings: MakeSettings) -> None:
    upstream = Upstream({"models": []})
    async with connected(make_settings(MAX_CREDITS_PER_DAY=1000), upstream) as client:
        said = failed(await client.call_tool(CHAT.tool, {"prompt": "x", "model": "new"}))
    assert said.startswith("budget_exceeded: The price of this call is not known (")
    assert f"and {DAY} is set to 1000." in said
    assert upstream.posts == 0


async def test_a_limit_may_be_reached_and_not_passed(path: Path) -> None:
    async with opened(path, 1) as history:
        assert [await start(history, str(number), 0.1) for number in range(11)] == [True] * 10 + [False]


async def test_jobs_count_with_their_estimate_until_their_cost_is_known(path: Path) -> None:
    async with opened(path) as history, opened(path) as other:
        assert await start(history, "running", 4)
        assert await start(other, "cheap", 6)
        assert not await start(other, "a", 1)
        await history.record_end("cheap", "done", 1, (), "")
        assert await start(other, "unknown", 5)
        await history.record_end("unknown", "failed", None, (), "timeout")
        assert not await start(other, "b", 1)
        await history.record_end("running", "failed", 0, (), "bad_request")
        assert await start(other, "c", 4)
        assert not await start(other, "d", 0.5)
        assert await start(other, "free", 0)
    assert {row["id"] for row in rows(path.parent)} == {"running", "cheap", "unknown", "c", "free"}


async def test_jobs_of_another_base_url_do_not_count(path: Path) -> None:
    async with opened(path) as history, opened(path, base_url="sandbox") as sandbox:
        assert await start(sandbox, "a", 10)
        assert await start(history, "b", 10)
        assert not await start(sandbox, "c", 1)


@posix
async def test_a_new_day_has_its_own_limit_within_the_month(path: Path) -> None:
    day, month = PeriodLimit(DAY, 10, "today", day_start), PeriodLimit(MONTH, 15, "this month", month_start)
    history = History(path, "u", limits=(day, month))
    noon = 1_700_049_600.0  # of the 15th of November in UTC; in the zone it is two o'clock at night
    with time_zone("XXX10"):
        assert await start(history, "yesterday", 10, noon - 3 * 3600)
        assert await start(history, "today", 4, noon)
        with pytest.raises(BudgetExceeded, match="but only 1 of the 15 that WEBVOICE_MAX_CREDITS_PER_MONTH allows"):
            await history.record_start("more", "webvoice_tts", noon, 4)
        assert await start(history, "next month", 10, noon + 20 * 86_400)
    await history.aclose()


_START = """
import sys, time, pathlib, anyio
from webvoice_mcp.errors import BudgetExceeded
from webvoice_mcp.jobs.budget import PeriodLimit
from webvoice_mcp.jobs.history import History
from webvoice_mcp.jobs.local_time import day_start

name = sys.argv[2]
history = History(pathlib.Path(sys.argv[1]), "u", limits=(PeriodLimit("S", 10, "today", day_start),))
"""

# At the same moment as another process, tries forty times to take the whole limit of a day.
_RACES = f"""{_START}
async def main():
    await history.recent()
    print("ready", flush=True)
    begin = float(sys.stdin.readline())
    for number in range(40):
        while time.time() < begin + number * 0.03:
            pass
        try:
            await history.record_start(f"{{name}}-{{number}}", "webvoice_tts", 1700000000.0 + number * 86400, 10)
        except BudgetExceeded:
            pass
    await history.aclose()

anyio.run(main)
"""

# Takes a part of the limit, says so, and waits to be killed.
_STARTS = f"""{_START}
async def main():
    await history.record_start(name, "webvoice_tts", 1700000000.0, 6)
    print("started", flush=True)
    sys.stdin.read()

anyio.run(main)
"""


def process(program: str, *words: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", program, *words]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert started.stdout
    assert started.stdout.readline()
    return started


@pytest.mark.slow
def test_processes_that_race_cannot_pass_a_limit_together(path: Path) -> None:
    processes = [process(_RACES, str(path), str(number)) for number in range(2)]
    begin = f"{time.time() + 0.2}\n".encode()
    for one in processes:
        assert one.stdin
        one.stdin.write(begin)
        one.stdin.flush()
    assert [one.communicate(timeout=60) and one.returncode for one in processes] == [0, 0]
    assert sorted(row["started_at"] for row in rows(path.parent)) == [NOW + 86_400 * number for number in range(40)]


@posix
@pytest.mark.slow
async def test_a_job_of_a_killed_server_counts_with_its_estimate(path: Path) -> None:
    with process(_STARTS, str(path), "killed") as killed:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    async with opened(path) as history:
        assert [row.state for row in await history.recent()] == ["interrupted"]
        assert not await start(history, "a", 5)
        assert await start(history, "b", 4)


def destroy(path: Path, obstacle: str) -> None:
    if obstacle == "folder":
        path.mkdir(parents=True)
    elif obstacle == "file in the way":
        path.parent.write_text("in the way")
    else:
        path.parent.mkdir()
        if obstacle == "garbage":
            path.write_bytes(b"This is no database, it only has its name. " * 100)
        else:
            connection = sqlite3.connect(path)
            connection.execute("CREATE TABLE jobs (something)")
            connection.close()


def identity(path: Path) -> int:
    """Return a number that another file at this path would not have."""
    return path.stat().st_ino if path.exists() else 0


def put_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)


@pytest.mark.parametrize("obstacle", ["folder", "file in the way", "garbage", "other tables"])
@pytest.mark.parametrize("name", ["DAY", "MONTH"])
async def test_without_a_history_only_free_calls_go_on(
    make_settings: MakeSettings, path: Path, obstacle: str, name: str
) -> None:
    destroy(path, obstacle)
    before = identity(path)
    upstream = Upstream(CHAT.answer)
    async with connected(make_settings(**{f"MAX_CREDITS_PER_{name}": 100}), upstream) as client:
        for _ in range(2):
            said = failed(await client.call_tool(CHAT.tool, CHAT.arguments))
        assert upstream.posts == 0
        assert fields(await client.call_tool(CHAT.tool, FREE_CHAT))["text"] == "Good day to you"
    assert said.startswith(f"disk_error: The history {path} cannot be used: ")
    assert said.endswith(
        f" The history is needed for WEBVOICE_MAX_CREDITS_PER_{name}, so until then calls that cost credits are "
        "refused."
    )
    assert identity(path) == before
    assert not list(path.parent.parent.rglob("*damaged*"))


@posix
@pytest.mark.parametrize("happens", ["deleted", "folder deleted", "replaced"])
async def test_a_history_that_loses_its_name_allows_free_calls_only(
    make_settings: MakeSettings, path: Path, happens: str
) -> None:
    upstream = Upstream(CHAT.answer)
    settings = make_settings(MAX_CREDITS_PER_DAY=100)
    async with connected(settings, upstream) as client:
        fields(await client.call_tool(CHAT.tool, CHAT.arguments))
        shutil.rmtree(path.parent)
        if happens != "folder deleted":
            path.parent.mkdir(mode=0o700)
        if happens == "replaced":
            async with connected(settings, upstream) as other:  # it cannot know that there was another file
                fields(await other.call_tool(CHAT.tool, CHAT.arguments))
        posts = upstream.posts
        for _ in range(2):
            assert "was deleted or replaced" in failed(await client.call_tool(CHAT.tool, CHAT.arguments))
        assert upstream.posts == posts
        fields(await client.call_tool(CHAT.tool, FREE_CHAT))
    async with connected(settings, upstream) as client:
        fields(await client.call_tool(CHAT.tool, CHAT.arguments))


@posix
async def test_without_limits_a_history_that_was_deleted_is_begun_anew(path: Path) -> None:
    first, second = History(path, "u"), History(path, "u")
    await first.record_start("a", "t", NOW, 1)
    shutil.rmtree(path.parent)
    for history, job_id in ((first, "b"), (second, "c")):
        await history.record_start(job_id, "t", NOW, 1)
    for history in (first, second):
        assert {row.id for row in await history.recent()} == {"b", "c"}
        await history.aclose()


@asynccontextmanager
async def meanwhile(
    settings: Settings, upstream: Upstream, happens: Callable[[], Awaitable[None]]
) -> AsyncIterator[Client]:
    """Connect a client whose user says yes to every question, while something else happens."""

    async def agree(context: Any, params: ElicitRequestParams) -> ElicitResult:
        await happens()
        return ElicitResult(action="accept", content={"go_on": True})

    server = create_server(settings, transport=upstream)
    async with Client(server, mode="legacy", elicitation_callback=agree) as client:
        yield client


async def test_a_history_that_breaks_during_the_question_stops_the_call(
    make_settings: MakeSettings, path: Path
) -> None:
    async def destroy_it() -> None:
        connection = sqlite3.connect(path)
        connection.executescript("DROP TABLE jobs; CREATE TABLE jobs (something)")
        connection.close()

    settings = make_settings(MAX_CREDITS_PER_DAY=100, MAX_CREDITS=1, CONFIRM_ABOVE=0)
    upstream = Upstream(TTS.answer)
    async with meanwhile(settings, upstream, destroy_it) as client:
        for background in (True, False, False):  # what was reserved for a refused call is free again
            refused = failed(await client.call_tool(TTS.tool, {"text": "x", "background": background}))
            assert refused.startswith("disk_error: ")
    assert upstream.posts == 0


async def test_a_call_that_another_server_overtakes_is_refused_before_it_is_sent(
    make_settings: MakeSettings, path: Path
) -> None:
    async def overtake() -> None:
        other = History(path, BASE_URL)
        await other.record_start("other", "webvoice_tts", time.time(), 1)
        await other.aclose()

    upstream = Upstream(TTS.answer)
    async with meanwhile(make_settings(MAX_CREDITS_PER_DAY=1, CONFIRM_ABOVE=0), upstream, overtake) as client:
        said = failed(await client.call_tool(TTS.tool, {"text": "x"}))
    assert said.startswith(
        "budget_exceeded: This call would cost about 0.5 credits (as estimated), but only 0 of the 1 "
    )
    assert upstream.posts == 0
    assert [row["id"] for row in rows(path.parent)] == ["other"]


async def test_checking_before_the_question_refuses_what_cannot_fit(path: Path) -> None:
    async with opened(path, 5) as history:
        await history.check(Estimate(5, "five"))
        assert await start(history, "a", 3)
        with pytest.raises(BudgetExceeded, match=rf"about 3 credits \(three\), but only 2 of the 5 that {DAY} allows"):
            await history.check(Estimate(3, "three"))
        await history.check(FREE)
    put_folder(path)
    async with opened(path, 5) as history:
        await history.check(FREE)
        with pytest.raises(DiskError):
            await history.check(Estimate(1, "one"))


Fate = st.sampled_from(["running", "billed", "unknown", "refused"])


@pytest.mark.slow
@given(
    limit=st.integers(0, 12), calls=st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, 3.0, 7.0]), Fate), max_size=10)
)
def test_what_counts_never_passes_the_limit(
    tmp_path_factory: pytest.TempPathFactory, limit: int, calls: list[tuple[float, str]]
) -> None:
    path = tmp_path_factory.mktemp("limits") / "history.db"
    counted = 0.0

    async def run() -> None:
        nonlocal counted
        async with opened(path, limit) as one, opened(path, limit) as other:
            for number, (price, fate) in enumerate(calls):
                fits = price == 0 or counted + price <= limit
                assert await start((one, other)[number % 2], str(number), price) == fits
                if fits and fate != "running":
                    cost = {"billed": price, "unknown": None, "refused": 0.0}[fate]
                    await one.record_end(str(number), "done", cost, (), "")
                    counted += price if cost is None else cost
                elif fits:
                    counted += price
                assert counted <= limit

    anyio.run(run)
