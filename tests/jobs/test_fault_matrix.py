"""Whatever fails in a paid call: at most one request, the file whole or absent, the history right."""

import errno
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from tests.jobs.world import KINDS, PATIENCE, Paid, Upstream, last_job, left, made_in, put_inputs, rows, settled_rows
from tests.support import MakeSettings, connected, failed, fields
from tests.worker.inside import connected_with_worker

MODES = ("legacy", "auto")
pytestmark = [
    pytest.mark.wide,
    pytest.mark.parametrize("paid", KINDS, ids=lambda paid: paid.tool.removeprefix("webvoice_")),
]


class World:
    """A server with a budget of 100 credits, and its folders."""

    def __init__(self, client: Client, upstream: Upstream, folder: Path) -> None:
        self.client = client
        self.upstream = upstream
        self.out = folder / "out"
        self.state = folder / "state"

    async def cancel_call(self, paid: Paid, when: anyio.Event) -> None:
        """Call, and cancel the call when an event happens."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.client.call_tool, paid.tool, paid.arguments)
            await when.wait()
            group.cancel_scope.cancel()

    async def until_quiet(self) -> None:
        """Wait until no job is running and no file is incomplete; a worker needs a moment after its last word."""
        with anyio.fail_after(PATIENCE):
            while self._is_busy():  # noqa: ASYNC110 - nothing tells of files
                await anyio.sleep(0.01)

    def _is_busy(self) -> bool:
        is_running = any(row["state"] == "running" for row in rows(self.state))
        return is_running or any(name.endswith(".part") for name in made_in(self.out))

    async def check(self, paid: Paid, job: dict[str, Any], *, posts: int, spent: float | None, counted: float) -> None:
        """Check requests, files, history, budget and usage."""
        assert self.upstream.posts == posts
        assert not [name for name in made_in(self.out) if name.endswith(".part")]
        (row,) = rows(self.state)
        assert (row["id"], row["tool"], row["state"], row["credits"]) == (job["id"], paid.tool, job["state"], spent)
        assert row["estimate"] == paid.estimate
        assert row["error"] == job.get("error", {}).get("code")
        assert await left(self.client) == pytest.approx(100 - counted)
        used = fields(await self.client.call_tool("webvoice_usage", {}))
        assert used["total_credits"] == round(spent or 0.0, 2)
        listed = fields(await self.client.call_tool("webvoice_jobs", {}))["jobs"]
        assert listed == [job]


@pytest.fixture(params=["in the server", "in the worker"])
def world(make_settings: MakeSettings, tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    connect = connected if request.param == "in the server" else connected_with_worker

    @asynccontextmanager
    async def make(paid: Paid, mode: str = "auto", **how: Any) -> AsyncIterator[World]:
        put_inputs(tmp_path / "out")
        upstream = Upstream(paid.answer, **how)
        async with connect(make_settings(MAX_CREDITS=100, INLINE_IMAGES=0), upstream, mode) as client:
            yield World(client, upstream, tmp_path)

    return make


@pytest.mark.parametrize("mode", MODES)
async def test_a_successful_call_is_billed_once_and_recorded(world: Any, paid: Paid, mode: str) -> None:
    async with world(paid, mode) as on:
        result = fields(await on.client.call_tool(paid.tool, paid.arguments))
        job = await last_job(on.client)
        assert job["result"] == result
        assert made_in(on.out) == ({paid.file: paid.content} if paid.file else {})
        assert rows(on.state)[0]["files"] == (f'["{on.out / paid.file}"]' if paid.file else "[]")
        await on.check(paid, job, posts=1, spent=paid.credits, counted=paid.credits)


async def test_a_call_cancelled_before_its_request_sends_nothing(world: Any, paid: Paid) -> None:
    async with world(paid) as on:
        fields(await on.client.call_tool("webvoice_jobs", {}))  # creates the history
        writer = sqlite3.connect(on.state / "history.db", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")  # the record of the start has to wait
        never = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(on.client.call_tool, paid.tool, paid.arguments)
            with anyio.move_on_after(0.15):  # longer than the checks take
                await never.wait()
            group.cancel_scope.cancel()
        assert fields(
            await on.client.call_tool("webvoice_account_links", {})
        )  # answered after the cancellation has arrived
        await anyio.sleep(0.2)  # and in a worker
        writer.execute("COMMIT")
        writer.close()
        fields(await on.client.call_tool("webvoice_jobs", {}))  # waits until the record is written
        await on.until_quiet()
        recorded = [(row["state"], row["error"], row["credits"], row["files"]) for row in await settled_rows(on.state)]
        # On a very busy machine the call may not have come as far as the history.
        assert recorded in ([("failed", "cancelled", 0.0, "[]")], [])
        assert on.upstream.asked == []
        assert made_in(on.out) == {}
        with anyio.fail_after(PATIENCE):
            while await left(on.client) != 100:  # noqa: ASYNC110 - the server hears of the end after the history
                await anyio.sleep(0.01)


@pytest.mark.parametrize("hold", ["head", "body"])
async def test_a_running_call_that_is_cancelled_saves_media_and_drops_text(world: Any, paid: Paid, hold: str) -> None:
    async with world(paid, hold=hold) as on:
        await on.cancel_call(paid, on.upstream.here)
        if paid.outlives:
            on.upstream.release.set()
            job = await last_job(on.client)
            assert job["state"] == "done"
            assert made_in(on.out) == {paid.file: paid.content}
            await on.check(paid, job, posts=1, spent=paid.credits, counted=paid.credits)
        else:
            job = await last_job(on.client)
            assert (job["state"], job["error"]["code"]) == ("failed", "cancelled")
            assert on.upstream.closed == 1
            await on.check(paid, job, posts=1, spent=None, counted=paid.estimate)


@pytest.mark.parametrize(
    ("fault", "code", "cost_is_unknown"),
    [
        ({"fail": "head"}, "network_error", True),
        ({"fail": "start"}, "invalid_response", True),
        ({"fail": "middle"}, "invalid_response", True),
        ({"status": 500}, "server_error", True),
        ({"status": 402}, "insufficient_credits", False),
        ({"status": 400}, "bad_request", False),
    ],
    ids=["dropped before", "dropped after the head", "dropped in the body", "500", "402", "400"],
)
async def test_a_failure_of_the_service_is_reported_recorded_and_counted(
    world: Any, paid: Paid, fault: dict[str, Any], code: str, cost_is_unknown: bool
) -> None:
    async with world(paid, **fault) as on:
        message = failed(await on.client.call_tool(paid.tool, paid.arguments))
        assert message.startswith(f"{code}: ")
        job = await last_job(on.client)
        assert job["error"] == {"code": code, "message": message.removeprefix(f"{code}: ")}
        assert made_in(on.out) == {}
        counted = paid.estimate if cost_is_unknown else 0
        await on.check(paid, job, posts=1, spent=None if cost_is_unknown else 0.0, counted=counted)


async def test_a_full_disk_leaves_no_file_and_the_call_counts(
    world: Any, paid: Paid, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def full(descriptor: int, data: Any) -> int:
        if bytes(data)[:1] in {paid.content[:1], b"G"} and paid.file:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data)

    async with world(paid, hold="head") as on:
        async with anyio.create_task_group() as group:
            answers: list[Any] = []

            async def call() -> None:
                answers.append(await on.client.call_tool(paid.tool, paid.arguments))

            group.start_soon(call)
            await on.upstream.here.wait()
            monkeypatch.setattr(os, "write", full)
            on.upstream.release.set()
        monkeypatch.undo()
        job = await last_job(on.client)
        assert made_in(on.out) == {}
        if paid.path == "stt/":
            assert fields(answers[0])["text"] == "Good day"
            assert fields(answers[0])["note"].startswith("The text could not be saved: Cannot write ")
        elif paid.file:
            assert failed(answers[0]).startswith("disk_error: Cannot write ")
        is_billed = paid.path == "stt/" or not paid.file
        spent = paid.credits if is_billed else None
        await on.check(paid, job, posts=1, spent=spent, counted=paid.credits if is_billed else paid.estimate)


async def test_a_folder_that_is_removed_meanwhile_leaves_no_partial_file(world: Any, paid: Paid) -> None:
    async with world(paid, hold="body") as on:
        async with anyio.create_task_group() as group:
            group.start_soon(on.client.call_tool, paid.tool, paid.arguments)
            await on.upstream.here.wait()
            shutil.rmtree(on.out)
            on.upstream.release.set()
        job = await last_job(on.client)
        there = made_in(on.out)
        assert there in ({}, {paid.file: paid.content})
        assert [Path(file["path"]).name for file in job.get("result", {}).get("files", [])] == list(there)
        await on.check(paid, job, posts=1, spent=paid.credits, counted=paid.credits)


async def test_two_calls_at_once_are_two_jobs_with_a_file_each(world: Any, paid: Paid) -> None:
    without_path = {name: value for name, value in paid.arguments.items() if name != "output_path"}
    for arguments in (
        paid.arguments,
        {**without_path, "output_path": ""} if "output_path" in paid.arguments else without_path,
    ):
        async with world(paid) as on:
            before = len(rows(on.state)) if (on.state / "history.db").exists() else 0
            found: list[dict[str, Any]] = []

            async def call(on: World, arguments: dict[str, Any], found: list[dict[str, Any]]) -> None:
                found.append(fields(await on.client.call_tool(paid.tool, arguments)))

            async with anyio.create_task_group() as group:
                for _ in range(2):
                    group.start_soon(call, on, arguments, found)
            assert on.upstream.posts == 2
            files = [file["path"] for result in found for file in result.get("files", [])]
            assert len(set(files)) == len(files)
            made = made_in(on.out)
            assert [made[Path(path).name] for path in files] == [paid.content] * len(files)
            own = rows(on.state)[before:]
            assert [row["state"] for row in own] == ["done", "done"]
            assert sum(row["credits"] for row in own) == 2 * paid.credits
            assert await left(on.client) == pytest.approx(100 - 2 * paid.credits)
        shutil.rmtree(on.out)
