"""The request that handlers receive: its API key, its validated fields, payment, and running an engine."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NamedTuple, ParamSpec, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from webvoice_mcp.contract.endpoint import Endpoint
from webvoice_mcp.contract.keys import KEY_PREFIX
from webvoice_mcp.sandbox.database import Account, ApiKey, Database
from webvoice_mcp.sandbox.faults import FaultQueue
from webvoice_mcp.sandbox.inbox import Inbox

API_ROOT = "/api/v1/"
SANDBOX_KEY_PREFIX = f"{KEY_PREFIX}sandbox_"
MAX_JSON_BYTES = 2 * 1024 * 1024
MAX_UPLOAD_BYTES = 32 * 1024 * 1024
_MAX_FORM_FIELDS = 32

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The parts of a sandbox that requests share.

    Attributes:
        clock: returns seconds since 1970.
        engine_limiter: limits the number of engines that run at the same time.
    """

    database: Database
    inbox: Inbox
    faults: FaultQueue
    clock: Callable[[], float]
    engine_limiter: CapacityLimiter


class Fields:
    """The named values of a request body. A null value counts as missing.

    Every method raises HTTPException (400) with a message for the client if the value is not accepted.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {name: value for name, value in values.items() if value is not None}

    def get(self, name: str) -> Any:
        """Return the value as it was sent, or None."""
        return self._values.get(name)

    def string(self, name: str, default: str | None = None, *, max_length: int = MAX_JSON_BYTES) -> str:
        """Return a string; without a default it is required and must not be blank."""
        value = self._values.get(name, default)
        if value is None:
            raise HTTPException(400, f'"{name}" is required.')
        if not isinstance(value, str):
            raise HTTPException(400, f'"{name}" must be a string.')
        if default is None and not value.strip():
            raise HTTPException(400, f'"{name}" must not be blank.')
        if len(value) > max_length:
            raise HTTPException(400, f'"{name}" has {len(value)} characters; at most {max_length} are accepted.')
        return value

    def choice(self, name: str, accepted: Collection[str], default: str | None = None) -> str:
        """Return one of the accepted strings. If there is a default, an empty string means the default."""
        value = self.string(name, default) or default or ""
        if value not in accepted:
            raise HTTPException(400, f'"{name}" is {value!r}; accepted: {", ".join(accepted)}.')
        return value

    def boolean(self, name: str, *, default: bool = False) -> bool:
        """Return true or false."""
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise HTTPException(400, f'"{name}" must be true or false.')
        return value

    def number(self, name: str, default: float | None, minimum: float, maximum: float) -> float:
        """Return a number within bounds, both included; without a default it is required."""
        value = self._values.get(name, default)
        if value is None:
            raise HTTPException(400, f'"{name}" is required.')
        if isinstance(value, bool) or not isinstance(value, int | float) or not minimum <= value <= maximum:
            raise HTTPException(400, f'"{name}" must be a number from {minimum:g} to {maximum:g}.')
        return value

    def integer(self, name: str, default: int | None, minimum: int, maximum: int) -> int:
        """Return a whole number within bounds, both included; without a default it is required."""
        value = self.number(name, default, minimum, maximum)
        if value != round(value):
            raise HTTPException(400, f'"{name}" must be a whole number.')
        return round(value)


class Form(NamedTuple):
    """The fields and files of a request.

    Attributes:
        fields: the values; a form field that was sent several times is a list.
        files: the contents of the uploaded files, by field name.
        is_multipart: True if the request was a form, where numbers and booleans are text.
    """

    fields: Fields
    files: Mapping[str, list[bytes]]
    is_multipart: bool


class ApiRequest(Request):
    """Starlette's request with the sandbox's services. The methods raise HTTPException to refuse the request."""

    _max_body_bytes = MAX_UPLOAD_BYTES

    @property
    def sandbox(self) -> Sandbox:
        """The services of the application."""
        sandbox: Sandbox = self.app.state.sandbox
        return sandbox

    @property
    def now(self) -> float:
        """Seconds since 1970 by the sandbox's clock."""
        return self.sandbox.clock()

    @property
    def site(self) -> str:
        """The sandbox's address as the client wrote it, without a final slash."""
        return str(self.base_url).rstrip("/")

    @property
    def client_host(self) -> str:
        """The client's IP address."""
        return self.client.host if self.client else "unknown"

    def authenticate(self) -> ApiKey:
        """Return the API key that was sent, and count its use. Without a valid key, refuse the request with 401."""
        if "api_key" in self.query_params:
            raise _unauthorized("API keys in query strings end up in logs. Send the key in the X-API-Key header.")
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        key = self.headers.get("x-api-key") or (token.strip() if scheme.lower() == "bearer" else "")
        if not key:
            raise _unauthorized("An API key is missing. Send it as X-API-Key or as Authorization: Bearer.")
        if not key.startswith(SANDBOX_KEY_PREFIX):
            raise _unauthorized(
                f"This is not a sandbox key. Send one that begins with {SANDBOX_KEY_PREFIX}, not a key of the service."
            )
        found = self.sandbox.database.use_key(key, self.now)
        if found is None:
            raise _unauthorized("The API key is not valid. Get one with auth/send-code/.")
        return found

    def require_credits(self, account: Account, price: float) -> None:
        """Refuse the request with 402 if the account cannot pay for it."""
        if account.credits < price:
            raise _payment_required(price, f"the account has {account.credits:g}")

    def charge(self, account: Account, price: float) -> dict[str, Any]:
        """Deduct the price of a successful call, and return the response fields about credits.

        If simultaneous calls have spent the credits since `require_credits`, the request is refused with 402.
        """
        balance = self.sandbox.database.deduct_credits(account.id, price)
        if balance is None:
            raise _payment_required(price, "the account has fewer left")
        return {"credits_used": price, "credits_remaining": balance}

    async def run_engine(self, engine: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an engine in a worker thread."""
        return await anyio.to_thread.run_sync(lambda: engine(*args, **kwargs), limiter=self.sandbox.engine_limiter)

    async def read_json(self, max_bytes: int = MAX_JSON_BYTES) -> Fields:
        """Return the fields of a JSON object. Refuse any other body with 400, and one that is too large with 413."""
        body = await self._read_body(max_bytes)
        try:
            content = json.loads(body)
            # Python's parser also accepts NaN, infinity and lone surrogates, which no response could repeat.
            json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, RecursionError):
            raise HTTPException(400, "The body must be valid JSON.") from None
        if not isinstance(content, dict):
            raise HTTPException(400, "The body must be a JSON object.")
        return Fields(content)

    async def read_form(self, max_files: int, max_bytes: int = MAX_UPLOAD_BYTES) -> Form:
        """Return the fields and files of multipart/form-data. Any other body has none."""
        self._limit_body(max_bytes)
        texts: dict[str, list[str]] = {}
        files: dict[str, list[bytes]] = {}
        try:
            async with self.form(max_files=max_files, max_fields=_MAX_FORM_FIELDS) as form:
                for name, value in form.multi_items():
                    if isinstance(value, UploadFile):
                        files.setdefault(name, []).append(await value.read())
                    else:
                        texts.setdefault(name, []).append(value)
        except HTTPException as error:
            if error.status_code == 413:
                raise
            raise HTTPException(400, f"The multipart body cannot be read: {error.detail}") from None
        fields = Fields({name: values[0] if len(values) == 1 else values for name, values in texts.items()})
        return Form(fields, files, is_multipart=True)

    async def read_form_or_json(self, max_files: int) -> Form:
        """Return the fields and files of multipart/form-data, or the fields of a JSON object, which may hold base64."""
        if self.headers.get("content-type", "").lower().startswith("multipart/"):
            return await self.read_form(max_files)
        return Form(await self.read_json(MAX_UPLOAD_BYTES), {}, is_multipart=False)

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Yield the body in chunks. Refuse a body that is larger than the endpoint accepts with 413."""
        received_bytes = 0
        async with aclosing(super().stream()) as chunks:
            async for chunk in chunks:
                received_bytes += len(chunk)
                self._check_size(received_bytes)
                yield chunk

    async def _read_body(self, max_bytes: int) -> bytes:
        self._limit_body(max_bytes)
        return await self.body()

    def _limit_body(self, max_bytes: int) -> None:
        self._max_body_bytes = max_bytes
        declared = self.headers.get("content-length", "")
        if declared.isdecimal():
            self._check_size(int(declared))

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self._max_body_bytes:
            raise HTTPException(413, f"The body is larger than {self._max_body_bytes // (1024 * 1024)} MiB.")


Handler = Callable[[ApiRequest], Awaitable[Response]]


def route(method: str, path: str, handler: Handler) -> Route:
    """Return a Starlette route whose handler receives an ApiRequest."""

    async def endpoint(request: Request) -> Response:
        return await handler(ApiRequest(request.scope, request.receive))

    return Route(path, endpoint, methods=[method])


def api_route(endpoint: Endpoint[Any, Any], handler: Handler, *, final_slash: bool = True) -> Route:
    """Return the route of a documented endpoint."""
    path = API_ROOT + endpoint.path
    return route(endpoint.method, path if final_slash else path.rstrip("/"), handler)


def _unauthorized(message: str) -> HTTPException:
    return HTTPException(401, message, {"WWW-Authenticate": "Bearer"})


def _payment_required(price: float, balance: str) -> HTTPException:
    cost = f"Insufficient credits: this call costs {price:g}, {balance}."
    return HTTPException(402, f"{cost} Add some with POST /sandbox/credits/.")
