"""A service on loopback, whose words are written by the test."""

import asyncio
import json
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx2

from tests.client.calls import STATUS_BODY
from tests.support import http

MIB = 1024 * 1024
LIMITS = httpx2.Limits()

Say = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


FINE = http(json.dumps(STATUS_BODY).encode())
TRANSLATED = http(b'{"success": true, "translated_text": "Ciao"}')


async def head_of(reader: asyncio.StreamReader) -> bytes:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        return await reader.readuntil(b"\r\n\r\n")
    return b""


async def request_of(reader: asyncio.StreamReader) -> bytes:
    """A whole request, "" when no more comes."""
    head = await head_of(reader)
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return head + (await reader.readexactly(int(length[1])) if length else b"")


class Service:
    """A service on loopback whose connections are talked to by a list of functions, the last of them again and again.

    Attributes:
        port: where it listens.
        connections: how many were made.
    """

    def __init__(self, *talks: Say) -> None:
        self.port = 0
        self.connections = 0
        self._talks = talks
        self._running: set[asyncio.Task[None]] = set()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = self._talks[min(self.connections, len(self._talks) - 1)]
        self.connections += 1
        running = asyncio.current_task()
        assert running
        self._running.add(running)
        with suppress(ConnectionError):
            await talk(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self._running.discard(running)

    async def end(self) -> None:
        """Wait for those who still talk."""
        await asyncio.wait_for(asyncio.gather(*self._running), 5)


@asynccontextmanager
async def serving(*talks: Say, tls: ssl.SSLContext | None = None) -> AsyncIterator[Service]:
    service = Service(*talks)
    server = await asyncio.start_server(service.talk, "127.0.0.1", 0, ssl=tls)
    service.port = server.sockets[0].getsockname()[1]
    try:
        yield service
    finally:
        server.close()
        await service.end()


def reset(writer: asyncio.StreamWriter) -> None:
    """Let the connection, when it is closed, break in place of ending."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def always(said: bytes) -> Say:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await request_of(reader):
            writer.write(said)

    return talk


def once(said: bytes, then: bytes = b"") -> Say:
    """Answers once, and then ends or says more that nobody asked for."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(said)
        await writer.drain()
        await asyncio.sleep(0.05)  # the answer is read, and the connection waits for the next request
        if then:
            writer.write(then)
            await reader.read()

    return talk
