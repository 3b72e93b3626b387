"""The Python SDK's client, 1.x."""

import importlib
from typing import Any

import anyio

from tests.wire.foreign.steps import Message, Steps, run, types

mcp: Any = importlib.import_module("mcp")  # not the version in the project's environment


async def main(steps: Steps) -> None:
    async def answer(context: Any, params: Any) -> Any:
        return types.ElicitResult(**steps.answer(params.message, params.requestedSchema))

    async def call(tool: str, arguments: Message, on_progress: Any) -> Any:
        request_id = session._request_id  # the session has no method to cancel a call
        try:
            return await session.call_tool(tool, arguments, progress_callback=on_progress)
        except anyio.get_cancelled_exc_class():
            cancelled = {"method": "notifications/cancelled", "params": {"requestId": request_id}}
            with anyio.CancelScope(shield=True):
                await session.send_notification(types.ClientNotification.model_validate(cancelled))
            raise

    async with (
        mcp.stdio_client(mcp.StdioServerParameters(**steps.server)) as (read, write),
        mcp.ClientSession(read, write, elicitation_callback=answer) as session,
    ):
        described = await session.initialize()
        await steps.take(session, call, described.protocolVersion)


run(main)
