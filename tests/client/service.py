"""A service on loopback whose connections are scripted by the test."""

import asyncio
import json
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx2

from tests.client.helpers import STATUS_BODY
from tests.support import http

MIB = 1024 * 1024
LIMITS = httpx2.Limits()
WAIT_SECONDS = 60

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

STATUS_ANSWER = http(json.dumps(STATUS_BODY).encode())
TRANSLATION_ANSWER = http(b'{"success": true, "translated_text": "Ciao"}')


async def read_head(reader: asyncio.StreamReader) -> bytes:
    """Read a request's head, b"" if no request comes."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        return await reader.readuntil(b"\r\n\r\n")
    return b""


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Read a whole request, b"" if none comes."""
    head = await read_head(reader)
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return head + (await reader.readexactly(int(length[1])) if length else b"")


class Service:
    """A service on loopback with a handler for each connection; the last one handles all further connections.

    Attributes:
        port: port that it listens on.
        connections: number of connections so far.
    """

    def __init__(self, *handlers: Handler) -> None:
        self.port = 0
        self.connections = 0
        self._handlers = handlers
        self._running: set[asyncio.Task[None]] = set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = self._handlers[min(self.connections, len(self._handlers) - 1)]
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._running.add(task)
        with suppress(ConnectionError):
            await handler(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self._running.discard(task)

    async def join(self) -> None:
        """Wait for the handlers to return."""
        await asyncio.wait_for(asyncio.gather(*self._running), WAIT_SECONDS)


@asynccontextmanager
async def serving(*handlers: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Service]:
    service = Service(*handlers)
    server = await asyncio.start_server(service.handle, "127.0.0.1", 0, ssl=tls)
    service.port = server.sockets[0].getsockname()[1]
    try:
        yield service
    finally:
        server.close()
        await service.join()


def reset_on_close(writer: asyncio.StreamWriter) -> None:
    """Make the connection break when it is closed, instead of ending normally."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def always(answer: bytes) -> Handler:
    """Answer every request."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(reader):
            writer.write(answer)

    return handle


def once(answer: bytes, then: bytes = b"") -> Handler:
    """Answer one request, then end the connection or send `then` without a request."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer)
        await writer.drain()
        await asyncio.sleep(0.05)  # the answer is read, and the connection waits for the next request
        if then:
            writer.write(then)
            await reader.read()

    return handle
