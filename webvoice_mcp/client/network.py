"""The network layer below the HTTP client: asyncio connections that read as much as has arrived.

This is our own code, because httpx2's default network reads at most 64 KiB at once, and over TLS at most one record of
16 KiB; this one reads up to 256 KiB. Remove it if it is no longer at least 1.5 times as fast over TLS
(`benchmarks/save.py`). It uses only public interfaces: httpcore2's `AsyncNetworkBackend` below httpcore2's pool, and
httpx2's `AsyncBaseTransport` above it.
"""

import asyncio
import os
import select
import socket
import ssl
import sys
from collections import deque
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, cast

import anyio
import httpcore2

_CLOSED = "The connection was already closed"
_NEXT_ADDRESS_SECONDS = 0.25  # before a host's next address is tried in parallel (RFC 8305)
# httpcore2 reads interim responses (1xx) without a limit. So what comes before the final response's body is limited
# here, and passed on in pieces so small that parsing one does not block the event loop.
_MAX_HEAD_BYTES = 128 << 10
_HEAD_PIECE_BYTES = 4 << 10


@contextmanager
def _mapped_connect_errors() -> Generator[None]:
    """Turn errors of connecting and of the TLS handshake into errors of httpcore2."""
    try:
        yield
    except TimeoutError:
        raise httpcore2.ConnectTimeout from None
    except (ssl.SSLError, socket.gaierror) as error:
        raise httpcore2.ConnectError(error.strerror or str(error)) from error
    except UnicodeError as error:  # for example a label that is too long
        raise httpcore2.ConnectError("This is not a valid host name") from error
    except OSError as error:  # asyncio's own message lists addresses, which would confuse the user
        raise httpcore2.ConnectError(os.strerror(error.errno) if error.errno else "") from error


class _AsyncioBackend(httpcore2.AsyncNetworkBackend):
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - given by the interface
        local_address: str | None = None,  # noqa: ARG002 - never passed
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - never passed
    ) -> httpcore2.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        with _mapped_connect_errors(), anyio.fail_after(timeout):
            _, connection = await loop.create_connection(
                _Connection, host, port, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS
            )
        return connection


class _Connection(asyncio.Protocol, httpcore2.AsyncNetworkStream):
    """A connection. While nothing is read, it receives at most one piece; the rest stays in the system's buffers."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._received: deque[bytes] = deque()
        self._is_paused = False
        self._is_write_buffer_full = False
        self._has_ended = False
        self._error: Exception | None = None
        self._is_sending = False  # part of a request has been written, and nothing has been read since
        self._was_read = False  # part of a response has been read
        self._head_left: int | None = None  # bytes that may still come before a response's body, None in the body
        self._read_waiter: asyncio.Future[None] | None = None
        self._write_waiter: asyncio.Future[None] | None = None

    # Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received.append(data)
        if not _wake(self._read_waiter) and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._has_ended = True
        _wake(self._read_waiter)
        _wake(self._write_waiter)
        return False  # asyncio closes the transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._error = exc
        self.eof_received()

    def pause_writing(self) -> None:
        self._is_write_buffer_full = True

    def resume_writing(self) -> None:
        self._is_write_buffer_full = False
        _wake(self._write_waiter)

    # Called by httpcore2.

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109 - interface
        """Return the next piece, b"" at the end. It may exceed `max_bytes`, which h11 allows."""
        self._is_sending, self._was_read = False, True
        if self._is_paused and (self._head_left is None or not self._received):
            self._is_paused = False
            self._transport.resume_reading()
        if self._received:
            await asyncio.sleep(0)  # lets other tasks run even if pieces arrive faster than they are read
        while not self._received:
            if self._error is not None:
                raise httpcore2.ReadError(str(self._error)) from self._error
            if self._has_ended:
                return b""
            self._read_waiter = asyncio.get_running_loop().create_future()
            await self._read_waiter
        piece = self._received.popleft()
        return piece if self._head_left is None else self._piece_of_head(piece, self._head_left)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - interface
        if not self._is_sending and (self._is_readable() or (self._was_read and self._is_socket_readable())):
            # The service closed the connection or sent data without a request. Nothing of this request has been sent.
            raise httpcore2.ConnectError(_CLOSED)
        if not self._is_sending:
            self._head_left = _MAX_HEAD_BYTES
        self._is_sending = True
        if self._has_ended:
            raise httpcore2.WriteError
        self._transport.write(buffer)
        while self._is_write_buffer_full and not self._has_ended:
            self._write_waiter = asyncio.get_running_loop().create_future()
            await self._write_waiter

    async def aclose(self) -> None:
        self._transport.abort()
        await asyncio.sleep(0)  # asyncio closes the socket in its next iteration

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - given by the interface
    ) -> httpcore2.AsyncNetworkStream:
        tcp, loop = self._transport, asyncio.get_running_loop()
        if self._is_readable():  # the handshake would wait for data that has already arrived
            tcp.abort()
            raise httpcore2.ConnectError(_CLOSED)
        try:
            with _mapped_connect_errors(), anyio.fail_after(timeout):
                tls = await loop.start_tls(tcp, self, ssl_context, server_hostname=server_hostname)
        except BaseException:
            tcp.abort()
            raise
        self._transport = cast("asyncio.Transport", tls)
        self._was_read = False  # what a proxy said before is no part of a response
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._is_readable() if info == "is_readable" else self._transport.get_extra_info(info)

    # Called by `Transport`.

    def end_head(self) -> None:
        """Take note that the response's head is complete, so that its body follows."""
        self._head_left = None

    def _piece_of_head(self, piece: bytes, left: int) -> bytes:
        if len(piece) > _HEAD_PIECE_BYTES:
            self._received.appendleft(piece[_HEAD_PIECE_BYTES:])
            piece = piece[:_HEAD_PIECE_BYTES]
        self._head_left = left - len(piece)
        if self._head_left < 0:
            raise httpcore2.RemoteProtocolError("too much came before the answer")
        return piece

    def _is_readable(self) -> bool:
        """Return True if the connection has ended or data has arrived. The pool asks before each request."""
        return self._has_ended or bool(self._received)

    def _is_socket_readable(self) -> bool:
        """Return True if the system holds data, or the connection's end, that the event loop has not yet read."""
        connection = self._transport.get_extra_info("socket")
        if sys.platform == "win32":  # pragma: no cover - Windows has no poll
            return bool(select.select([connection], [], [], 0)[0])
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(0))


def _wake(waiter: asyncio.Future[None] | None) -> bool:
    if waiter is None or waiter.done():
        return False
    waiter.set_result(None)
    return True
