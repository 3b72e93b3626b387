"""The paperwork of one order: what is held, written down and settled, whatever way it ends."""

from types import TracebackType
from typing import Self

import anyio

from webvoice_mcp.contract.endpoint import Billed, Reply
from webvoice_mcp.errors import WebVoiceError
from webvoice_mcp.orders.budget import Reservation
from webvoice_mcp.orders.history import History
from webvoice_mcp.orders.jobs import Order
from webvoice_mcp.orders.prices import Estimate


class Receipt:
    """Entered when the request goes out; left when the order has ended.

    Attributes:
        credits: what the service said that it cost, None where it did not say.
        files: absolute paths of what came of it.
    """

    def __init__(self, order: Order, estimate: Estimate, reservation: Reservation, history: History) -> None:
        self.credits: float | None = None
        self.files: tuple[str, ...] = ()
        self._order = order
        self._estimate = estimate
        self._reservation = reservation
        self._history = history
        self._answered = False

    def of(self, reply: Reply) -> None:
        """Take the bill from an answer."""
        bill = reply if isinstance(reply, Billed) else getattr(reply, "webvoice", None)
        self._answered = True
        self.credits = bill.credits_used if isinstance(bill, Billed) else None

    async def __aenter__(self) -> Self:
        await self._history.begin(self._order.id, self._order.tool, self._estimate.credits)
        self._order.place()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        surely_free = isinstance(error, WebVoiceError) and not error.billed and not self._answered
        held = self._reservation.credits
        self._reservation.settle(self.credits if self.credits is not None else 0.0 if surely_free else held)
        state = "done" if error is None else "failed"
        code = error.code if isinstance(error, WebVoiceError) else "" if error is None else "cancelled"
        spent = 0.0 if surely_free else self.credits
        with anyio.CancelScope(shield=True):
            await self._history.end(self._order.id, state, spent, self.files, code)
