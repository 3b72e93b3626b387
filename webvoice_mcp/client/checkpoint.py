"""Checkpoints for loops that may run long without waiting for anything."""

import time

import anyio.lowlevel

_INTERVAL_SECONDS = 0.005


class Checkpointer:
    """Yields to the event loop now and then, for a loop over pieces that may all be there at once."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    async def checkpoint(self) -> None:
        """Yield to the event loop if the last time was more than 5 ms ago."""
        if time.perf_counter() - self._last > _INTERVAL_SECONDS:
            await anyio.lowlevel.checkpoint()
            self._last = time.perf_counter()
