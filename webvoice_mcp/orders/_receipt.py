"""The paperwork of one order: what is held, written down and settled, whatever way it ends."""

import anyio.lowlevel

from webvoice_mcp.contract.endpoint import Billed, Reply
from webvoice_mcp.errors import WebVoiceError
from webvoice_mcp.orders.budget import Reservation
from webvoice_mcp.orders.history import History
from webvoice_mcp.orders.jobs import Order
from webvoice_mcp.orders.prices import Estimate

_MOST_CREDITS = 1e9  # beyond that it is no bill


class Receipt:
    """Opened just before the request goes out; closed by the order when it has ended.

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

    async def open(self) -> None:
        """Write the order down, and let it be placed."""
        order = self._order
        order.close = self._close
        await self._history.begin(order.id, order.tool, order.started_at, self._estimate.credits)
        await anyio.lowlevel.checkpoint_if_cancelled()  # given up while it was written down: nothing is sent
        order.place()

    def of(self, reply: Reply) -> None:
        """Take the bill from an answer."""
        self._answered = True
        bill = reply if isinstance(reply, Billed) else getattr(reply, "webvoice", None)
        used = bill.credits_used if isinstance(bill, Billed) else None
        # A guard must not be undone by a number that is none.
        self.credits = used if used is not None and 0 <= used <= _MOST_CREDITS else None

    async def _close(self) -> None:
        order = self._order
        spent = 0.0 if self.credits is None and self._is_free(order) else self.credits
        # What an order in doubt cost is not known: it counts with what was expected.
        self._reservation.settle(self._reservation.credits if spent is None else spent)
        await self._history.end(order.id, order.fate, spent, self.files, order.code)

    def _is_free(self, order: Order) -> bool:
        refused = isinstance(order.outcome, WebVoiceError) and not order.outcome.billed
        return not order.placed or (refused and not self._answered)
