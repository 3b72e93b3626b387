"""Lists from the service, cached for an hour: for when it cannot be reached, and for completion, which cannot wait."""

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
from webvoice_mcp.jobs.history import iso_time
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.storage.threads import WorkerThreads

_MAX_AGE_SECONDS = 3600.0
_REFRESH_SECONDS = 10.0  # longest wait for a fresh value if there is a cached one
_PEEK_SECONDS = 1.5  # longest wait of completion
_RETRY_SECONDS = 60.0  # until completion asks again after a failure

# Errors that do not concern the caller, so that a cached value is as good as it was.
_TEMPORARY = (NoAnswer, RateLimited, ProviderUnavailable, ServerError, InvalidResponse, TimeoutError)

T = TypeVar("T")
Fetch = Callable[[Services], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class CachedValue(Generic[T]):
    """A value from the service.

    Attributes:
        fetched_at: seconds since the epoch.
        error_code: code of the error that kept it from being fetched again, "" for none.
    """

    value: T
    fetched_at: float
    error_code: str = ""

    def facts(self) -> dict[str, str]:
        """Return when it was fetched and, if it is not fresh, why."""
        fetched = iso_time(self.fetched_at)
        if not self.error_code:
            return {"fetched_at": fetched}
        note = f"The service did not answer just now ({self.error_code}); this is what it said at {fetched}."
        return {"fetched_at": fetched, "note": note}


class TTLCache:
    """Values of one running server by the function that fetches them. Another key sees none of them.

    Attributes:
        services: passed to the functions.
        threads: for those that read files.
    """

    def __init__(
        self,
        services: Services,
        *,
        clock: Callable[[], float] = time.time,
        refresh_seconds: float = _REFRESH_SECONDS,
        peek_seconds: float = _PEEK_SECONDS,
    ) -> None:
        self.services = services
        self.threads = WorkerThreads(1)
        self._clock = clock
        self._refresh_seconds = refresh_seconds
        self._peek_seconds = peek_seconds
        self._values: dict[Fetch[Any], tuple[str, CachedValue[Any]]] = {}
        self._failed_at: dict[Fetch[Any], float] = {}
        self._locks: defaultdict[Fetch[Any], anyio.Lock] = defaultdict(anyio.Lock)

    async def fetch(self, fetch: Fetch[T]) -> CachedValue[T]:
        """Fetch a value; if the service cannot be reached, return the cached one.

        Raises:
            WebVoiceError: as the function, if there is no cached value.
        """
        key = await self._key()
        cached = self._cached(fetch, key)
        if cached is None:
            return self._store(fetch, key, await fetch(self.services))
        try:
            with anyio.fail_after(self._refresh_seconds):
                return self._store(fetch, key, await fetch(self.services))
        except _TEMPORARY as error:
            return replace(cached, error_code=error.code if isinstance(error, WebVoiceError) else TimedOut.code)

    async def peek(self, fetch: Fetch[T]) -> T | None:
        """Return the cached value, or fetch it if that takes only a moment; None if it is not available."""
        try:
            with anyio.move_on_after(self._peek_seconds):
                return await self._cached_or_fetched(fetch)
        except WebVoiceError:
            pass
        self._failed_at[fetch] = self._clock()  # not reached if the caller cancelled, because the user types on
        return None

    async def _cached_or_fetched(self, fetch: Fetch[T]) -> T | None:
        async with self._locks[fetch]:  # one request, however fast the user types
            key = await self._key()
            cached = self._cached(fetch, key)
            if cached is not None:
                return cached.value
            if not key or self._is_within(self._failed_at.get(fetch, 0), _RETRY_SECONDS):
                return None
            return self._store(fetch, key, await fetch(self.services)).value

    async def _key(self) -> str:
        key = await self.services.keys.find()
        return key.value if key else ""

    def _store(self, fetch: Fetch[T], key: str, value: T) -> CachedValue[T]:
        cached = CachedValue(value, self._clock())
        self._values[fetch] = (key, cached)
        return cached

    def _cached(self, fetch: Fetch[T], key: str) -> CachedValue[T] | None:
        owner, cached = self._values.get(fetch, ("", None))
        is_usable = cached is not None and owner == key and self._is_within(cached.fetched_at, _MAX_AGE_SECONDS)
        return cached if is_usable else None

    def _is_within(self, since: float, seconds: float) -> bool:
        return 0 <= self._clock() - since <= seconds  # False if the clock was set back


class RunningServer:
    """Gives resources and completion, which the SDK calls without a context, the cache of the running server."""

    def __init__(self) -> None:
        self._caches: list[TTLCache] = []

    @property
    def cache(self) -> TTLCache:
        """The cache of the latest connection."""
        return self._caches[-1]

    @contextmanager
    def using(self, services: Services) -> Iterator[None]:
        """Provide a new cache for these services within the block."""
        cache = TTLCache(services)
        self._caches.append(cache)
        try:
            yield
        finally:
            self._caches.remove(cache)
