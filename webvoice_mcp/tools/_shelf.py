"""What the service listed, kept for an hour: for when it cannot be reached, and for completion, which cannot wait."""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import anyio

from webvoice_mcp.errors import (
    InvalidResponse,
    NoAnswer,
    ProviderUnavailable,
    RateLimited,
    ServerError,
    TimedOut,
    WebVoiceError,
)
from webvoice_mcp.orders.history import iso
from webvoice_mcp.tools._inject import App

_HOLDS = 3600.0  # seconds that what was fetched is good for
_PATIENCE = 10.0  # seconds to wait for news where something is at hand
_GLANCE = 1.5  # seconds that completion may wait
_REST = 60.0  # seconds until completion asks again after it got no answer

# Failures that say nothing of the caller: what was fetched before is as true as it was.
_PASSING = (NoAnswer, RateLimited, ProviderUnavailable, ServerError, InvalidResponse, TimeoutError)

T = TypeVar("T")
Fetch = Callable[[App], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """What was fetched.

    Attributes:
        fetched_at: seconds since the epoch.
        trouble: code of the failure that kept it from being fetched anew, "" for none.
    """

    value: T
    fetched_at: float
    trouble: str = ""

    def facts(self) -> dict[str, str]:
        """When it was fetched and, where it is not new, why."""
        fetched = iso(self.fetched_at)
        if not self.trouble:
            return {"fetched_at": fetched}
        note = f"The service gave no answer just now ({self.trouble}); this is what it said at {fetched}."
        return {"fetched_at": fetched, "note": note}


class Shelf:
    """What one running server fetched, by the function that fetches it. Another key sees nothing of it."""

    def __init__(
        self,
        app: App,
        *,
        clock: Callable[[], float] = time.time,
        patience: float = _PATIENCE,
        glance: float = _GLANCE,
    ) -> None:
        self.app = app
        self.threads = anyio.CapacityLimiter(1)  # never anyio's own limiter: stdin and stdout live on it
        self._clock = clock
        self._patience = patience
        self._glance = glance
        self._kept: dict[Fetch[Any], tuple[str, Kept[Any]]] = {}
        self._failed: dict[Fetch[Any], float] = {}
        self._asking: defaultdict[Fetch[Any], anyio.Lock] = defaultdict(anyio.Lock)

    async def read(self, fetch: Fetch[T]) -> Kept[T]:
        """Fetch something; where the service cannot be reached, what was fetched within the hour.

        Raises:
            WebVoiceError: as `fetch`.
        """
        owner = await self._owner()
        kept = self._found(fetch, owner)
        if kept is None:
            return self._keep(fetch, owner, await fetch(self.app))
        try:
            with anyio.fail_after(self._patience):
                return self._keep(fetch, owner, await fetch(self.app))
        except _PASSING as error:
            return replace(kept, trouble=error.code if isinstance(error, WebVoiceError) else TimedOut.code)

    async def glance(self, fetch: Fetch[T]) -> T | None:
        """What was fetched within the hour, else what can be had at once; None where that is nothing."""
        try:
            with anyio.move_on_after(self._glance):
                return await self._at_once(fetch)
        except WebVoiceError:
            pass
        self._failed[fetch] = self._clock()  # not where the caller cancelled: people type on
        return None

    async def _at_once(self, fetch: Fetch[T]) -> T | None:
        async with self._asking[fetch]:  # one request for all keys that somebody types
            owner = await self._owner()
            kept = self._found(fetch, owner)
            if kept is not None:
                return kept.value
            if not owner or self._within(self._failed.get(fetch, 0), _REST):
                return None
            return self._keep(fetch, owner, await fetch(self.app)).value

    async def _owner(self) -> str:
        key = await self.app.office.keys.find()
        return key.value if key else ""

    def _keep(self, fetch: Fetch[T], owner: str, value: T) -> Kept[T]:
        kept = Kept(value, self._clock())
        self._kept[fetch] = (owner, kept)
        return kept

    def _found(self, fetch: Fetch[T], owner: str) -> Kept[T] | None:
        of, kept = self._kept.get(fetch, ("", None))
        return kept if kept is not None and of == owner and self._within(kept.fetched_at, _HOLDS) else None

    def _within(self, since: float, seconds: float) -> bool:
        return 0 <= self._clock() - since <= seconds  # a clock that was set back says nothing


class Running:
    """The shelf of a server while it runs, for what the SDK calls without a context: resources and completion."""

    def __init__(self) -> None:
        self._shelves: list[Shelf] = []

    @property
    def shelf(self) -> Shelf:
        """That of the last connection."""
        return self._shelves[-1]

    @contextmanager
    def lending(self, app: App) -> Iterator[None]:
        """Lend a shelf as long as this lasts."""
        shelf = Shelf(app)
        self._shelves.append(shelf)
        try:
            yield
        finally:
            self._shelves.remove(shelf)
