"""Estimates of calls before they are made. Nothing here costs credits."""

import math
import time
from collections.abc import Callable
from typing import Any

import anyio

from webvoice_mcp.client.client import Client
from webvoice_mcp.contract.chat import CHAT_MODELS, ChatModel, ChatRequest
from webvoice_mcp.contract.endpoint import Empty, PaidEndpoint, Request
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.errors import WebVoiceError

_MODELS_SECONDS = 3600.0


class Estimates:
    """Estimates by the documented prices, and by the service's list for a chat model that is not documented."""

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._listing = anyio.Lock()
        self._models: dict[str, float] = {}
        self._listed_at = -_MODELS_SECONDS

    async def estimate(
        self, endpoint: PaidEndpoint[Any, Any], request: Request, seconds: float | None, *, ask: bool
    ) -> Estimate:
        """Estimate a request.

        Args:
            seconds: the length of the recording that is sent along; None for none, or if it is not known.
            ask: ask the service, which is free, for the price of a model that is not documented.
        """
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
