"""Takes a client of Python's through the steps, which come as JSON on stdin; what it saw goes as JSON to stdout."""

import asyncio
import importlib
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from pydantic import BaseModel

types: Any = importlib.import_module("mcp.types")  # of either generation of the SDK

Message = dict[str, Any]
Call = Callable[[str, Message, Any], Awaitable[Any]]  # takes a tool, its arguments and who hears of progress

# The client's methods, and what a result is in that comes by itself.
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
    """The steps, and the person at the client, who answers what is asked as the step says."""

    def __init__(self) -> None:
        given = json.load(sys.stdin)
        self.server: Message = given["server"]
        self.mode: str = given["mode"]
        self._steps: list[Message] = given["steps"]
        self._step: Message = {}
        self._seen: list[Message] = []

    def asked(self, message: str, schema: Message) -> Message:
        """What the person answers."""
        self._seen[-1]["asked"].append({"message": message, "requestedSchema": schema})
        answer: Message = self._step["answer"]
        return answer

    async def take(self, client: Any, call: Call, version: str) -> None:
        """Take all steps, and tell."""
        for step in self._steps:
            self._step = step
            self._seen.append({"asked": [], "progress": []})
            try:
                await self._take(client, call, self._seen[-1])
            except Exception as error:
                told = getattr(error, "error", None)  # of a protocol error, in both generations of the SDK
                if told is None:
                    raise
                self._seen[-1]["error"] = {"code": told.code, "message": told.message}
        json.dump({"version": version, "seen": self._seen}, sys.stdout)

    async def _take(self, client: Any, call: Call, seen: Message) -> None:
        async def heard(progress: float, total: float | None = None, message: str | None = None) -> None:
            seen["progress"].append([progress, message])
            if self._step.get("cancel"):
                calling.cancel()

        method, params = self._step["method"], self._step.get("params", {})
        with anyio.CancelScope() as calling:
            if method == "tools/call":
                seen["result"] = _plain(await call(params["name"], params["arguments"], heard))
            else:
                seen["result"] = await _asked_for(client, method, params)


async def _asked_for(client: Any, method: str, params: Message) -> Any:
    name, part = _METHODS[method]
    if "ref" in params:
        reference = types.PromptReference.model_validate(params["ref"])
        known = params["context"]["arguments"]
        params = {"ref": reference, "argument": params["argument"], "context_arguments": known}
    result = _plain(await getattr(client, name)(**params))
    return result if part in result else {part: result}


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def run(main: Callable[[Steps], Awaitable[None]]) -> None:
    """Run a client's program."""

    async def begun() -> None:
        await main(Steps())

    asyncio.run(begun())
