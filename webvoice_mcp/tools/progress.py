"""Progress notifications of one call."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio

from webvoice_mcp.client.stream import TEXT_INTERVAL_SECONDS
from webvoice_mcp.jobs.job import Job

if TYPE_CHECKING:  # the worker process imports families of tools, and does without the SDK
    from mcp.server.mcpserver import Context

_FIRST_SECONDS = 0.8  # a caller who wants progress gets the first notification within a second
_INTERVAL_SECONDS = 4.5  # and then one at least every five seconds
_QUIET_SECONDS = 0.1  # before the answer: TypeScript's SDK drops a notification that it reads together with the answer
_MIB = 1024 * 1024
_MIN_STEP = 0.001


class Progress:
    """Sends progress notifications if the caller asked for them. The number only rises.

    A job only stores text here. The caller's own request sends it, so that a caller who does not read cannot block
    the job.

    Attributes:
        is_wanted: True if the caller asked for progress.
        on_text: called when there is new text to send.
    """

    def __init__(self, context: "Context[Any, Any]", *, clock: Callable[[], float] = time.monotonic) -> None:
        meta = context.request_context.meta or {}
        self.is_wanted = meta.get("progress_token") is not None
        self.on_text: Callable[[], None] = lambda: None
        self._context = context
        self._clock = clock
        self._text: list[str] = []
        self._text_due = clock()
        self._status_due = clock() + _FIRST_SECONDS
        self._last = 0.0
        self._sent_at = float("-inf")
        self._parts_sent = 0

    @property
    def due(self) -> float:
        """Time, on the clock, of the next notification; infinity for a caller who did not ask."""
        if not self.is_wanted:
            return float("inf")
        return min(self._status_due, self._text_due) if self._text else self._status_due

    def add_text(self, piece: str) -> None:
        """Store a piece of text; pieces that come in quick succession are sent together."""
        if self.is_wanted:
            is_first = not self._text
            self._text.append(piece)
            if is_first:
                self.on_text()

    async def send_due(self, job: Job) -> None:
        """Send what is due: new text, or that the job goes on."""
        now = self._clock()
        if self._text and now >= self._text_due:
            await self._send_text()
        elif self.is_wanted and (now >= self._status_due or job.parts_done > self._parts_sent > 0):
            await self._send_status(job)

    async def send_amount(self, done: int, doing: str) -> None:
        """Send how many bytes local work has written, if the next notification is due."""
        if self._clock() >= self.due:
            await self._send(done, None, f"{doing}: {done / _MIB:.1f} MiB written")

    async def finish(self) -> None:
        """Send the text that is still stored, and return when the answer may follow the last notification."""
        await self._send_text()
        await anyio.sleep(max(0.0, self._sent_at + _QUIET_SECONDS - self._clock()))

    async def _send_text(self) -> None:
        text = "".join(self._text)
        self._text.clear()
        if text:
            self._text_due = self._clock() + TEXT_INTERVAL_SECONDS
            await self._send(self._last + len(text), None, text)

    async def _send_status(self, job: Job) -> None:
        if job.parts > 1:
            self._parts_sent = job.parts_done
        await self._send(*status(job))

    async def _send(self, progress: float, total: float | None, message: str) -> None:
        self._status_due = self._clock() + _INTERVAL_SECONDS
        self._last = max(progress, self._last + _MIN_STEP)
        await self._context.report_progress(self._last, total if total and total >= self._last else None, message)
        self._sent_at = self._clock()


def status(job: Job) -> tuple[float, float | None, str]:
    """Return how far a running job is: the amount, the whole amount if that is known, and both in words."""
    if job.parts > 1:
        return job.parts_done, job.parts, f"{job.tool}: {job.parts_done} of {job.parts} parts"
    if not job.received:
        return job.age, None, f"{job.tool}: {job.age:.0f} s so far"
    total = job.expected if job.expected and job.expected >= job.received else None
    of = f" of {total / _MIB:.1f}" if total else ""
    return job.received, total, f"{job.tool}: {job.received / _MIB:.1f}{of} MiB received"


async def follow(job: Job, progress: Progress, *, until: Callable[[], bool], deadline: float) -> None:
    """Send a job's progress until a condition holds or the deadline (on the monotonic clock) passes.

    Returns when the answer may be sent: after what is left of the text, and not at once after a notification.
    """
    while not until() and (now := time.monotonic()) < deadline:
        with anyio.move_on_after(max(0.0, min(deadline, progress.due) - now)):
            await job.changed()
        await progress.send_due(job)
    await progress.finish()
