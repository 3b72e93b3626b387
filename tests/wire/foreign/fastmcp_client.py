"""FastMCP's client."""

import importlib
from typing import Any

from tests.wire.foreign.steps import Message, Steps, run

fastmcp: Any = importlib.import_module("fastmcp")  # not installed in the project's environment
elicitation: Any = importlib.import_module("fastmcp.client.elicitation")
transports: Any = importlib.import_module("fastmcp.client.transports")


async def main(steps: Steps) -> None:
    async def answer(message: str, answer_type: Any, params: Any, context: Any) -> Any:
        reply = steps.answer(message, params.requested_schema)
        if reply["action"] == "accept":
            return answer_type(**reply["content"])
        return elicitation.ElicitResult(**reply)

    async def call(tool: str, arguments: Message, on_progress: Any) -> Message:
        done = await client.call_tool(tool, arguments, progress_handler=on_progress, raise_on_error=False)
        assert (done.data is None) == (done.structured_content is None)  # `data` is parsed with the output schema
        fields = {"content": done.content, "isError": done.is_error, "_meta": done.meta}
        return fields if done.is_error else {**fields, "structuredContent": done.structured_content}

    transport = transports.StdioTransport(**steps.server, keep_alive=False)
    async with fastmcp.Client(transport, mode=steps.mode, elicitation_handler=answer) as client:
        await steps.take(client, call, client.protocol_version)


run(main)
