"""What a handler sees of a request, and how a handler gets its door on the outside."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import Response

from webvoice_mcp.contract.endpoint import Endpoint
from webvoice_mcp.sandbox.database import Database, Holder
from webvoice_mcp.sandbox.engines import EngineUnavailable, InvalidInput
from webvoice_mcp.sandbox.faults import Faults
from webvoice_mcp.sandbox.inbox import Inbox
from webvoice_mcp.sandbox.replies import ApiError
from webvoice_mcp.sandbox.security import key_of

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """All that outlives a request; `workers` bounds how many engines run at a time."""

    database: Database
    inbox: Inbox
    faults: Faults
    clock: Callable[[], float]
    workers: CapacityLimiter
    fault_paths: frozenset[str]


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    sandbox: Sandbox
    request: Request

    @property
    def now(self) -> float:
        """Seconds since 1970 by the sandbox's clock."""
        return self.sandbox.clock()

    @property
    def site(self) -> str:
        """The address under which the caller reached the sandbox, without a final slash."""
        return str(self.request.base_url).rstrip("/")

    @property
    def ip(self) -> str:
        """The caller's address."""
        return self.request.client.host if self.request.client else "unknown"

    def holder(self) -> Holder:
        """Whose key came with the request.

        Raises:
            ApiError: 401.
        """
        holder = self.sandbox.database.use_key(key_of(self.request), self.now)
        if holder is None:
            raise ApiError(401, "The API key is not valid.")
        return holder

    async def work(self, engine: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an engine in a thread.

        Raises:
            ApiError: 503 when it is not installed, 400 when it cannot use the input.
        """

        def run() -> T | ApiError:
            try:
                return engine(*args, **kwargs)
            except EngineUnavailable as error:
                return ApiError(503, str(error))
            except InvalidInput as error:
                return ApiError(400, str(error))

        result = await anyio.to_thread.run_sync(run, limiter=self.sandbox.workers)
        if isinstance(result, ApiError):
            raise result
        return result

    def afford(self, holder: Holder, price: float) -> None:
        """Refuse a call that could not be paid, before the work is done.

        Raises:
            ApiError: 402.
        """
        if holder.account.credits < price:
            raise _too_expensive(price, holder.account.credits)

    def charge(self, holder: Holder, price: float) -> dict[str, Any]:
        """Take the price of a successful answer; what that answer says about credits.

        Raises:
            ApiError: 402 when other calls have spent the credits in the meantime.
        """
        balance = self.sandbox.database.debit(holder.account.id, price)
        if balance is None:
            raise _too_expensive(price, None)
        return {"credits_used": price, "credits_remaining": balance}


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Door:
    """A path and method with its handler. `slashless`: it also answers without the final slash."""

    method: str
    path: str
    handler: Handler
    slashless: bool = False


def open_door(endpoint: Endpoint[Any, Any], handler: Handler) -> Door:
    """A documented endpoint that needs no key."""
    return Door(endpoint.method, endpoint.path, handler)


def door(
    endpoint: Endpoint[Any, Any], handler: Callable[[Call, Holder], Awaitable[Response]], *, slashless: bool = False
) -> Door:
    """A documented endpoint that needs a key."""

    async def with_key(call: Call) -> Response:
        return await handler(call, call.holder())

    return Door(endpoint.method, endpoint.path, with_key, slashless)


def _too_expensive(price: float, balance: float | None) -> ApiError:
    there = "the account has not enough left" if balance is None else f"the account has {balance:g}"
    cure = "Add some with POST /sandbox/credits/."
    return ApiError(402, f"Insufficient credits: this call costs {price:g}, {there}. {cure}")
