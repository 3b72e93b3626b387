"""What a call would cost, found out by making it up to the point where it would be ordered."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from pydantic import ValidationError

from webvoice_mcp.client.stream import OnText
from webvoice_mcp.contract.endpoint import Endpoint, Q, R, Request
from webvoice_mcp.errors import InvalidArgument
from webvoice_mcp.orders.desk import Delivery, Desk, Office, Wanted
from webvoice_mcp.orders.jobs import Order
from webvoice_mcp.orders.prices import FREE, Estimate
from webvoice_mcp.tools._arguments import given, readable
from webvoice_mcp.tools._toolset import Entry


class _Quoted(Exception):
    # No error: the way out of a tool whose price is known.
    def __init__(self, estimate: Estimate) -> None:
        super().__init__()
        self.estimate = estimate


class _QuotingDesk(Desk):
    """Takes an order's request and gives its price in place of carrying it out."""

    def __init__(self, office: Office, *, strict: bool) -> None:
        """Make a desk.

        Args:
            strict: whether what the order would be refused for is refused here, too.
        """
        super().__init__(office, Order(""))
        self._keys = office.keys
        self._quotes = office.quotes
        self._strict = strict

    async def call(self, endpoint: Endpoint[Q, R], request: Q) -> R:  # noqa: ARG002 - as the one that calls
        if self._strict:
            await self._keys.require()
        raise _Quoted(await self._quotes.of(request))

    async def stream(self, endpoint: Endpoint[Q, R], request: Q, on_text: OnText) -> R:  # noqa: ARG002 - as above
        return await self.call(endpoint, request)

    async def check(self, request: Request, wanted: Wanted) -> None:
        if self._strict:
            await super().check(request, wanted)
        raise _Quoted(await self._quotes.of(request))

    async def save(
        self,
        endpoint: Endpoint[Q, R],
        request: Q,
        wanted: Wanted,
        *,
        inputs: Sequence[str] = (),
        expected: int = 1,  # noqa: ARG002 - as above
    ) -> Delivery[R]:
        if self._strict:
            await super().check(request, wanted)
            async with AsyncExitStack() as stack:
                await self._body(stack, endpoint, request, inputs)
        raise _Quoted(await self._quotes.of(request))

    async def transcribe(
        self,
        endpoint: Endpoint[Q, R],  # noqa: ARG002 - as above
        request: Q,
        audio_path: str,
        wanted: Wanted,
    ) -> Delivery[R]:
        if self._strict:
            await self._keys.require()
        async with AsyncExitStack() as stack:
            source = await self._opened(stack, audio_path, "audio", "audio_path")
            if self._strict and wanted.path:
                await super().check(request, wanted)
            raise _Quoted(await self._quotes.of(request, source.path))


class CallQuotes:
    """Prices of tool calls."""

    def __init__(self, office: Office, entries: Mapping[str, Entry], lent: Mapping[str, Any]) -> None:
        """Make quotes.

        Args:
            entries: the tools by name.
            lent: what tools are lent besides the desk, by the name of the parameter.
        """
        self._office = office
        self._entries = entries
        self._lent = lent

    def check_budget(self, quote: Estimate) -> None:
        """Raise `BudgetExceeded` where there is no room for this."""
        self._office.budget.check(quote)

    async def of_call(self, name: str, arguments: Mapping[str, Any], *, strict: bool = False) -> Estimate:
        """What calling this tool with these arguments would cost. Nothing that could cost credits is sent.

        Args:
            strict: refuse also for a missing key, and for files that cannot be read or written.

        Raises:
            WebVoiceError: the call would be refused.
        """
        schemas = {each: entry.tool().parameters for each, entry in self._entries.items()}
        said = given(name, arguments, schemas)
        entry = self._entries[name]
        try:
            values = entry.tool().fn_metadata.validate_arguments(said)
        except ValidationError as error:
            raise readable(error, schemas[name]) from None
        if not entry.effect.spends:
            return FREE
        desk = _QuotingDesk(self._office, strict=strict)
        try:
            await entry.call(values, {**self._lent, "desk": desk})
        except _Quoted as quoted:
            return quoted.estimate
        raise InvalidArgument(f"{name} cannot be estimated.")  # pragma: no cover - every tool that spends has a desk
