"""Asking the user before a call that costs more than they said they want to spend unasked."""

import hashlib
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from mcp.server.mcpserver import Context, Elicit, ElicitationResult
from mcp.server.request_state import AESGCMRequestStateCodec
from pydantic import BaseModel, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from webvoice_mcp.errors import Declined
from webvoice_mcp.orders.prices import Estimate
from webvoice_mcp.tools._quoting import CallQuotes

_STATE_LIVES = 900.0  # seconds; the SDK's sealed state is good for 600


_sealed_state = ContextVar("sealed_state", default="")


class OneTimeStates(AESGCMRequestStateCodec):
    """The SDK's sealing of what a client sends back with an answer, which also remembers what was sent.

    What is sealed is the same for the same question; only the sealed form tells one asking from another.
    """

    def unseal(self, token: str) -> bytes:
        """The state in a token that this process sealed."""
        _sealed_state.set(token)
        return super().unseal(token)


class Spend(BaseModel):
    """The user's answer."""

    go_on: bool = Field(strict=True, title="Go on", description="Spend the credits?")  # only a plain yes is one

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        # A form is its properties: MCP's schema for it knows no title and no description of the whole.
        return {name: value for name, value in handler(core).items() if name not in {"title", "description"}}


class Consent:
    """One yes pays for one call, also when the client sends the same sealed state twice."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: dict[bytes, float] = {}

    async def asked(
        self,
        context: Context[Any, Any],
        quotes: CallQuotes,
        tool: str,
        arguments: Mapping[str, Any],
        limit: float | None,
    ) -> Spend | Elicit[Spend]:
        """The question to put to the user, or the answer where none is needed.

        Args:
            limit: credits above which the user is asked; None for never.

        Raises:
            Declined: the user would have to be asked and cannot be, or a yes is used a second time.
            WebVoiceError: the call would be refused anyway.
        """
        if limit is None:
            return Spend(go_on=True)
        quote = await quotes.of_call(tool, arguments)
        if quote.credits is not None and quote.credits <= limit:
            return Spend(go_on=True)
        # The user is not asked for what will be refused.
        await quotes.of_call(tool, arguments, strict=True)
        quotes.check_budget(quote)
        price = _price(quote)
        if not _can_ask(context):
            raise Declined(
                f"{tool} would cost {price}, more than WEBVOICE_CONFIRM_ABOVE={limit:g} lets pass unasked, and this "
                "client cannot ask the user. Choose something cheaper, or let the person raise or unset that setting."
            )
        if context.request_state is not None:
            self._use(_sealed_state.get())
        return Elicit(f"{tool} will cost {price}. Go on?", Spend)

    def check(self, answer: ElicitationResult[Spend]) -> None:
        """See that the answer is a yes.

        Raises:
            Declined: it is none.
        """
        if answer.action != "accept" or not answer.data.go_on:
            raise no_yes()

    def _use(self, state: str) -> None:
        now = self._clock()
        self._used = {each: at for each, at in self._used.items() if now - at < _STATE_LIVES}
        digest = hashlib.sha256(state.encode()).digest()
        if digest in self._used:
            raise Declined(
                "That yes was for one call and has been used. Call the tool anew, so that the user is asked."
            )
        self._used[digest] = now


def no_yes() -> Declined:
    """The refusal where the user's answer is no yes, or no answer to the question at all."""
    return Declined("The user did not agree to the cost. Nothing was spent. Ask before you call it again.")


def _price(quote: Estimate) -> str:
    if quote.credits is None:
        return f"an unknown number of credits ({quote.basis})"
    return f"about {quote.credits:g} credits ({quote.basis})"


def _can_ask(context: Context[Any, Any]) -> bool:
    # A bare `elicitation: {}` stands for forms, the only kind there was before 2025-11-25.
    elicitation = context.client_capabilities.elicitation if context.client_capabilities else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)
