"""Worker threads for calls that block."""

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread

P = ParamSpec("P")
T = TypeVar("T")


class WorkerThreads:
    """Runs blocking functions in a limited number of threads.

    It does not use anyio's default limiter: the SDK's reads of stdin and writes to stdout count against that one, and a
    blocked disk would stop the protocol.
    """

    def __init__(self, limit: int) -> None:
        self._limiter = anyio.CapacityLimiter(limit)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the function in a thread and return its result.

        If the caller's cancel scope is cancelled, a thread that has started is still waited for.
        """
        return await anyio.to_thread.run_sync(partial(function, *args, **kwargs), limiter=self._limiter)
