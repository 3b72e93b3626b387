"""Lets the queued faults happen."""

import json

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webvoice_mcp.sandbox.faults import Fault, Faults
from webvoice_mcp.sandbox.replies import json_response, reason
from webvoice_mcp.sandbox.wire import hang_up

_NO_BODY = frozenset({204, 304})


class Faulty:
    """The middleware that does it, to requests under `root`."""

    def __init__(self, app: ASGIApp, *, faults: Faults, root: str) -> None:
        self._app = app
        self._faults = faults
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, break or answer as the next fault of the path says; without one, pass the request on."""
        fault = None
        if scope["type"] == "http" and scope["path"].startswith(self._root):
            fault = self._faults.take(scope["path"].removeprefix(self._root).strip("/"))
        if fault is None:
            await self._app(scope, receive, send)
            return
        await anyio.sleep(fault.delay)
        if fault.drop:
            await hang_up(scope, receive, at_once=True)
            return
        app = self._app if fault.status is None else _Scripted(fault, fault.status)
        if fault.cut_at is None:
            await app(scope, receive, send)
            return
        cut = _Cut(send, fault.cut_at)
        await app(scope, receive, cut)
        if cut.done:
            await hang_up(scope, receive, at_once=False)


class _Scripted:
    """Answers as the fault says, once the request is read: a connection closed on unread data loses the answer."""

    def __init__(self, fault: Fault, status: int) -> None:
        self._fault = fault
        self._status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async for _ in Request(scope, receive).stream():
            pass
        await self._response()(scope, receive, send)

    def _response(self) -> Response:
        headers = {} if self._fault.retry_after is None else {"Retry-After": f"{self._fault.retry_after:g}"}
        if self._status in _NO_BODY:
            return Response(None, self._status, headers)
        if isinstance(body := self._fault.body, str):
            return Response(body, self._status, headers, _kind(body))
        if body is None:
            body = {"error": reason(self._status), "message": "Scripted by POST /sandbox/faults/."}
        return json_response(body, self._status, headers)


class _Cut:
    """Passes on the first bytes of a body and keeps the rest back; `done` once there is a rest."""

    def __init__(self, send: Send, at: int) -> None:
        self._send = send
        self._left = at
        self.done = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            self.done = self.done or len(body) > self._left
            message = {**message, "body": body[: self._left], "more_body": self.done or message.get("more_body", False)}
            self._left -= len(message["body"])
        await self._send(message)


def _kind(text: str) -> str:
    if text.lstrip().startswith("<"):
        return "text/html"
    try:
        json.loads(text)
    except ValueError:
        return "text/plain"
    return "application/json"
