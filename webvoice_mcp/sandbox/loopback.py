"""Protection from web pages, which can make a browser send requests to loopback addresses.

A page can use a host name that resolves to 127.0.0.1, or send requests from a script. So requests are accepted only for
the host names of loopback, and never from a page of another origin: another port of this computer is another origin.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from webvoice_mcp.sandbox.responses import error_response

_OWN_FETCHES = frozenset({"same-origin", "none"})  # `none`: the user entered the address
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


class LoopbackMiddleware:
    """Refuses requests that name another host or come from a page of another origin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or respond with 403."""
        if scope["type"] == "http" and (refusal := _refusal(Headers(scope=scope))):
            await error_response(403, refusal)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _refusal(headers: Headers) -> str:
    host = headers.get("host", "").lower()
    if not _is_loopback(f"//{host}"):
        return "The sandbox does not accept this host name. Use 127.0.0.1, localhost or [::1]."
    if headers.get("origin", f"http://{host}").lower() != f"http://{host}" or (
        headers.get("sec-fetch-site", "none").lower() not in _OWN_FETCHES
    ):
        return "The sandbox does not accept requests from pages of other origins. Send them from a program."
    return ""


def _is_loopback(url: str) -> bool:
    try:
        return urlsplit(url).hostname in LOOPBACK_HOSTS
    except ValueError:  # unbalanced brackets
        return False
