"""Who may talk to the sandbox: programs on this machine, with a key of the sandbox's own.

A web page can make a browser send requests to loopback, by a name that resolves to it or straight from a script.
Requests are therefore taken only under loopback's own names, and from pages that were themselves loaded from there.
"""

import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from webvoice_mcp.contract.account import KEY_PREFIX
from webvoice_mcp.sandbox.replies import ApiError

SANDBOX_KEY_PREFIX = f"{KEY_PREFIX}sandbox_"
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


def new_key() -> str:
    """A key that can be told from the service's."""
    return SANDBOX_KEY_PREFIX + secrets.token_hex(20)


def key_of(request: Request) -> str:
    """The key that came with a request.

    Raises:
        ApiError: 401 when there is none, when it is in the query, or when it is not one of the sandbox's.
    """
    if "api_key" in request.query_params:
        raise ApiError(
            401, "API keys in query strings are not accepted: they end up in logs. Use the X-API-Key header."
        )
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    key = request.headers.get("x-api-key") or (token.strip() if scheme.lower() == "bearer" else "")
    if not key:
        raise ApiError(401, "An API key is missing: send it as X-API-Key or as Authorization: Bearer.")
    if not key.startswith(SANDBOX_KEY_PREFIX):
        raise ApiError(
            401,
            f"That is not a key of the sandbox: those begin with {SANDBOX_KEY_PREFIX}. Keep the service's out of it.",
        )
    return key


class LoopbackOnly:
    """Refuses what was addressed to another name, or sent by a page from elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it with 403."""
        if scope["type"] == "http" and (error := _error(Headers(scope=scope))):
            await error.response()(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _error(headers: Headers) -> ApiError | None:
    if not _is_loopback(f"//{headers.get('host', '')}"):
        return ApiError(403, "The sandbox answers under 127.0.0.1, localhost and [::1] only.")
    if "origin" in headers and not _is_loopback(headers["origin"]):
        return ApiError(403, "The sandbox does not answer web pages from elsewhere.")
    return None


def _is_loopback(url: str) -> bool:
    try:
        return urlsplit(url).hostname in LOOPBACK_NAMES
    except ValueError:  # brackets that do not close
        return False
