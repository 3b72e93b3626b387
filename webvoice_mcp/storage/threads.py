"""Worker threads for calls that block."""

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread

P = ParamSpec("P")
T = TypeVar("T")


class WorkerThreads:
    """Runs blocking functions in threads, a limited number at a time.

    anyio's default limiter is never used: the SDK reads stdin and writes stdout on it, and a blocked disk would stop
    the protocol.
    """

    def __init__(self, limit: int) -> None:
        self._limiter = anyio.CapacityLimiter(limit)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the function in a thread and return its result.

        A thread that has started is waited for, also when the caller's cancel scope is cancelled.
        """
        return await anyio.to_thread.run_sync(partial(function, *args, **kwargs), limiter=self._limiter)
