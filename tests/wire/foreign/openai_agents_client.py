"""The OpenAI Agents SDK, which makes every schema strict if it can: all arguments are then required."""

import importlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.wire.foreign.calls import Answer, Connection, Message, OnProgress, run

agents: Any = importlib.import_module("agents")  # not installed in the project's environment
mcp: Any = importlib.import_module("agents.mcp")
tool_context: Any = importlib.import_module("agents.tool_context")


@asynccontextmanager
async def connected(server: Message, on_progress: OnProgress) -> AsyncIterator[Connection]:
    async def call(name: str, arguments: Message) -> Answer:
        given = json.dumps(arguments)
        context = tool_context.ToolContext(None, tool_name=name, tool_call_id="1", tool_arguments=given)
        output = await by_name[name].on_invoke_tool(context, given)
        blocks = output if isinstance(output, list) else [output]
        texts = [block["text"] for block in blocks if block["type"] == "text"]
        pictures = [block["image_url"].partition(";base64,")[2] for block in blocks if block["type"] == "image"]
        return Answer(failures.pop(), "\n".join(texts), pictures)

    def note_failure(context: Any) -> None:
        failures.append(context.is_error)

    failures: list[bool] = []
    options = {"client_session_timeout_seconds": 120, "custom_data_extractor": note_failure}
    agent = agents.Agent("Test")
    async with mcp.MCPServerStdio(server, **options) as connection:
        loaded = await mcp.MCPUtil.get_function_tools(connection, True, agents.RunContextWrapper(None), agent)
        by_name = {tool.name: tool for tool in loaded}
        yield Connection({name: tool.params_json_schema for name, tool in by_name.items()}, call)


run(connected)
