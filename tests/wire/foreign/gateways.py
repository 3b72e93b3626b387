"""Gateways: programs that offer a server for stdio over HTTP. The client is the Python SDK's."""

import asyncio
import shlex
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.client.sse import sse_client
from mcp.types import ImageContent, TextContent

from tests.wire.foreign.calls import Answer, Connected, Connection, Message, OnProgress

_START_SECONDS = 120  # a start can take a minute

Gateway = Callable[[Sequence[str], int], list[str]]  # the arguments that offer this command on this port


def mcp_proxy(command: Sequence[str], port: int) -> list[str]:
    """Offer a command over SSE; mcp-proxy does not pass on progress over streamable HTTP."""
    return ["--pass-environment", "--port", str(port), "--", *command]


def supergateway(command: Sequence[str], port: int) -> list[str]:
    """Offer a command over streamable HTTP."""
    return ["--stdio", shlex.join(command), "--outputTransport", "streamableHttp", "--stateful", "--port", str(port)]


def behind(gateway: Gateway, path: str, program: Path) -> Connected:
    """Return the client of a server behind a gateway: a program that offers the server under this path."""

    @asynccontextmanager
    async def connected(server: Message, on_progress: OnProgress) -> AsyncIterator[Connection]:
        async def progressed(progress: float, total: float | None, message: str | None) -> None:
            on_progress(message)

        async def call(name: str, arguments: Message) -> Answer:
            result: Any = await client.call_tool(name, arguments, progress_callback=progressed)
            pictures = [block.data for block in result.content if isinstance(block, ImageContent)]
            texts = [block.text for block in result.content if isinstance(block, TextContent)]
            return Answer(result.is_error, "\n".join(texts), pictures)

        async with _running(gateway, server, program) as address:
            url = f"{address}{path}"
            async with Client(sse_client(url) if path == "/sse" else url, mode="legacy") as client:
                listed = await client.list_tools()
                yield Connection({tool.name: tool.input_schema for tool in listed.tools}, call)

    return connected


@asynccontextmanager
async def _running(gateway: Gateway, server: Message, program: Path) -> AsyncIterator[str]:
    """Run a gateway on a free port; yield its address."""
    with closing(socket.create_server(("127.0.0.1", 0))) as reserved:
        port = reserved.getsockname()[1]
    command = [str(program), *gateway([server["command"], *server["args"]], port)]
    nothing = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *command, env=server["env"], stdin=nothing, stdout=nothing, stderr=nothing
    )
    try:
        async with asyncio.timeout(_START_SECONDS):
            while not await _listens(port):
                assert process.returncode is None, command
                await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _listens(port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False
