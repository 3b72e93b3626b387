"""The worker itself: it takes calls from its server, carries them out, and ends when it has nothing to do."""

import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing, suppress
from dataclasses import replace
from typing import Any

import anyio
from anyio.abc import TaskGroup
from pydantic import BaseModel

from webvoice_mcp import __version__
from webvoice_mcp.client.auth import ApiKey
from webvoice_mcp.client.redaction import key_ending
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.files import Files
from webvoice_mcp.jobs.batch import PaidBatch
from webvoice_mcp.jobs.call import PaidCall
from webvoice_mcp.jobs.job import Job
from webvoice_mcp.jobs.run import run_agreed
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.jobs.worker_process import AgreedCall
from webvoice_mcp.storage.threads import WorkerThreads
from webvoice_mcp.studio.recordings import MAX_PIECE_SECONDS
from webvoice_mcp.worker import frames
from webvoice_mcp.worker.channel import Channel, ChannelBroken, lines_of

_log = logging.getLogger("webvoice_mcp")

_REPORT_SECONDS = 0.5  # between reports of how much of an answer has come
_FLUSH_SECONDS = 2.0  # for what is still to be sent at the end
_MARGIN_SECONDS = 60.0  # beyond the longest request, for work on this computer between two of them

Function = Callable[..., Awaitable[PaidCall[Any] | PaidBatch[Any]]]


async def serve(
    channel: Channel, services: Services, find_function: Callable[[str], Function], use_key: Callable[[ApiKey], None]
) -> None:
    """Carry out calls until the server is gone and all jobs are done, or until SIGTERM.

    Args:
        services: those of this process. Their budget has no limit: the server has reserved what a job may cost.
        find_function: finds the function of a paid tool by the tool's name.
        use_key: takes the key for the context that it is called in, which is that of one job.
    """
    with closing(channel):
        async with anyio.create_task_group() as tasks:
            async with services.jobs:  # inside of the group, so that the ends of jobs are told
                server = _Server(channel, services, find_function, use_key, tasks)
                tasks.start_soon(_end_on_signals, server)
                async with anyio.create_task_group() as sending:
                    sending.start_soon(server.send_all)
                    await server.receive_all()
                    await server.wait_for_jobs()
                    server.close()
                    sending.cancel_scope.deadline = anyio.current_time() + _FLUSH_SECONDS
            tasks.cancel_scope.cancel()


class _AgreedCaller:
    """The caller of a call that was agreed to: it asks nobody, and the server tells whoever waits.

    Attributes:
        tool: name of the tool.
        arguments: its arguments as JSON.
        wants_text: False, since no chat is carried out here.
    """

    wants_text = False

    def __init__(self, call: AgreedCall) -> None:
        self.tool = call.tool
        self.arguments = call.arguments

    async def confirm(self, estimate: Estimate) -> None:
        """Do nothing: the price was agreed to."""

    async def send_text(self, piece: str) -> None:
        """Do nothing: media have no text to show."""

    async def wait(self, job: Job, *, background: bool) -> None:
        """Do nothing: nobody waits here."""


