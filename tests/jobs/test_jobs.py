"""Jobs as tasks of the server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from pydantic import BaseModel

from tests.jobs.world import PATIENCE
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.errors import BadRequest
from webvoice_mcp.jobs.budget import Budget
from webvoice_mcp.jobs.history import History
from webvoice_mcp.jobs.job import Job
from webvoice_mcp.jobs.jobs import Jobs


class Made(BaseModel):
    number: int = 1


class Large(Made):
    text: str = "\u00e9" * (5 << 19)  # 5 MiB


async def make() -> Made:
    return Made()


async def refuse() -> Made:
    raise BadRequest("No.", status=400)


async def crash() -> Made:
    raise ZeroDivisionError


async def last_forever() -> Made:
    await anyio.sleep_forever()
    return Made()


class World:
    """Jobs, and the budget and history that they change."""

    def __init__(self, jobs: Jobs, history: History) -> None:
        self.jobs = jobs
        self.history = history
        self.budget = Budget(None)

    def submit(self, work: Callable[[], Awaitable[Made]], closed: Callable[[], Awaitable[None]] | None = None) -> Job:
        estimate = Estimate(2, "two")
        job = Job("t", estimate, self.budget.reserve(estimate))
        resources = AsyncExitStack()
        if closed:
            resources.push_async_callback(closed)

        async def start_and_work() -> Made:
            await self.history.record_start(job.id, job.tool, job.started_at, 2)
            job.start()
            return await work()

        self.jobs.submit(job, start_and_work, resources)
        return job

    async def started(self, job: Job) -> None:
        with anyio.fail_after(PATIENCE):
            while job.state == "submitted":
                await job.changed()

    async def finished(self, job: Job) -> None:
        with anyio.fail_after(PATIENCE):
            while not job.is_finished:
                await job.changed()


@asynccontextmanager
async def world(folder: Path, grace: float = 1) -> AsyncIterator[World]:
    history = History(folder / "history.db", "u")
    async with Jobs(history, grace=grace) as jobs:
        yield World(jobs, history)
    await history.aclose()


async def test_a_job_ends_by_itself_and_harms_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with world(tmp_path) as on:
        jobs = [on.submit(work) for work in (make, refuse, crash)]
        for job in jobs:
            await on.finished(job)
        assert on.jobs.all() == jobs[::-1]
        assert on.jobs.are_idle
        assert [(row.state, row.error) for row in await on.history.recent()] == [
            ("failed", "internal_error"),
            ("failed", "bad_request"),
            ("done", ""),
        ]
    assert [job.state for job in jobs] == ["done", "failed", "failed"]
    assert jobs[0].outcome() == Made()
    with pytest.raises(BadRequest):
        jobs[1].outcome()
    assert caplog.messages == ["t crashed"]
    assert "ZeroDivisionError" in caplog.text


async def test_a_refusal_costs_nothing_and_a_crash_counts_as_estimated(tmp_path: Path) -> None:
    async with world(tmp_path) as on:
        await on.finished(on.submit(refuse))
        assert (on.budget.spent, on.budget.reserved) == (0, 0)
        await on.finished(on.submit(crash))
        assert (on.budget.spent, on.budget.reserved) == (2, 0)


@pytest.mark.slow
async def test_only_the_latest_finished_jobs_are_remembered(tmp_path: Path) -> None:
    async with world(tmp_path) as on:
        jobs = [on.submit(make) for _ in range(203)]
        for job in jobs:
            await on.finished(job)
        assert on.jobs.find(jobs[-1].id) is jobs[-1]
        assert len(on.jobs.all()) == 200


async def test_a_cancelled_job_failed_and_a_cut_off_one_is_interrupted(tmp_path: Path) -> None:
    closed: list[str] = []

    async def close() -> None:
        await anyio.lowlevel.checkpoint()  # closing may take time, even after a cancellation
        closed.append("closed")

    async with world(tmp_path, grace=0.01) as on:
        cancelled, cut_off = on.submit(last_forever, close), on.submit(last_forever, close)
        for job in (cancelled, cut_off):
            await on.started(job)
        cancelled.cancel()
        await on.finished(cancelled)
        assert not on.jobs.are_idle
    assert [(job.state, job.error_code) for job in (cancelled, cut_off)] == [
        ("failed", "cancelled"),
        ("interrupted", "interrupted"),
    ]
    assert closed == ["closed", "closed"]
    with pytest.raises(anyio.get_cancelled_exc_class()):
        cut_off.outcome()


async def test_a_cancelled_server_waits_until_its_jobs_are_recorded(tmp_path: Path) -> None:
    with anyio.CancelScope() as server:
        async with world(tmp_path, grace=10) as on:
            job = on.submit(last_forever)
            await on.started(job)
            on.jobs.interrupt()
            server.cancel()
    assert job.state == "interrupted"
    history = History(tmp_path / "history.db", "u")
    assert [row.state for row in await history.recent()] == ["interrupted"]
    await history.aclose()


async def test_an_error_of_the_server_itself_is_not_hidden(tmp_path: Path) -> None:
    with pytest.RaisesGroup(ZeroDivisionError):
        async with Jobs(History(tmp_path / "history.db", "u"), grace=1):
            await crash()


async def test_a_job_whose_end_cannot_be_recorded_is_finished_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with world(tmp_path) as on:
        on.history.record_end = crash  # type: ignore[assignment, method-assign]  # takes no arguments, so it fails
        job = on.submit(make)
        await on.finished(job)
    assert job.state == "done"
    assert caplog.messages == ["t: its end could not be recorded"]


async def test_a_file_that_cannot_be_closed_costs_no_result_nor_job(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise OSError("Stale file handle")

    async with world(tmp_path) as on:
        other = on.submit(last_forever)
        job = on.submit(make, closed=fail)
        await on.finished(job)
        assert (job.state, other.is_finished, on.budget.reserved) == ("done", False, 2)
        assert [row.state for row in await on.history.recent()] == ["done", "running"]
        on.jobs.interrupt()
    assert caplog.messages == ["t: its files could not be closed"]


async def test_a_change_wakes_everybody_who_waits_for_it(tmp_path: Path) -> None:
    async with world(tmp_path) as on:
        job, woken = on.submit(last_forever), []

        async def wait() -> None:
            await on.finished(job)
            woken.append(1)

        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            job.cancel()
        assert woken == [1, 1]
        assert job.age >= 0


async def test_free_work_that_must_not_be_cut_off_outlives_its_caller(tmp_path: Path) -> None:
    release, done = anyio.Event(), []

    async def work() -> int:
        await release.wait()
        done.append(1)
        return 1

    async with world(tmp_path) as on:
        with anyio.move_on_after(0.01) as caller:
            await on.jobs.run_to_end(work)
        assert caller.cancelled_caught
        assert not on.jobs.are_idle
        release.set()
        assert await on.jobs.run_to_end(work) == 1
        with pytest.raises(ZeroDivisionError):
            await on.jobs.run_to_end(crash)
    assert done == [1, 1]


async def test_free_work_is_cut_off_when_the_server_is_forced_to_end(tmp_path: Path) -> None:
    async with world(tmp_path, grace=10) as on, anyio.create_task_group() as group:
        group.start_soon(on.jobs.run_to_end, last_forever)
        await anyio.wait_all_tasks_blocked()
        on.jobs.interrupt()
        group.cancel_scope.cancel()


async def test_remembered_results_are_bounded_in_all(tmp_path: Path) -> None:
    async def make_large() -> Large:
        return Large()

    async with world(tmp_path) as here:
        jobs = []
        for work in (make_large, make_large, refuse, make, make_large, make_large, make_large):
            jobs.append(here.submit(work))
            await here.finished(jobs[-1])
        await anyio.lowlevel.checkpoint()
        assert [here.jobs.find(job.id) is job for job in jobs] == [False, False, True, True, True, True, True]


async def test_the_last_result_is_remembered_however_large_it_is(tmp_path: Path) -> None:
    async def make_huge() -> Large:
        return Large(text="x" * (17 << 20))

    async with world(tmp_path) as here:
        jobs = [here.submit(make)]
        await here.finished(jobs[0])
        jobs.append(here.submit(make_huge))
        await here.finished(jobs[1])
        await anyio.lowlevel.checkpoint()
        assert [here.jobs.find(job.id) is job for job in jobs] == [False, True]
