"""Protection from web pages, which can make a browser send requests to loopback addresses.

A page can use a host name that resolves to 127.0.0.1, or send requests from a script. So requests are accepted only for
the host names of loopback, and only from pages that were loaded from loopback.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from webvoice_mcp.sandbox.responses import error_response

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


class LoopbackMiddleware:
    """Refuses requests that name another host or come from another site's page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or respond with 403."""
        if scope["type"] == "http" and (refusal := _refusal(Headers(scope=scope))):
            await error_response(403, refusal)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _refusal(headers: Headers) -> str:
    if not _is_loopback(f"//{headers.get('host', '')}"):
        return "The sandbox does not accept this host name. Use 127.0.0.1, localhost or [::1]."
    if "origin" in headers and not _is_loopback(headers["origin"]):
        return "The sandbox does not accept requests from pages of other sites. Load the page from this computer."
    return ""


def _is_loopback(url: str) -> bool:
    try:
        return urlsplit(url).hostname in LOOPBACK_HOSTS
    except ValueError:  # unbalanced brackets
        return False
