"""The HTTP client's transport: a connection pool over our own network layer, with a proxy if one is used."""

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Generator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import cast

import httpcore2
import httpx2

from webvoice_mcp.client.network import _AsyncioBackend, _Connection

_MAX_PORT = 65535


class Transport(httpx2.AsyncBaseTransport):
    """A pool of HTTP/1.1 connections."""

    def __init__(self, limits: httpx2.Limits, tls: ssl.SSLContext | None, proxy_url: str = "") -> None:
        """Create the pool.

        Args:
            limits: the pool's limits.
            tls: TLS context that checks certificates; needed only for https.
            proxy_url: URL of the proxy for all connections, "" for none.

        Raises:
            ImportError: a SOCKS proxy needs another package.
            ValueError: the proxy's URL cannot be used.
        """
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_AsyncioBackend(),
            proxy=_proxy(proxy_url) if proxy_url else None,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request and return its response, without reading the body."""
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        core_request = httpcore2.Request(
            request.method,
            url,
            headers=request.headers.raw,
            content=cast("httpx2.AsyncByteStream", request.stream),
            extensions=request.extensions,
        )
        with _mapped_errors():
            response = await self._pool.handle_async_request(core_request)
        connection = response.extensions.get("network_stream")
        if isinstance(connection, _Connection):  # pragma: no branch - it is wrapped only after 101, which h11 refuses
            connection.end_head()
        return httpx2.Response(
            response.status, headers=response.headers, stream=_Body(response), extensions=response.extensions
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, response: httpcore2.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _mapped_errors():
            async for piece in cast("AsyncIterable[bytes]", self._response.stream):
                yield piece

    async def aclose(self) -> None:
        await self._response.aclose()


def _proxy(text: str) -> httpcore2.Proxy:
    proxy = httpx2.Proxy(text)
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise ImportError("socksio")
    if (proxy.url.port or 1) > _MAX_PORT:
        raise ValueError("port")
    url = httpcore2.URL(
        scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path
    )
    return httpcore2.Proxy(url, auth=proxy.raw_auth)


@contextmanager
def _mapped_errors() -> Generator[None]:
    """Turn errors of httpcore2 into the errors of httpx2 with the same names."""
    try:
        yield
    except (
        httpcore2.NetworkError,
        httpcore2.TimeoutException,
        httpcore2.ProtocolError,
        httpcore2.ProxyError,
    ) as error:
        mapped: type[httpx2.TransportError] = getattr(httpx2, type(error).__name__)
        raise mapped(str(error)) from error
