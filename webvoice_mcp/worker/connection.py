"""The server's side of the connection to one worker process, and the jobs in this process."""

import logging
from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
from anyio.abc import TaskGroup

from webvoice_mcp.jobs.job import Job
from webvoice_mcp.storage.threads import WorkerThreads
from webvoice_mcp.worker import frames
from webvoice_mcp.worker.channel import Channel, ChannelBroken

_log = logging.getLogger("webvoice_mcp")


class WorkerJob:
    """A job in the worker, as far as the server knows.

    Attributes:
        outcome: its outcome, once the worker has told it.
        is_accepted: True once the worker said that it carries the job out.
        is_lost: True once the worker can tell nothing more.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.outcome: frames.Outcome | None = None
        self.is_accepted = False
        self.is_lost = False


class Connection:
    """The connection to one worker process, and the jobs in it."""

    def __init__(self, channel: Channel, lines: AsyncIterator[bytes], idle_seconds: float, tasks: TaskGroup) -> None:
        self._channel = channel
        self._lines = lines
        self._tasks = tasks
        self._idle_seconds = idle_seconds
        self._sending = WorkerThreads(1)
        self._jobs: dict[str, WorkerJob] = {}
        self._changed = anyio.Event()
        self._is_closed = False

    def keep(self) -> None:
        """Let the time without a job begin anew, because a call is about to come."""
        self._changed.set()

    def add(self, job: Job) -> WorkerJob:
        """Take a job in; from now on the worker is not idle."""
        worker_job = self._jobs[job.id] = WorkerJob(job)
        worker_job.is_lost = self._is_closed
        job.is_in_worker = True
        job.cancel_in_worker = lambda: self._cancel(job)
        self._changed.set()
        job.notify()  # a server that ends waits for it no longer
        return worker_job

    def remove(self, worker_job: WorkerJob) -> None:
        """Forget a job."""
        self._jobs.pop(worker_job.job.id, None)
        self._changed.set()

    async def send(self, line: bytes, descriptors: list[int] | None = None) -> None:
        """Send a line.

        Raises:
            OSError: the worker is gone.
        """
        await self._sending.run(self._channel.send, line, descriptors)

    async def try_to_send(self, line: bytes) -> None:
        """Send a line that matters only if the worker is still there."""
        with suppress(OSError):
            await self.send(line)

    async def receive_all(self) -> None:
        """Pass on what the worker says, until it is gone."""
        try:
            async for line in self._lines:
                self._handle(line)
        except ChannelBroken:
            _log.warning("The worker process sent a line without an end, so its connection was closed.")
        self._is_closed = True
        for worker_job in self._jobs.values():
            worker_job.is_lost = True
            worker_job.job.notify()

    async def end_when_idle(self) -> None:
        """Close the connection once there has been no job for a while; the worker then ends."""
        while not self._is_closed:
            self._changed = anyio.Event()
            with anyio.move_on_after(float("inf") if self._jobs else self._idle_seconds):
                await self._changed.wait()
                continue
            self.close()

    def close(self) -> None:
        """Let go of the worker: it finishes its jobs and ends."""
        self._is_closed = True
        self._channel.close()

    def _cancel(self, job: Job) -> None:
        self._tasks.start_soon(self.try_to_send, frames.encode(frames.CANCEL, id=job.id))

    def _handle(self, line: bytes) -> None:
        try:
            frame = frames.decode(line, frames.ACCEPTED, frames.PROGRESS, frames.FINISHED)
            worker_job = self._jobs.get(str(frame.get("id")))
            if worker_job is None:
                return  # a job that nobody waits for any more
            match frame["type"]:
                case frames.ACCEPTED:
                    worker_job.is_accepted = True
                case frames.PROGRESS:
                    frames.apply_progress(worker_job.job, frame)
                case _:  # frames.FINISHED
                    frames.apply_progress(worker_job.job, frame)
                    worker_job.outcome = frames.read_outcome(frame)
                    worker_job.job.notify()
        except (frames.NotAFrame, KeyError, TypeError):
            _log.warning(
                "The worker process sent a line that is none of its messages. It was left out; its jobs go on."
            )
