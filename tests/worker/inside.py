"""A server whose worker runs in the test's own process, over a real connection and with the same scripted service."""

import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.from_thread
import httpx2
from mcp import Client

from tests.support import CANARY
from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client as ApiClient
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.server import create_server
from webvoice_mcp.settings import Settings
from webvoice_mcp.tools.paid_functions import find_paid_function
from webvoice_mcp.worker.channel import Channel, PipeChannel, SocketChannel
from webvoice_mcp.worker.serve import serve


def connect_by_sockets() -> tuple[Channel, Channel]:
    """Return the two ends of a connection that descriptors can be sent through."""
    ours, theirs = socket.socketpair()
    return SocketChannel(ours), SocketChannel(theirs)


def connect_by_pipes() -> tuple[Channel, Channel]:
    """Return the two ends of a connection as on Windows."""
    (read_here, write_there), (read_there, write_here) = os.pipe(), os.pipe()
    here = PipeChannel(os.fdopen(read_here, "rb", 0), os.fdopen(write_here, "wb", 0))
    return here, PipeChannel(os.fdopen(read_there, "rb", 0), os.fdopen(write_there, "wb", 0))


def job_line(tool: str, arguments: dict[str, Any], **more: Any) -> bytes:
    """Return the line by which a server hands a call over."""
    estimate = {"credits": 0.5, "basis": "a guess"}
    call = {"id": "job_1", "tool": tool, "arguments": arguments, "estimate": estimate, "started_at": 1.0}
    call |= {"api_key": CANARY, "key_source": "environment", "digest": "", "inputs": [], "descriptors": 0, **more}
    return json.dumps({"type": "job", **call}).encode() + b"\n"


async def run_worker(channel: Channel, settings: Settings, transport: httpx2.AsyncBaseTransport) -> None:
    """Do what the worker process does."""
    keys = Keys(settings, KeyStore(settings.credentials_file))
    services = Services.create(settings, keys, ApiClient(settings, keys, transport=transport), limit=None)
    try:
        await serve(channel, services, find_paid_function, keys.use)
    finally:
        await services.aclose()


@asynccontextmanager
async def connected_with_worker(
    settings: Settings,
    transport: httpx2.AsyncBaseTransport,
    mode: str = "auto",
    *,
    connect: Callable[[], tuple[Channel, Channel]] = connect_by_sockets,
    before: Callable[[], object] = lambda: None,
) -> AsyncIterator[Client]:
    """Connect an MCP client to a server in this process, whose worker is in this process, too.

    Args:
        connect: makes the connection of server and worker.
        before: called when the worker starts, after the server has opened and priced what the call needs.
    """
    async with anyio.create_task_group() as workers:

        def start() -> Channel:
            before()
            ours, theirs = connect()
            anyio.from_thread.run_sync(workers.start_soon, run_worker, theirs, settings, transport)
            return ours

        async with Client(create_server(settings, transport=transport, start_worker=start), mode=mode) as client:
            yield client
