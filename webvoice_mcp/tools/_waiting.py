"""Waiting for an order on behalf of a caller, who may lose patience, go away, or not want to wait at all."""

import time
from collections.abc import Awaitable, Callable

import anyio

from webvoice_mcp.orders.desk import Desk, Office
from webvoice_mcp.orders.jobs import Order
from webvoice_mcp.tools._progress import Progress
from webvoice_mcp.tools._results import JobStarted, Result


async def attend(order: Order, progress: Progress, event: anyio.Event, seconds: float) -> None:
    """Wait for an event of the order's, for so long at the most, while the caller hears how it goes."""
    deadline = time.monotonic() + seconds
    while not event.is_set() and (now := time.monotonic()) < deadline:
        with anyio.move_on_after(max(0.0, min(deadline, progress.due) - now)):
            await order.news()
        await progress.tell(order)


class CallDesk(Desk):
    """The desk for one MCP call, with what its caller wants to hear and how long it is kept waiting.

    Attributes:
        progress: where the caller hears how far the call is.
    """

    def __init__(self, office: Office, order: Order, progress: Progress, patience: float) -> None:
        """Make a desk.

        Args:
            patience: seconds until the caller gets a job's answer; 0 for never.
        """
        super().__init__(office, order)
        self.progress = progress
        self._patience = patience or float("inf")

    async def carry_out(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Start the order and wait for it; its result, or a job's answer where it goes on without its caller.

        Raises:
            WebVoiceError: what the order failed with while its caller waited.
        """
        order = self.order
        self.jobs.start(order, work)
        try:
            await attend(order, self.progress, order.settled, self._patience)
            if not order.background:
                await attend(order, self.progress, order.ended, self._patience - order.age)
            await self.progress.finish()
        except anyio.get_cancelled_exc_class():
            # What makes a file is carried to its end once it may cost something; text is nothing without a reader.
            if not (order.placed and order.outlives):
                order.withdraw()
            raise
        if not order.ended.is_set() or (order.background and order.placed):
            order.announced = True
            return JobStarted(job_id=order.id, state="running", files=[])
        outcome = order.result()
        assert isinstance(outcome, Result), "what tools make"  # noqa: S101 - a mistake of ours
        order.outcome = outcome.showing(())  # what stays for webvoice_jobs does without the pictures, which are large
        return outcome
