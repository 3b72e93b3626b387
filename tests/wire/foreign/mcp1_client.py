"""The Python SDK's client, 1.x."""

import importlib
from typing import Any

import anyio

from tests.wire.foreign.steps import Message, Steps, run, types

mcp: Any = importlib.import_module("mcp")  # here it is of the other generation


async def main(steps: Steps) -> None:
    async def asked(context: Any, params: Any) -> Any:
        return types.ElicitResult(**steps.asked(params.message, params.requestedSchema))

    async def call(tool: str, arguments: Message, heard: Any) -> Any:
        number = session._request_id  # there is no other way to cancel a call
        try:
            return await session.call_tool(tool, arguments, progress_callback=heard)
        except anyio.get_cancelled_exc_class():
            cancelled = {"method": "notifications/cancelled", "params": {"requestId": number}}
            with anyio.CancelScope(shield=True):
                await session.send_notification(types.ClientNotification.model_validate(cancelled))
            raise

    async with (
        mcp.stdio_client(mcp.StdioServerParameters(**steps.server)) as (read, write),
        mcp.ClientSession(read, write, elicitation_callback=asked) as session,
    ):
        told = await session.initialize()
        await steps.take(session, call, told.protocolVersion)


run(main)
