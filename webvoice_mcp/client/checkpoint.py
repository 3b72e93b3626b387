"""Checkpoints for loops that may run for long without waiting."""

import time

import anyio.lowlevel

_INTERVAL_SECONDS = 0.005


class Checkpointer:
    """Yields to the event loop at intervals, in a loop whose pieces may all be available at once."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    async def checkpoint(self) -> None:
        """Yield to the event loop if it last did so more than 5 ms ago."""
        if time.perf_counter() - self._last > _INTERVAL_SECONDS:
            await anyio.lowlevel.checkpoint()
            self._last = time.perf_counter()
