"""Telling a caller who asked for it how far a call is."""

import time
from collections.abc import Callable
from typing import Any

from mcp.server.mcpserver import Context

from webvoice_mcp.orders.jobs import Order

_FIRST_BEAT = 0.8  # seconds; a caller who wants progress hears of it within one
_BEAT = 4.5  # and then at least every five
_GAP = 0.2  # seconds; a client is told of new text at most five times a second
_MIB = 1024 * 1024
_LEAST_RISE = 0.001


class Progress:
    """Progress of one call; silent unless the caller asked for it, and after the answer. The number only rises.

    An order only leaves word here. The caller's own request says it: a caller who does not read must not hold up
    what was ordered.
    """

    def __init__(
        self,
        context: Context[Any, Any],
        *,
        wake: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to tell.

        Args:
            wake: called when there is something new to say.
        """
        meta = context.request_context.meta or {}
        self.asked = meta.get("progress_token") is not None
        self._context = context
        self._wake = wake
        self._clock = clock
        self._text: list[str] = []
        self._text_due = clock()
        self._beat_due = clock() + _FIRST_BEAT
        self._last = 0.0

    @property
    def due(self) -> float:
        """When there will be something to say, on the clock; never, for a caller who did not ask."""
        if not self.asked:
            return float("inf")
        return min(self._beat_due, self._text_due) if self._text else self._beat_due

    async def text(self, piece: str) -> None:
        """A piece of text came; pieces that come close together are joined."""
        if self.asked:
            is_news = not self._text
            self._text.append(piece)
            if is_news:
                self._wake()

    async def tell(self, order: Order) -> None:
        """Say what is due: new text, or that the order goes on."""
        now = self._clock()
        if self._text and now >= self._text_due:
            await self.finish()
        elif self.asked and now >= self._beat_due:
            await self._beat(order)

    async def finish(self) -> None:
        """Say what text is still waiting to be said."""
        text = "".join(self._text)
        self._text.clear()
        if text:
            self._text_due = self._clock() + _GAP
            await self._say(self._last + len(text), None, text)

    async def _beat(self, order: Order) -> None:
        if not order.received:
            await self._say(order.age, None, f"{order.tool}: {order.age:.0f} s so far")
            return
        total = order.expected if order.expected and order.expected >= order.received else None
        of = f" of {total / _MIB:.1f}" if total else ""
        await self._say(order.received, total, f"{order.tool}: {order.received / _MIB:.1f}{of} MiB received")

    async def _say(self, progress: float, total: float | None, message: str) -> None:
        self._beat_due = self._clock() + _BEAT
        self._last = max(progress, self._last + _LEAST_RISE)
        await self._context.report_progress(self._last, total if total and total >= self._last else None, message)
