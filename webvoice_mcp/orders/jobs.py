"""Orders as tasks of the server: they go on whatever becomes of the request that asked for them."""

import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import TaskGroup
from pydantic import BaseModel

from webvoice_mcp.errors import WebVoiceError

_log = logging.getLogger("webvoice_mcp")

_KEPT = 200  # ended orders whose results are remembered; the history knows the rest

Work = Callable[[], Awaitable[BaseModel]]
Close = Callable[[], Awaitable[None]]


@dataclass(eq=False, slots=True)
class Order:
    """One call of a tool that may cost credits, from its checks to its end.

    Attributes:
        outlives: whether it goes on when its caller is gone: what it makes can be fetched later.
        started_at: seconds since the epoch.
        background: whether its caller does not want to wait.
        announced: whether its caller was given its id.
        placed: whether everything was checked and the request went out.
        withdrawn: whether its caller gave it up.
        settled: set when it was placed, or ended without.
        ended: set when there is an outcome, and that is written down.
        received: bytes of the answer that came.
        expected: bytes of the answer in all, None where the service does not say.
        outcome: the result, or the failure; None before the end. An order that was cut off has the cancellation.
        close: writes the end down; None where there is nothing to write.
    """

    tool: str
    outlives: bool = True
    id: str = field(default_factory=lambda: f"job_{secrets.token_hex(8)}")
    started_at: float = field(default_factory=time.time)
    background: bool = False
    announced: bool = False
    placed: bool = False
    withdrawn: bool = False
    settled: anyio.Event = field(default_factory=anyio.Event)
    ended: anyio.Event = field(default_factory=anyio.Event)
    received: int = 0
    expected: int | None = None
    outcome: BaseModel | BaseException | None = None
    close: Close | None = None
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    _began: float = field(default_factory=time.monotonic)
    _news: anyio.Event = field(default_factory=anyio.Event)

    @property
    def age(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._began

    @property
    def state(self) -> str:
        """running, or its fate."""
        return self.fate if self.ended.is_set() else "running"

    @property
    def fate(self) -> str:
        """How it ended: done, failed, or interrupted, where the server ended before it did."""
        if isinstance(self.outcome, BaseModel):
            return "done"
        return "interrupted" if self.code == "interrupted" else "failed"

    @property
    def code(self) -> str:
        """Code of the failure, "" for none."""
        match self.outcome:
            case WebVoiceError(code=code):
                return code
            case Exception() if not isinstance(self.outcome, anyio.get_cancelled_exc_class()):
                return "internal_error"
            case BaseException():
                return "cancelled" if self.withdrawn else "interrupted"
            case _:
                return ""

    def place(self) -> None:
        """From now on credits may be spent."""
        self.placed = True
        self.settled.set()
        self.stir()

    def withdraw(self) -> None:
        """Its caller gives it up."""
        self.withdrawn = True
        self.scope.cancel()

    def end(self) -> None:
        """There is an outcome."""
        self.settled.set()
        self.ended.set()
        self.stir()

    def watch(self, received: int, expected: int | None) -> None:
        """Note how much of the answer came."""
        self.received, self.expected = received, expected

    def stir(self) -> None:
        """Wake those who wait for news."""
        news, self._news = self._news, anyio.Event()
        news.set()

    async def news(self) -> None:
        """Wait until something happens to it."""
        await self._news.wait()

    def result(self) -> BaseModel:
        """The outcome of an order that has ended.

        Raises:
            BaseException: what it failed with.
        """
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        assert self.outcome is not None, "only of an order that has ended"  # noqa: S101 - a mistake of ours
        return self.outcome


class Jobs:
    """The orders of this server run. Entered when the server starts; left when it ends, after what is running."""

    def __init__(self, *, grace: float) -> None:
        """Make an empty book.

        Args:
            grace: seconds that running orders get at the end.
        """
        self._grace = grace
        self._orders: dict[str, Order] = {}
        self._tasks: TaskGroup
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._tasks = await self._stack.enter_async_context(anyio.create_task_group())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        with anyio.CancelScope(shield=True), anyio.move_on_after(self._grace):
            for order in self.running():
                await order.ended.wait()
        self._tasks.cancel_scope.cancel()
        return await self._stack.__aexit__(kind, error, trace)

    def start(self, order: Order, work: Work) -> None:
        """Begin an order; its outcome is set whatever happens."""
        self._orders[order.id] = order
        self._tasks.start_soon(self._carry_out, order, work)

    def find(self, order: str) -> Order | None:
        """An order of this run."""
        return self._orders.get(order)

    def all(self) -> list[Order]:
        """Orders of this run that were placed or whose callers know of them, the newest first."""
        return [each for each in reversed(self._orders.values()) if each.placed or each.announced]

    def running(self) -> list[Order]:
        """Orders that have not ended."""
        return [each for each in self._orders.values() if not each.ended.is_set()]

    async def _carry_out(self, order: Order, work: Work) -> None:
        try:
            with order.scope:
                order.outcome = await work()
        except WebVoiceError as error:
            order.outcome = error
        except Exception as error:  # noqa: BLE001 - a bug: it belongs to the one who waits, not to all other orders
            _log.exception("%s crashed", order.tool)
            order.outcome = error
        finally:
            if order.outcome is None:
                order.outcome = anyio.get_cancelled_exc_class()()
            with anyio.CancelScope(shield=True):
                await self._end(order)

    async def _end(self, order: Order) -> None:
        try:
            if order.close is not None:
                await order.close()
        finally:
            order.end()
            self._forget()

    def _forget(self) -> None:
        ended = [each for each in self._orders.values() if each.ended.is_set()]
        refused = [each for each in ended if not each.placed and not each.announced]
        for each in refused + [each for each in ended if each.placed or each.announced][:-_KEPT]:
            del self._orders[each.id]
