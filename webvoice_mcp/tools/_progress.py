"""Telling a caller who asked for it how far a call is."""

import time
from collections.abc import Callable
from typing import Any

from mcp.server.mcpserver import Context

from webvoice_mcp.orders.jobs import Order

_GAP = 0.1  # seconds; a client is told of new text at most ten times a second
_MIB = 1024 * 1024


class Progress:
    """Progress of one call; silent unless the caller asked for it, and after the answer. The number only rises."""

    def __init__(self, context: Context[Any, Any], *, clock: Callable[[], float] = time.monotonic) -> None:
        meta = context.request_context.meta or {}
        self.asked = meta.get("progress_token") is not None
        self._context = context
        self._clock = clock
        self._open = True
        self._said_at = clock() - _GAP
        self._waiting: list[str] = []
        self._last = 0.0

    async def text(self, piece: str) -> None:
        """A piece of text that came; pieces that come close together are joined."""
        self._waiting.append(piece)
        if self._clock() - self._said_at >= _GAP:
            await self.flush()

    async def flush(self) -> None:
        """Say what text is still waiting to be said."""
        text = "".join(self._waiting)
        self._waiting.clear()
        if text:
            self._said_at = self._clock()
            await self._say(self._last + len(text), None, text)

    async def beat(self, order: Order) -> None:
        """Say that an order goes on: the time passed, and what came of its answer."""
        seconds = time.time() - order.started_at
        if not order.received:
            await self._say(seconds, None, f"{order.tool}: {seconds:.0f} s so far")
            return
        total = order.expected if order.expected and order.expected >= order.received else None
        of = f" of {total / _MIB:.1f}" if total else ""
        await self._say(order.received, total, f"{order.tool}: {order.received / _MIB:.1f}{of} MiB received")

    def close(self) -> None:
        """Say nothing more: the answer goes out, or the caller is gone."""
        self._open = False

    async def _say(self, progress: float, total: float | None, message: str) -> None:
        if self._open and self.asked:
            self._last = max(progress, self._last + 0.001)
            await self._context.report_progress(self._last, total, message)
