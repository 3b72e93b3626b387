"""HTTP/1.1 for applications that close their connection, which ASGI does not offer."""

import asyncio
from typing import Any

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORT = "webvoice.transport"


class SandboxProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol, with the connection's transport in the scope of each request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn has this type
        """Wrap the application for the requests of this connection."""
        super().connection_made(transport)
        app = self.app

        async def app_with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"] = {_TRANSPORT: transport}
            await app(scope, receive, send)

        self.app = app_with_transport


async def close_connection(scope: Scope, receive: Receive, *, abort: bool) -> None:
    """Close the connection and wait until it is closed.

    Args:
        abort: True to discard the data that is still buffered.

    Raises:
        ConnectionResetError: the application has no connection, because it runs inside a test.
    """
    transport = scope.get("extensions", {}).get(_TRANSPORT)
    if transport is None:
        raise ConnectionResetError("A sandbox fault closes this connection.")
    if abort:
        transport.abort()
    else:
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
