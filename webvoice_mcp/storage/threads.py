"""Threads for calls that block, and for iterators that do."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread

P = ParamSpec("P")
T = TypeVar("T")

_READ_AHEAD = 16  # items that were read and not yet taken; then reading waits


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


class ThreadedIterator(AsyncIterator[T]):
    """Iterates over a blocking iterator in a thread of its own, which nothing has to wait for, not even the exit.

    An exception of the iterator is raised where the next item is asked for.
    """

    def __init__(self, items: Iterator[T], name: str) -> None:
        """Start to read.

        Args:
            name: the thread's name.
        """
        self._items = items
        self._loop = asyncio.get_running_loop()
        self._arrived: asyncio.Queue[tuple[T] | BaseException] = asyncio.Queue()
        self._room = threading.Semaphore(_READ_AHEAD)
        threading.Thread(target=self._read, name=name, daemon=True).start()

    async def __anext__(self) -> T:
        arrived = await self._arrived.get()
        if isinstance(arrived, BaseException):
            self._arrived.put_nowait(arrived)  # the end stays the end
            raise arrived
        self._room.release()
        return arrived[0]

    def _read(self) -> None:
        with suppress(RuntimeError):  # the event loop is closed
            try:
                for item in self._items:
                    self._room.acquire()
                    self._put((item,))
            except Exception as error:  # noqa: BLE001 - raised where the next item is asked for
                self._put(error)
            else:
                self._put(StopAsyncIteration())

    def _put(self, arrived: tuple[T] | BaseException) -> None:
        self._loop.call_soon_threadsafe(self._arrived.put_nowait, arrived)
