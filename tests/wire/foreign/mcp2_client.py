"""The Python SDK's client, 2.x."""

from typing import Any

from mcp import Client, StdioServerParameters
from mcp.types import ElicitRequestFormParams, ElicitResult

from tests.wire.foreign.steps import Message, Steps, run


async def main(steps: Steps) -> None:
    async def asked(context: Any, params: Any) -> ElicitResult:
        assert isinstance(params, ElicitRequestFormParams)
        return ElicitResult(**steps.asked(params.message, params.requested_schema))

    async def call(tool: str, arguments: Message, heard: Any) -> Any:
        return await client.call_tool(tool, arguments, progress_callback=heard)

    async with Client(StdioServerParameters(**steps.server), mode=steps.mode, elicitation_callback=asked) as client:
        await steps.take(client, call, client.protocol_version)


run(main)
