"""The network underneath the HTTP client: asyncio's own connections, which hand on as much as has come.

httpx2's own network hands on 64 KiB at most, and from TLS one record of 16 KiB; this one up to 256 KiB. It stands on
public interfaces alone: httpcore2's `AsyncNetworkBackend` below its pool, httpx2's `AsyncBaseTransport` above.
"""

import asyncio
import os
import select
import socket
import ssl
import sys
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Generator, Iterable
from contextlib import contextmanager
from typing import Any, cast

import anyio
import httpcore2
import httpx2

_OVER = "The connection had ended"
_NEXT_ADDRESS = 0.25  # seconds until a host's next address is tried, too (RFC 8305)


class Transport(httpx2.AsyncBaseTransport):
    """Connections to one host and another, kept for the next request; HTTP/1.1, no proxy."""

    def __init__(self, limits: httpx2.Limits, tls: ssl.SSLContext | None) -> None:
        """Make the pool.

        Args:
            tls: how certificates are checked; needed for https alone.
        """
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_Network(),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; the answer's body is still to be read."""
        at = request.url
        url = httpcore2.URL(scheme=at.raw_scheme, host=at.raw_host, port=at.port, target=at.raw_path)
        sent = httpcore2.Request(
            request.method,
            url,
            headers=request.headers.raw,
            content=cast("httpx2.AsyncByteStream", request.stream),
            extensions=request.extensions,
        )
        with _as_httpx2():
            answer = await self._pool.handle_async_request(sent)
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx2():
            async for piece in cast("AsyncIterable[bytes]", self._answer.stream):
                yield piece

    async def aclose(self) -> None:
        await self._answer.aclose()


@contextmanager
def _as_httpx2() -> Generator[None]:
    """httpcore2's errors as those of httpx2, which have the same names."""
    try:
        yield
    except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError) as error:
        same: type[httpx2.TransportError] = getattr(httpx2, type(error).__name__)
        raise same(str(error)) from error


@contextmanager
def _connecting() -> Generator[None]:
    try:
        yield
    except TimeoutError:
        raise httpcore2.ConnectTimeout from None
    except (ssl.SSLError, socket.gaierror) as error:
        raise httpcore2.ConnectError(error.strerror or str(error)) from error
    except UnicodeError as error:  # too long a label, for one
        raise httpcore2.ConnectError("No host can have this name") from error
    except OSError as error:  # asyncio writes addresses into its message, which would only frighten
        raise httpcore2.ConnectError(os.strerror(error.errno) if error.errno else "") from error


class _Network(httpcore2.AsyncNetworkBackend):
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface
        local_address: str | None = None,  # noqa: ARG002 - never given
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - never given
    ) -> httpcore2.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        with _connecting(), anyio.fail_after(timeout):
            _, line = await loop.create_connection(_Line, host, port, happy_eyeballs_delay=_NEXT_ADDRESS)
        return line


class _Line(asyncio.Protocol, httpcore2.AsyncNetworkStream):
    """One connection. While nobody reads, no more is taken in than one piece: the rest waits in the system."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._come: deque[bytes] = deque()
        self._paused = False
        self._full = False
        self._ended = False
        self._lost: Exception | None = None
        self._asked = False  # a request, or the beginning of one, has been sent and no answer been read
        self._kept = False  # an answer has been read
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._come.append(data)
        if not _wake(self._reader) and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._ended = True
        _wake(self._reader)
        _wake(self._writer)
        return False  # close it

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = exc
        self.eof_received()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        _wake(self._writer)

    # What httpcore2 asks for.

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109 - the interface
        """The next piece, "" at the end; it may be more than asked for, which h11 gladly takes."""
        self._asked, self._kept = False, True
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        if self._come:
            await asyncio.sleep(0)  # others have their turn also where much comes that says nothing
        while not self._come:
            if self._lost is not None:
                raise httpcore2.ReadError(str(self._lost)) from self._lost
            if self._ended:
                return b""
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._come.popleft()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - the interface
        if not self._asked and (self._is_readable() or (self._kept and self._holds_more())):
            # It ended, or somebody spoke without being asked. Nothing of this request has been sent.
            raise httpcore2.ConnectError(_OVER)
        self._asked = True
        if self._ended:
            raise httpcore2.WriteError
        self._transport.write(buffer)
        while self._full and not self._ended:
            self._writer = asyncio.get_running_loop().create_future()
            await self._writer

    async def aclose(self) -> None:
        self._transport.abort()
        await asyncio.sleep(0)  # until it is closed

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface
    ) -> httpcore2.AsyncNetworkStream:
        plain, loop = self._transport, asyncio.get_running_loop()
        if self._is_readable():  # the handshake would never hear of it
            plain.abort()
            raise httpcore2.ConnectError(_OVER)
        try:
            with _connecting(), anyio.fail_after(timeout):
                secure = await loop.start_tls(plain, self, ssl_context, server_hostname=server_hostname)
        except BaseException:
            plain.abort()
            raise
        self._transport = cast("asyncio.Transport", secure)
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._is_readable() if info == "is_readable" else self._transport.get_extra_info(info)

    def _is_readable(self) -> bool:
        """Whether it has ended, or something has come. The pool asks this of every connection, at every request."""
        return self._ended or bool(self._come)

    def _holds_more(self) -> bool:
        """Whether the system holds something, be it the end, that the event loop has not got to yet."""
        connection = self._transport.get_extra_info("socket")
        if sys.platform == "win32":  # pragma: no cover - there is no poll there
            return bool(select.select([connection], [], [], 0)[0])
        look = select.poll()
        look.register(connection, select.POLLIN)
        return bool(look.poll(0))


def _wake(sleeper: asyncio.Future[None] | None) -> bool:
    if sleeper is None or sleeper.done():
        return False
    sleeper.set_result(None)
    return True
