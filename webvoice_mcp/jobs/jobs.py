"""The jobs of this server run, as tasks that go on whatever becomes of the requests that submitted them."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import anyio
from anyio.abc import TaskGroup
from pydantic import BaseModel

from webvoice_mcp.errors import WebVoiceError
from webvoice_mcp.jobs.history import History
from webvoice_mcp.jobs.job import Job

_log = logging.getLogger("webvoice_mcp")

# Finished jobs whose results are kept in memory; the history knows the others.
_REMEMBERED = 200
_REMEMBERED_BYTES = 16 << 20  # of their results as JSON

T = TypeVar("T")


class Jobs:
    """Runs jobs and remembers them. A context manager: leaving it waits for unfinished jobs."""

    def __init__(self, history: History, *, grace: float) -> None:
        """Prepare an empty list of jobs.

        Args:
            grace: seconds that unfinished jobs get when the server ends.
        """
        self._history = history
        self._grace = grace
        self._jobs: dict[str, Job] = {}
        self._sizes: dict[str, int] = {}  # bytes of the results of finished jobs, as JSON
        self._uncancelled: set[_Uncancelled[Any]] = set()
        self._tasks: TaskGroup
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._tasks = await self._stack.enter_async_context(anyio.create_task_group())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        with anyio.CancelScope(shield=True), anyio.move_on_after(self._grace):
            for job in self._unfinished():
                while not (job.is_finished or job.is_in_worker):
                    await job.changed()
            for task in list(self._uncancelled):
                await task.finished.wait()
        for job in self._jobs.values():
            job.scope.cancel()
        self.interrupt()
        self._tasks.cancel_scope.cancel()
        return await self._stack.__aexit__(kind, error, trace)

    def submit(self, job: Job, work: Callable[[], Awaitable[BaseModel]], resources: AsyncExitStack) -> None:
        """Start a job.

        Of one that a worker process carries out, only its copy here ends with the server.

        Args:
            work: carries it out and returns the result. It records the start in the history.
            resources: closed when the work has ended and before anybody hears of that.
        """
        self._jobs[job.id] = job
        self._tasks.start_soon(self._run, job, work, resources)

    async def run_to_end(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run something free that must not be cut off when its caller is cancelled, and return its result."""
        task = _Uncancelled(work)
        self._uncancelled.add(task)
        self._tasks.start_soon(self._run_uncancelled, task)
        await task.finished.wait()
        return task.result()

    def find(self, job_id: str) -> Job | None:
        """Return a job of this run."""
        return self._jobs.get(job_id)

    def all(self) -> list[Job]:
        """Return the jobs of this run, the newest first. Calls that were refused are no jobs."""
        return [job for job in reversed(self._jobs.values()) if job.was_sent or job.was_announced]

    @property
    def are_idle(self) -> bool:
        """True if nothing is running."""
        return not self._unfinished() and not self._uncancelled

    def interrupt(self) -> None:
        """Cut off everything that is running."""
        for job in self._unfinished():
            job.scope.cancel()
        for task in self._uncancelled:
            task.scope.cancel()

    def _unfinished(self) -> list[Job]:
        return [job for job in self._jobs.values() if not job.is_finished and not job.is_in_worker]

    async def _run(self, job: Job, work: Callable[[], Awaitable[BaseModel]], resources: AsyncExitStack) -> None:
        try:
            with job.scope:
                job.result = await work()
        except WebVoiceError as error:
            job.fail(error)
        except Exception as error:  # noqa: BLE001 - a bug in one job must not end the others
            _log.exception("%s crashed", job.tool)
            job.fail(error)
        finally:
            if job.result is None and not job.error_code:
                job.fail(None)
            with anyio.CancelScope(shield=True):
                await self._close(job, resources)
                await self._finish(job)

    async def _close(self, job: Job, resources: AsyncExitStack) -> None:
        try:
            await resources.aclose()
        except Exception:  # noqa: BLE001 - the result is there, and other jobs go on
            _log.exception("%s: its files could not be closed", job.tool)

    async def _run_uncancelled(self, task: "_Uncancelled[Any]") -> None:
        try:
            await task.run()
        finally:
            self._uncancelled.discard(task)
            task.finished.set()

    async def _finish(self, job: Job) -> None:
        cost = job.cost
        at_most = job.at_most if cost is None else None
        # The cost of a call in doubt is not known, so its estimate counts.
        job.reservation.settle((at_most or 0.0) if cost is None else cost)
        files = tuple(file.path for file in job.files)
        try:
            if not job.is_in_worker:
                await self._history.record_end(
                    job.id, job.final_state, cost, files, job.error_code, at_most=at_most, saved=job.files
                )
        except Exception:  # noqa: BLE001 - a history that fails must not end other jobs
            _log.exception("%s: its end could not be recorded", job.tool)
        finally:
            job.finish()
            self._sizes[job.id] = len(job.result.model_dump_json().encode()) if job.result is not None else 0
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        finished = [job_id for job_id in self._jobs if job_id in self._sizes]
        total = sum(self._sizes.values())
        for job_id in finished[:-1]:  # somebody may still fetch the result of the last one
            if len(self._sizes) <= _REMEMBERED and total <= _REMEMBERED_BYTES:
                break
            total -= self._sizes.pop(job_id)
            del self._jobs[job_id]


class _Uncancelled(Generic[T]):
    """A task whose result is wanted even if whoever asked for it is gone."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self.finished = anyio.Event()
        self.scope = anyio.CancelScope()
        self._work = work
        self._result: T
        self._error: BaseException | None = anyio.get_cancelled_exc_class()()

    async def run(self) -> None:
        try:
            with self.scope:
                self._result = await self._work()
                self._error = None
        except Exception as error:  # noqa: BLE001 - raised where the result is asked for
            self._error = error

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result