class _Server:
    """The server as its worker sees it."""

    def __init__(
        self,
        channel: Channel,
        services: Services,
        find_function: Callable[[str], Function],
        use_key: Callable[[ApiKey], None],
        tasks: TaskGroup,
    ) -> None:
        self._tasks = tasks
        self._channel = channel
        self._services = services
        self._find_function = find_function
        self._use_key = use_key
        self._sending = WorkerThreads(1)
        self._outgoing, self._to_send = anyio.create_memory_object_stream[bytes](float("inf"))
        self._jobs: dict[str, Job] = {}
        self._told: dict[str, frames.Frame] = {}  # the last progress of each job
        self._reading = anyio.CancelScope()

    async def send_all(self) -> None:
        """Send what is to be told, as long as there is somebody to tell."""
        self._tell(frames.READY, version=__version__)
        with suppress(OSError), self._to_send:
            async for line in self._to_send:
                await self._sending.run(self._channel.send, line)

    async def receive_all(self) -> None:
        """Do what the server says until it is gone, or a signal has come."""
        with self._reading:
            try:
                async for line in lines_of(self._channel):
                    self._handle(line)
            except ChannelBroken:
                _log.warning("The server sent a line without an end, so its connection was closed.")
        for job in self._jobs.values():
            job.set_reader(is_there=False)

    async def wait_for_jobs(self) -> None:
        """Wait for all jobs. One that shows no progress for longer than a request may take is cut off."""
        # A recording may take the service as long as it plays, if that is more than WEBVOICE_TIMEOUT.
        patience = max(self._services.settings.timeout, MAX_PIECE_SECONDS) + _MARGIN_SECONDS
        seen, since = self._progress(), time.monotonic()
        while self._jobs:  # the end of each is told before it is forgotten
            await anyio.sleep(_REPORT_SECONDS / 5)
            if (now := self._progress()) != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > patience:
                _log.warning("Jobs were cut off, because they showed no progress for %g s.", patience)
                self._services.jobs.interrupt()
                since = float("inf")

    def end(self) -> None:
        """Cut off all jobs, and end."""
        self._services.jobs.interrupt()
        self._reading.cancel()

    def close(self) -> None:
        """Tell nothing more, once everything that is to be told was sent."""
        self._outgoing.close()

    def _progress(self) -> list[tuple[str, str, int, int]]:
        return [(job.id, job.state, job.received, job.parts_done) for job in self._jobs.values()]

    def _tell(self, kind: str, **fields: Any) -> None:
        with suppress(anyio.BrokenResourceError):  # the server is gone
            self._outgoing.send_nowait(frames.encode(kind, **fields))

    def _handle(self, line: bytes) -> None:
        try:
            frame = frames.decode(line, frames.JOB, frames.CANCEL, frames.READER)
            match frame["type"]:
                case frames.JOB:
                    descriptors = self._channel.take_descriptors(int(frame["descriptors"]))
                    self._start_or_refuse(frame, descriptors)
                case frames.CANCEL:
                    self._cancel(str(frame["id"]))
                case _:  # frames.READER
                    if job := self._jobs.get(str(frame["id"])):
                        job.set_reader(is_there=bool(frame["is_there"]))
        except (frames.NotAFrame, KeyError, TypeError, ValueError):
            _log.warning("The server sent a line that is none of its messages. It was left out; jobs go on.")

    def _start_or_refuse(self, frame: frames.Frame, descriptors: list[int]) -> None:
        try:
            call = frames.read_job(frame, descriptors)
        except frames.NotAFrame:
            if job_id := frame.get("id"):  # its server waits for it
                self._tell(frames.FINISHED, **frames.refused_fields(str(job_id)))
            raise
        self._start(call)

    def _start(self, call: AgreedCall) -> None:
        self._use_key(call.api_key)
        job = Job(
            call.tool,
            call.estimate,
            self._services.budget.reserve(call.estimate),
            key=key_ending(call.api_key.value),
            id=call.job_id,
            started_at=call.started_at,
        )
        self._jobs[job.id] = job
        self._tell(frames.ACCEPTED, id=job.id)
        files = Files(self._services.settings, call.inputs)
        services = replace(self._services, files=files)

        async def work() -> BaseModel:
            paid = await self._find_function(call.tool)(**call.arguments)
            return await run_agreed(paid, services, _AgreedCaller(call), job, call.digest)

        resources = AsyncExitStack()
        resources.callback(files.close_handed)
        self._services.jobs.submit(job, work, resources)
        self._tasks.start_soon(self._report, job)

    def _cancel(self, job_id: str) -> None:
        job = self._jobs.get(job_id)
        if job is not None and job.state == "submitted":  # media that are being made are saved for later
            job.cancel()

    async def _report(self, job: Job) -> None:
        while not job.is_finished:
            if await self._tell_progress(job):
                continue  # it may have changed meanwhile
            with anyio.move_on_after(_REPORT_SECONDS):
                await job.changed()
        await self._tell_progress(job)
        self._tell(frames.FINISHED, **frames.finished_fields(job))
        del self._jobs[job.id], self._told[job.id]

    async def _tell_progress(self, job: Job) -> bool:
        """Tell how far a job has come, and return True if that was new."""
        progress = frames.progress_fields(job)
        if progress == self._told.get(job.id):
            return False
        self._told[job.id] = progress
        self._tell(frames.PROGRESS, **progress)
        await self._services.history.record_parts(job.id, job.parts, job.parts_done)
        return True


async def _end_on_signals(server: _Server) -> None:
    if sys.platform == "win32":  # pragma: no cover - a process without a console gets no signals there
        return
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        async for number in signals:
            if number != signal.SIGHUP:  # a terminal that closes is no reason
                server.end()
