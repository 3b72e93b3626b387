"""The client as tools get it: it calls free endpoints only, so a tool can pay only by returning a `PaidCall`."""

from typing import TypeVar

from webvoice_mcp.client.client import Client
from webvoice_mcp.contract.endpoint import FreeEndpoint, Reply, Request

Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=Reply)


class FreeClient:
    """Calls free endpoints."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, endpoint: FreeEndpoint[Q, R], request: Q) -> R:
        """Call a free endpoint.

        Raises:
            TypeError: the endpoint costs credits.
            WebVoiceError: as `Client.call`.
        """
        return await self._client.call(endpoint, request)
