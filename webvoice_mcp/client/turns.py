"""Taking turns: what has much to do without a pause lets others go on in between."""

import time

import anyio.lowlevel

_TURN = 0.005  # seconds


class Turns:
    """For a loop over pieces that may all be there at once."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    async def taken(self) -> None:
        """Pause for a moment if the turn has been long enough."""
        if time.perf_counter() - self._since > _TURN:
            await anyio.lowlevel.checkpoint()
            self._since = time.perf_counter()
