"""HTTP/1.1 on a socket, with the one thing that ASGI does not give an application: ending the connection."""

import asyncio
from typing import Any

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORT = "webvoice.transport"


class SandboxProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, with the connection's transport put into every request's scope."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Note the transport for the requests that come over it."""
        super().connection_made(transport)
        app = self.app

        async def app_with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"] = {_TRANSPORT: transport}
            await app(scope, receive, send)

        self.app = app_with_transport


async def hang_up(scope: Scope, receive: Receive, *, at_once: bool) -> None:
    """End the connection; what was sent before still leaves, unless `at_once`. Returns when it is closed.

    Raises:
        ConnectionResetError: in process, where there is no connection.
    """
    transport = scope.get("extensions", {}).get(_TRANSPORT)
    if transport is None:
        raise ConnectionResetError("The sandbox was told to break this connection.")
    if at_once:
        transport.abort()
    else:
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
