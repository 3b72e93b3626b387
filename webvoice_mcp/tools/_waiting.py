"""Waiting for an order on behalf of a caller, who may lose patience, go away, or not want to wait at all."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from webvoice_mcp.orders.desk import Desk, Office
from webvoice_mcp.orders.jobs import Order
from webvoice_mcp.tools._progress import Progress
from webvoice_mcp.tools._results import JobStarted, Result

_FIRST_BEAT = 0.9  # seconds; a caller who wants progress hears of it within one
_BEAT = 4.5  # and then at least every five

T = TypeVar("T")


class CallDesk(Desk):
    """The desk for one MCP call, with what its caller wants to hear and how long it is kept waiting.

    Attributes:
        progress: where the caller hears how far the call is.
    """

    def __init__(self, office: Office, order: Order, progress: Progress, patience: float) -> None:
        super().__init__(office, order)
        self.progress = progress
        self._patience = patience

    async def carry_out(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Start the order and wait for it; its result, or a job's answer where it goes on without its caller.

        Raises:
            WebVoiceError: what the order failed with while its caller waited.
        """
        order = self.order
        deadline = time.monotonic() + self._patience if self._patience else float("inf")
        self.jobs.start(order, work)
        try:
            await self._until(order.settled, deadline)
            if not order.background:
                await self._until(order.ended, deadline)
        except anyio.get_cancelled_exc_class():
            # What makes a file is carried to its end once it may cost something; text is nothing without a reader.
            if not (order.placed and order.outlives):
                order.scope.cancel()
            raise
        finally:
            self.progress.close()
        if not order.ended.is_set():
            return JobStarted(job_id=order.id, state=order.state, files=[])
        outcome = order.result()
        assert isinstance(outcome, Result), "what tools make"  # noqa: S101 - a mistake of ours
        return outcome

    async def _until(self, event: anyio.Event, deadline: float) -> None:
        beat = time.monotonic() + _FIRST_BEAT
        while not event.is_set():
            now = time.monotonic()
            if now >= deadline:
                return
            with anyio.move_on_after(max(0.0, min(beat, deadline) - now)):
                await event.wait()
            if not event.is_set() and time.monotonic() >= beat:
                await self.progress.beat(self.order)
                beat = time.monotonic() + _BEAT
