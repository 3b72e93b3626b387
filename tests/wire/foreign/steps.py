"""Runs a Python client through the steps, which it reads as JSON from stdin; the report is written to stdout."""

import asyncio
import importlib
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from pydantic import BaseModel

types: Any = importlib.import_module("mcp.types")  # of version 1 or 2 of the SDK

Message = dict[str, Any]
Call = Callable[[str, Message, Any], Awaitable[Any]]  # takes a tool, its arguments and a progress callback

# The client's method for each MCP method, and the field of the result that some clients return alone.
_METHODS = {
    "tools/list": ("list_tools", "tools"),
    "resources/list": ("list_resources", "resources"),
    "resources/templates/list": ("list_resource_templates", "resourceTemplates"),
    "resources/read": ("read_resource", "contents"),
    "prompts/list": ("list_prompts", "prompts"),
    "prompts/get": ("get_prompt", "messages"),
    "completion/complete": ("complete", "completion"),
}


class Steps:
    """The steps, and the user's answers to the server's questions."""

    def __init__(self) -> None:
        given = json.load(sys.stdin)
        self.server: Message = given["server"]
        self.mode: str = given["mode"]
        self._steps: list[Message] = given["steps"]
        self._step: Message = {}
        self._reported: list[Message] = []

    def answer(self, message: str, schema: Message) -> Message:
        """Record a question to the user, and return the answer of the current step."""
        self._reported[-1]["questions"].append({"message": message, "requestedSchema": schema})
        answer: Message = self._step["answer"]
        return answer

    async def take(self, client: Any, call: Call, version: str) -> None:
        """Take all steps and write the report."""
        for step in self._steps:
            self._step = step
            self._reported.append({"questions": [], "progress": []})
            try:
                await self._take(client, call, self._reported[-1])
            except Exception as error:
                details = getattr(error, "error", None)  # a protocol error has them, in both versions of the SDK
                if details is None:
                    raise
                self._reported[-1]["error"] = {"code": details.code, "message": details.message}
        json.dump({"version": version, "steps": self._reported}, sys.stdout)

    async def _take(self, client: Any, call: Call, reported: Message) -> None:
        async def on_progress(progress: float, total: float | None = None, message: str | None = None) -> None:
            reported["progress"].append([progress, message])
            if self._step.get("cancel"):
                scope.cancel()

        method, params = self._step["method"], self._step.get("params", {})
        with anyio.CancelScope() as scope:
            if method == "tools/call":
                reported["result"] = _as_json(await call(params["name"], params["arguments"], on_progress))
            else:
                reported["result"] = await _request(client, method, params)


async def _request(client: Any, method: str, params: Message) -> Any:
    name, field = _METHODS[method]
    if "ref" in params:
        reference = types.PromptReference.model_validate(params["ref"])
        arguments = params["context"]["arguments"]
        params = {"ref": reference, "argument": params["argument"], "context_arguments": arguments}
    result = _as_json(await getattr(client, name)(**params))
    return result if field in result else {field: result}


def _as_json(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, dict):
        return {name: _as_json(item) for name, item in value.items()}
    return [_as_json(item) for item in value] if isinstance(value, list) else value


def run(main: Callable[[Steps], Awaitable[None]]) -> None:
    """Run a client's program."""

    async def run_steps() -> None:
        await main(Steps())

    asyncio.run(run_steps())
