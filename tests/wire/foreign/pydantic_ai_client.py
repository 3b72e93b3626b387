"""Pydantic AI's toolset for MCP."""

import importlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.wire.foreign.calls import Answer, Connection, Message, OnProgress, run

exceptions: Any = importlib.import_module("pydantic_ai.exceptions")  # not installed in the project's environment
mcp: Any = importlib.import_module("pydantic_ai.mcp")
messages: Any = importlib.import_module("pydantic_ai.messages")
transports: Any = importlib.import_module("fastmcp.client.transports")


@asynccontextmanager
async def connected(server: Message, on_progress: OnProgress) -> AsyncIterator[Connection]:
    async def progressed(progress: float, total: float | None, message: str | None) -> None:
        on_progress(message)

    async def call(name: str, arguments: Message) -> Answer:
        try:
            result = await toolset.direct_call_tool(name, arguments)
        except exceptions.ModelRetry as error:
            return Answer(failed=True, text=error.message)
        blocks = result if isinstance(result, list) else [result]
        pictures = [block.base64 for block in blocks if isinstance(block, messages.BinaryContent)]
        texts = [_text(block) for block in blocks if not isinstance(block, messages.BinaryContent)]
        return Answer(failed=False, text="\n".join(texts), pictures=pictures)

    transport = transports.StdioTransport(**server, keep_alive=False)
    async with mcp.MCPToolset(transport, progress_handler=progressed) as toolset:
        listed = await toolset.list_tools()
        yield Connection({tool.name: tool.input_schema for tool in listed}, call)


def _text(block: Any) -> str:
    return block if isinstance(block, str) else json.dumps(block)


run(connected)
