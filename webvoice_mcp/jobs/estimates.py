"""Estimates of calls before they are made. Nothing here costs credits."""

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
    """Estimates by the documented prices, and by the service's list for a chat model that is not documented.

    A chat model that was billed above its price is taken to cost that much from then on, so that one that is called
    free cannot go on spending below a limit.
    """

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._listing = anyio.Lock()
        self._models: dict[str, float | None] = {}
        self._billed: dict[str, float] = {}
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
        if not isinstance(request, ChatRequest):
            return estimate
        if estimate.credits is None and (ask or self._list_is_fresh):
            estimate = await self._listed_price(request.model, estimate)
        billed = self._billed.get(request.model, 0)
        if estimate.credits is not None and billed > estimate.credits:
            return Estimate.of(billed, f"{billed:g} per request with {{model}}, as it was billed", model=request.model)
        return estimate

    def learn(self, request: Request, billed: float | None) -> None:
        """Take note of what a call was billed at, None if that is not known."""
        if isinstance(request, ChatRequest) and billed is not None:
            self._billed[request.model] = max(billed, self._billed.get(request.model, 0))

    @property
    def _list_is_fresh(self) -> bool:
        return bool(self._models) and self._clock() - self._listed_at < _MODELS_SECONDS

    async def _listed_price(self, model: str, unknown: Estimate) -> Estimate:
        async with self._listing:  # concurrent calls share one request
            failure = "" if self._list_is_fresh else await self._fetch_models()
        if failure:
            return Estimate(None, f"{unknown.basis}, and the service's list is not available: {failure}")
        price = self._models.get(model)
        if price is None:
            return Estimate.of(None, "{model} has no price in the service's list of models", model=model)
        return Estimate.of(price, f"{price:g} per request with {{model}}", model=model)

    async def _fetch_models(self) -> str:
        """Fetch the service's list; return the error code, "" for none."""
        try:
            listed = (await self._client.call(CHAT_MODELS, Empty())).models
        except WebVoiceError as error:
            return error.code
        self._models, self._listed_at = _prices(listed), self._clock()
        return ""


def _prices(models: list[ChatModel]) -> dict[str, float | None]:
    """Return each model's price: the highest of its providers, None if one of them is not known."""
    prices: dict[str, float | None] = {}
    for model in models:
        known, price = prices.get(model.id, 0.0), model.price
        prices[model.id] = None if known is None or price is None else max(price, known)
    return prices
