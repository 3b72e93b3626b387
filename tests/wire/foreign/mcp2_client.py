"""The Python SDK's client, 2.x."""

from typing import Any

from mcp import Client, StdioServerParameters
from mcp.types import ElicitRequestFormParams, ElicitResult

from tests.wire.foreign.steps import Message, Steps, run


async def main(steps: Steps) -> None:
    async def answer(context: Any, params: Any) -> ElicitResult:
        assert isinstance(params, ElicitRequestFormParams)
        return ElicitResult(**steps.answer(params.message, params.requested_schema))

    async def call(tool: str, arguments: Message, on_progress: Any) -> Any:
        return await client.call_tool(tool, arguments, progress_callback=on_progress)

    async with Client(StdioServerParameters(**steps.server), mode=steps.mode, elicitation_callback=answer) as client:
        await steps.take(client, call, client.protocol_version)


run(main)
