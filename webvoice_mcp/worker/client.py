"""The worker as its server sees it: started when first needed, and ended when there is nothing to do."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup
from pydantic import BaseModel

from webvoice_mcp import __version__
from webvoice_mcp.client.auth import Keys
from webvoice_mcp.errors import WebVoiceError
from webvoice_mcp.jobs.job import Job, WorkerEnded
from webvoice_mcp.jobs.services import GRACE_SECONDS
from webvoice_mcp.jobs.worker_process import AgreedCall
from webvoice_mcp.storage.threads import WorkerThreads
from webvoice_mcp.worker import frames
from webvoice_mcp.worker.channel import Channel, ChannelBroken, lines_of
from webvoice_mcp.worker.connection import Connection, WorkerJob

_log = logging.getLogger("webvoice_mcp")

IDLE_SECONDS = 60.0
"""Seconds without a job after which the worker is ended."""

_START_SECONDS = 30.0  # for a busy computer; it takes a quarter of a second
_ENDED = (
    "The worker process that ran this call ended before it was done. Credits may have been spent: see"
    " webvoice_usage. Nothing is sent again. Parts of long work are kept: the same call goes on with what is missing."
)
_NOT_SENT = "The worker process ended before it carried out this call. Nothing was sent. Call it again."

Start = Callable[[], Channel]


class Worker:
    """At most one worker process at a time. A context manager: leaving it lets go of the process, which finishes its
    jobs and ends.
    """

    def __init__(
        self,
        keys: Keys,
        results: Mapping[str, type[BaseModel]],
        start: Start,
        *,
        idle_seconds: float | None = None,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            keys: learn which keys the service refused.
            results: the type of each paid tool's result.
            start: starts the process and returns the connection to it, or raises an `OSError`. It may block.
            idle_seconds: seconds without a job after which the worker is ended.
        """
        self.takes_descriptors = False
        self._keys = keys
        self._results = results
        self._start = start
        self._idle_seconds = IDLE_SECONDS if idle_seconds is None else idle_seconds
        self._connection: Connection | None = None
        self._is_refused = False
        self._started: anyio.Event | None = None
        self._tasks: TaskGroup
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._tasks = await self._stack.enter_async_context(anyio.create_task_group())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if self._connection is not None:
            self._connection.close()
        self._tasks.cancel_scope.cancel()
        return await self._stack.__aexit__(kind, error, trace)

    async def is_ready(self) -> bool:
        """Start the process if it is not running. Return False if there can be none: that is said once on stderr."""
        if self._connection is None and not self._is_refused:
            if self._started is None:  # concurrent calls share one worker
                self._started = anyio.Event()
                self._tasks.start_soon(self._connect, self._started)
            await self._started.wait()
        if self._connection is not None:
            self._connection.keep()
        return self._connection is not None

    async def run(self, job: Job, call: AgreedCall) -> BaseModel:
        """Hand the call over, follow the job, and return the tool's result.

        Raises:
            WebVoiceError: the call was refused, or failed.
            WorkerEnded: the process ended before the job did.
        """
        connection = self._connection
        try:
            await anyio.lowlevel.checkpoint_if_cancelled()  # from here on the job is cancelled in the worker
            if connection is None:
                raise WorkerEnded(_NOT_SENT)
            worker_job = connection.add(job)
            try:
                with anyio.CancelScope(shield=True):  # half a line would end the connection
                    await connection.send(*frames.job_frame(call))
            except OSError:
                connection.close()  # the next call starts another worker
        finally:
            call.close()
        return await self._result(await self._follow(worker_job, connection), job, call.api_key.value)

    async def _follow(self, worker_job: WorkerJob, connection: Connection) -> frames.Outcome:
        job, has_reader = worker_job.job, True
        try:
            while worker_job.outcome is None and not worker_job.is_lost:
                if has_reader != job.has_reader:
                    has_reader = job.has_reader
                    await connection.try_to_send(frames.encode(frames.READER, id=job.id, is_there=has_reader))
                else:
                    await job.changed()
        finally:
            connection.remove(worker_job)
        if worker_job.outcome is None:
            raise self._ended(worker_job)
        return worker_job.outcome

    def _ended(self, worker_job: WorkerJob) -> WorkerEnded:
        job = worker_job.job
        if not (worker_job.is_accepted or job.was_sent):  # the worker says so before it begins
            job.is_in_worker = False
            return WorkerEnded(_NOT_SENT)
        job.was_sent = True  # it may have been
        return _ended_after_acceptance()

    async def _result(self, outcome: frames.Outcome, job: Job, api_key: str) -> BaseModel:
        job.files, job.worker_cost = outcome.files, outcome.cost
        error = outcome.error
        if outcome.result is not None:
            return self._results[job.tool].model_validate(outcome.result)
        if isinstance(error, WebVoiceError) and error.status is not None:
            self._keys.take_note(api_key, error.status)
        if outcome.code == "cancelled":
            job.scope.cancel()
            await anyio.lowlevel.checkpoint()
        raise error or (_ended_after_acceptance() if job.was_sent else WorkerEnded(_NOT_SENT))

    async def _connect(self, started: anyio.Event) -> None:
        try:
            with anyio.CancelScope(shield=True):  # else a process that was started would be lost
                channel = await WorkerThreads(1).run(self._start)
            try:
                lines = lines_of(channel)
                reason = await _reason_not_to_use(lines)
            except BaseException:
                channel.close()
                raise
            if reason:
                channel.close()
                self._refuse(reason)
            else:
                self.takes_descriptors = channel.takes_descriptors
                self._connection = Connection(channel, lines, self._idle_seconds, self._tasks)
                self._tasks.start_soon(self._run, self._connection)
        except OSError as error:
            self._refuse(error.strerror or str(error))
        finally:
            self._started = None
            started.set()

    def _refuse(self, reason: str) -> None:
        self._is_refused = True
        _log.warning(
            "No worker process could be started (%s), so calls run in this server, which waits at most %g seconds for"
            " them when it ends. If no worker is wanted, set WEBVOICE_WORKER=0.",
            reason,
            GRACE_SECONDS,
        )

    async def _run(self, connection: Connection) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(connection.end_when_idle)
            await connection.receive_all()
            tasks.cancel_scope.cancel()
        connection.close()
        self._connection = None  # the next paid call starts another one


async def _reason_not_to_use(lines: AsyncIterator[bytes]) -> str:
    """Wait until the process says that it is ready. Return "" if it can be used, else the reason."""
    with anyio.move_on_after(_START_SECONDS), suppress(frames.NotAFrame, ChannelBroken):
        line = await anext(lines, None)
        if line is None:
            return "it ended at once; see worker.log in the state folder"
        version = frames.decode(line, frames.READY).get("version")
        return "" if version == __version__ else f"it is of version {version}, this server of {__version__}"
    return "it did not say that it is ready"


def _ended_after_acceptance() -> WorkerEnded:
    error = WorkerEnded(_ENDED)
    error.billed = True
    return error
