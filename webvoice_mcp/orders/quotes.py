"""What a call will cost, asked before it is made. Nothing here costs credits."""

import io
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from webvoice_mcp.client.client import Client
from webvoice_mcp.contract.chat import CHAT_MODELS, ChatRequest, ModelFacts
from webvoice_mcp.contract.endpoint import Empty, Request
from webvoice_mcp.errors import WebVoiceError
from webvoice_mcp.orders.prices import Estimate, estimate

_LENGTH_SECONDS = 1.0  # to find out how long a recording plays; longer, and its price is not known
_LIST_HOLDS = 3600.0  # seconds that a list of models is good for


class Quotes:
    """Estimates by the documented prices; for a chat model that is not documented, by the service's list."""

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._threads = anyio.CapacityLimiter(1)  # never anyio's own limiter: stdin and stdout live on it
        self._listing = anyio.Lock()
        self._models: dict[str, float] = {}
        self._listed_at = -_LIST_HOLDS

    async def of(self, request: Request, recording: Path | None = None, *, ask: bool = True) -> Estimate:
        """What this request will cost.

        Args:
            recording: the sound that goes with it.
            ask: whether the service may be asked, for free, where the documentation does not say.
        """
        seconds = await self._seconds(recording) if recording else None
        found = estimate(request, seconds=seconds)
        if found.credits is None and isinstance(request, ChatRequest) and (ask or self._is_fresh):
            return await self._listed(request.model, found)
        return found

    @property
    def _is_fresh(self) -> bool:
        return bool(self._models) and self._clock() - self._listed_at < _LIST_HOLDS

    async def _listed(self, model: str, unknown: Estimate) -> Estimate:
        async with self._listing:  # one asks for all who want to know
            trouble = "" if self._is_fresh else await self._ask()
        if trouble:
            return Estimate(None, f"{unknown.basis}, and the service's list cannot be had: {trouble}")
        if model not in self._models:
            return Estimate(None, f"{model} has no price in the service's list of models")
        return Estimate(self._models[model], f"{self._models[model]:g} a request with {model}")

    async def _ask(self) -> str:
        try:
            listed = (await self._client.call(CHAT_MODELS, Empty())).models
        except WebVoiceError as error:
            return error.code
        self._models, self._listed_at = _prices(listed), self._clock()
        return ""

    async def _seconds(self, recording: Path) -> float | None:
        return await anyio.to_thread.run_sync(partial(_length, recording), limiter=self._threads)


def _prices(models: list[ModelFacts]) -> dict[str, float]:
    prices: dict[str, float] = {}
    for each in models:
        price = 0.0 if each.free else each.credits_per_request
        if price is not None and math.isfinite(price) and price >= 0:
            prices[each.id] = max(price, prices.get(each.id, 0))  # several providers may offer a model
    return prices


class _InTime(io.FileIO):
    """A file that can be read for so long: what only begins like a recording would be searched for minutes."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._until = time.monotonic() + _LENGTH_SECONDS

    def readinto(self, buffer: Any) -> int:
        """The next bytes.

        Raises:
            OSError: the time is over, too.
        """
        if time.monotonic() > self._until:
            raise TimeoutError
        return super().readinto(buffer)


def _length(recording: Path) -> float | None:
    from tinytag import TinyTag, TinyTagException  # noqa: PLC0415 - only where a recording is sent

    try:
        with io.BufferedReader(_InTime(recording)) as file:  # by content: the name may lie
            seconds = TinyTag.get(file_obj=file, tags=False).duration
    except (TinyTagException, OSError):
        return None
    return seconds if seconds and math.isfinite(seconds) and seconds > 0 else None
