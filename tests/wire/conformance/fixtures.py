"""The tools that the conformance suite calls to get tasks. They run as jobs, with a scripted service."""

import json
from dataclasses import replace
from typing import Annotated

import anyio
import httpx2
from mcp.server.mcpserver import Context, Elicit, ElicitationResult, Resolve
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from pydantic import BaseModel

from tests.support import answer, example
from webvoice_mcp.jobs.run import run
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.tools.caller import McpCaller
from webvoice_mcp.tools.chat import webvoice_chat
from webvoice_mcp.tools.results import successful_result

_GETS = {"status/": "status_response", "voices/": "voices_response", "chat/models/": "models_response"}


class Service(httpx2.AsyncBaseTransport):
    """The service behind the tools: a chat's prompt says what becomes of it."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/api/v1/")
        if path in _GETS:
            return answer(example(_GETS[path]))
        prompt = json.loads(await request.aread())["messages"][-1]["content"]
        what, _, value = prompt.partition(" ")
        if what == "wait":
            await anyio.sleep(float(value))
        if what == "fail":
            return answer({"error": "It failed."}, 500)
        if what == "crash":
            raise ZeroDivisionError
        message = {"role": "assistant", "content": prompt}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        return answer({"id": "c1", "choices": choices, "webvoice": {"credits_used": 1.0, "credits_remaining": 9.0}})


class Name(BaseModel):
    """The answer to a tool's question."""

    name: str


async def ask_for_a_name() -> Elicit[Name]:
    return Elicit("Who is asking?", Name)


async def greet(name: str) -> str:
    return f"Hello, {name}!"


async def slow_compute(context: Context[Services], seconds: float = 0, label: str = "") -> CallToolResult:
    return await _as_job("slow_compute", f"wait {seconds}", context)


async def failing_job(context: Context[Services]) -> CallToolResult:
    return await _as_job("failing_job", "fail", context)


async def protocol_error_job(context: Context[Services]) -> CallToolResult:
    return await _as_job("protocol_error_job", "crash", context)


async def test_tool_with_task(
    context: Context[Services], user_name: Annotated[ElicitationResult[Name], Resolve(ask_for_a_name)]
) -> CallToolResult:
    assert user_name.action == "accept"
    return await _as_job("test_tool_with_task", f"Good day, {user_name.data.name}!", context)


async def _as_job(tool: str, prompt: str, context: Context[Services]) -> CallToolResult:
    services = context.request_context.lifespan_context
    call = replace(await webvoice_chat(prompt=prompt, stream=False), background=True)
    return await successful_result(await run(call, services, McpCaller(tool, {"prompt": prompt}, context)), services)


TOOLS = [
    Tool.from_function(greet, description="Greet somebody.", structured_output=False),
    *(
        Tool.from_function(function, description="Do something as a job.")
        for function in (slow_compute, failing_job, protocol_error_job, test_tool_with_task)
    ),
]
