"""Estimates of calls before they are made. Nothing here costs credits."""

import io
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio

from webvoice_mcp.client.client import Client
from webvoice_mcp.contract.chat import CHAT_MODELS, ChatModel, ChatRequest
from webvoice_mcp.contract.endpoint import Empty, PaidEndpoint, Request
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.errors import WebVoiceError
from webvoice_mcp.storage.threads import WorkerThreads

_LENGTH_SECONDS = 1.0
_MODELS_SECONDS = 3600.0


class Estimates:
    """Estimates by the documented prices, and by the service's list for a chat model that is not documented."""

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._threads = WorkerThreads(1)
        self._listing = anyio.Lock()
        self._models: dict[str, float] = {}
        self._listed_at = -_MODELS_SECONDS

    async def estimate(
        self, endpoint: PaidEndpoint[Any, Any], request: Request, recording: Path | None, *, ask: bool
    ) -> Estimate:
        """Estimate a request.

        Args:
            recording: the sound that is sent along, None for none.
            ask: ask the service, which is free, for the price of a model that is not documented.
        """
        seconds = await self._threads.run(_length, recording) if recording else None
        estimate = endpoint.price(request, seconds)
        if estimate.credits is None and isinstance(request, ChatRequest) and (ask or self._list_is_fresh):
            return await self._listed_price(request.model, estimate)
        return estimate

    @property
    def _list_is_fresh(self) -> bool:
        return bool(self._models) and self._clock() - self._listed_at < _MODELS_SECONDS

    async def _listed_price(self, model: str, unknown: Estimate) -> Estimate:
        async with self._listing:  # concurrent calls share one request
            failure = "" if self._list_is_fresh else await self._fetch_models()
        if failure:
            return Estimate(None, f"{unknown.basis}, and the service's list is not available: {failure}")
        if model not in self._models:
            return Estimate.of(None, "{model} has no price in the service's list of models", model=model)
        return Estimate.of(self._models[model], f"{self._models[model]:g} per request with {{model}}", model=model)

    async def _fetch_models(self) -> str:
        """Fetch the service's list; return the error code, "" for none."""
        try:
            listed = (await self._client.call(CHAT_MODELS, Empty())).models
        except WebVoiceError as error:
            return error.code
        self._models, self._listed_at = _prices(listed), self._clock()
        return ""


def _prices(models: list[ChatModel]) -> dict[str, float]:
    prices: dict[str, float] = {}
    for model in models:
        price = model.price
        if price is not None and math.isfinite(price):
            prices[model.id] = max(price, prices.get(model.id, 0))  # several providers may offer the same model
    return prices


class _TimeLimitedFile(io.FileIO):
    """A file that can be read for a second: the length of a damaged recording would be searched for minutes."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._deadline = time.monotonic() + _LENGTH_SECONDS

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes.

        Raises:
            OSError: the time is up, too.
        """
        if time.monotonic() > self._deadline:
            raise TimeoutError
        return super().readinto(buffer)


def _length(recording: Path) -> float | None:
    """Return how many seconds a recording plays, None if that is not known."""
    from tinytag import TinyTag, TinyTagException  # noqa: PLC0415 - only needed for a recording

    try:
        with io.BufferedReader(_TimeLimitedFile(recording)) as file:  # judged by content: the name may be wrong
            seconds = TinyTag.get(file_obj=file, tags=False).duration
    except (TinyTagException, OSError):
        return None
    return seconds if seconds and math.isfinite(seconds) and seconds > 0 else None
