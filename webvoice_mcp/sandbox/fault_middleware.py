"""Middleware that applies queued faults to requests."""

import json

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webvoice_mcp.sandbox.faults import Fault, FaultQueue
from webvoice_mcp.sandbox.protocol import close_connection
from webvoice_mcp.sandbox.responses import error_response

_STATUSES_WITHOUT_BODY = frozenset({204, 304})


class FaultMiddleware:
    """Applies the next fault of a path to each request under `root`."""

    def __init__(self, app: ASGIApp, *, faults: FaultQueue, root: str) -> None:
        self._app = app
        self._faults = faults
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Delay, drop, replace or truncate the response; without a fault, pass the request on."""
        fault = None
        if scope["type"] == "http" and scope["path"].startswith(self._root):
            fault = self._faults.take(scope["path"].removeprefix(self._root).strip("/"))
        if fault is None:
            await self._app(scope, receive, send)
            return
        await anyio.sleep(fault.delay)
        if fault.drop:
            await close_connection(scope, receive, abort=True)
            return
        app = self._app if fault.status is None else _FaultResponse(fault, fault.status)
        if fault.cut_at is None:
            await app(scope, receive, send)
            return
        truncated = _TruncatedSend(send, fault.cut_at)
        await app(scope, receive, truncated)
        if truncated.is_cut:
            await close_connection(scope, receive, abort=False)


class _FaultResponse:
    """The response that a fault describes."""

    def __init__(self, fault: Fault, status: int) -> None:
        self._fault = fault
        self._status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # If the connection were closed with request data unread, the client might never see the response.
        async for _ in Request(scope, receive).stream():
            pass
        await self._response()(scope, receive, send)

    def _response(self) -> Response:
        headers = {} if self._fault.retry_after is None else {"Retry-After": f"{self._fault.retry_after:g}"}
        body = self._fault.body
        if self._status in _STATUSES_WITHOUT_BODY:
            return Response(None, self._status, headers)
        if body is None:
            return error_response(self._status, "Requested with POST /sandbox/faults/.", headers)
        if isinstance(body, str):
            return Response(body, self._status, headers, _media_type(body))
        return JSONResponse(body, self._status, headers)


class _TruncatedSend:
    """An ASGI `send` that passes on only the first bytes of the body."""

    def __init__(self, send: Send, max_bytes: int) -> None:
        self._send = send
        self._bytes_left = max_bytes
        self.is_cut = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            self.is_cut = self.is_cut or len(body) > self._bytes_left
            more_body = self.is_cut or message.get("more_body", False)
            message = {**message, "body": body[: self._bytes_left], "more_body": more_body}
            self._bytes_left -= len(message["body"])
        await self._send(message)


def _media_type(text: str) -> str:
    if text.lstrip().startswith("<"):
        return "text/html"
    try:
        json.loads(text)
    except ValueError:
        return "text/plain"
    return "application/json"
