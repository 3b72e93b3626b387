"""A client that declares extensions, and sends the requests that these bring."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp import Client
from mcp.client.extension import advertise
from mcp.types import Request, RequestParams
from pydantic import RootModel

from webvoice_mcp.server import create_server
from webvoice_mcp.settings import Settings

Message = dict[str, Any]


class Params(RequestParams, extra="allow"):
    """Parameters of any request."""


class Answer(RootModel[Message]):
    """A result as it came."""


class ExtendedClient:
    """A client whose results are the JSON objects that came."""

    def __init__(self, client: Client) -> None:
        self.sdk = client

    async def request(self, method: str, /, **params: Any) -> Message:
        """Send a request and return its result."""
        request = Request[Params, str](method=method, params=Params.model_validate(params))
        return (await self.sdk.session.send_request(request, Answer)).root

    async def call(self, tool: str, arguments: Message) -> Message:
        """Call a tool and return the result as it came."""
        return await self.request("tools/call", name=tool, arguments=arguments)


@asynccontextmanager
async def extended(
    settings: Settings, transport: httpx2.AsyncBaseTransport, *extensions: str, mode: str = "auto"
) -> AsyncIterator[ExtendedClient]:
    """Connect a client that declares extensions."""
    declared: Sequence[Any] = [advertise(extension) for extension in extensions]
    server = create_server(settings, transport=transport)
    async with Client(server, mode=mode, extensions=declared) as client:
        yield ExtendedClient(client)
