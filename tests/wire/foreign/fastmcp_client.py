"""FastMCP's client, by the methods that its users call."""

import importlib
from typing import Any

from tests.wire.foreign.steps import Message, Steps, run

fastmcp: Any = importlib.import_module("fastmcp")  # is not in our environment
elicitation: Any = importlib.import_module("fastmcp.client.elicitation")
transports: Any = importlib.import_module("fastmcp.client.transports")


async def main(steps: Steps) -> None:
    async def asked(message: str, answer_type: Any, params: Any, context: Any) -> Any:
        answer = steps.asked(message, params.requested_schema)
        if answer["action"] == "accept":
            return answer_type(**answer["content"])
        return elicitation.ElicitResult(**answer)

    async def call(tool: str, arguments: Message, heard: Any) -> Message:
        done = await client.call_tool(tool, arguments, progress_handler=heard, raise_on_error=False)
        assert (done.data is None) == (done.structured_content is None)  # the former is typed by the output schema
        told = {"content": done.content, "isError": done.is_error, "_meta": done.meta}
        return told if done.is_error else {**told, "structuredContent": done.structured_content}

    transport = transports.StdioTransport(**steps.server, keep_alive=False)
    async with fastmcp.Client(transport, mode=steps.mode, elicitation_handler=asked) as client:
        await steps.take(client, call, client.protocol_version)


run(main)
