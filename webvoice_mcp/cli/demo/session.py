"""The state that the demo's steps share: an MCP client, its results, and access to the sandbox's own endpoints."""

import json
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import anyio.to_thread
from mcp import Client

from webvoice_mcp.cli.demo.page import Card

EMAIL = "demo@example.com"


class StepFailed(Exception):
    """A step's result is not the expected one."""


class Outcome(NamedTuple):
    """The summary of a step that passed, and its card for the page if there is anything to show."""

    summary: str
    card: Card | None = None


@dataclass(slots=True)
class Session:
    """The demo's MCP client and the results of its calls.

    Attributes:
        credits: the credits spent by the current step.
        files: the files saved by all steps so far.
    """

    client: Client
    base_url: str
    credits: float = 0.0
    files: list[Path] = field(default_factory=list)

    @property
    def pictures(self) -> list[Path]:
        """The images among the files."""
        return [path for path in self.files if path.suffix in {".png", ".jpg", ".webp"}]

    async def call(self, tool: str, arguments: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """Call a tool and return its structured result.

        Raises:
            StepFailed: the call failed.
        """
        result = await self.client.call_tool(tool, arguments or {}, **options)
        if result.is_error:
            raise StepFailed("".join(block.text for block in result.content if block.type == "text"))
        fields: dict[str, Any] = result.structured_content or {}
        self.credits += fields.get("credits_used") or 0.0
        self.files += [Path(file["path"]) for file in fields.get("files") or ()]
        return fields

    async def ask_sandbox(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request to one of the sandbox's own endpoints, which are not part of WebVoice's API."""
        site = self.base_url.removesuffix("/api/v1")
        answer: dict[str, Any] = await anyio.to_thread.run_sync(_fetch, f"{site}/sandbox/{path}", body)
        return answer

    async def read_inbox(self) -> list[dict[str, Any]]:
        """Return the mail that the sandbox has sent, newest last."""
        mail: list[dict[str, Any]] = (await self.ask_sandbox(f"inbox/?email={EMAIL}"))["messages"]
        return mail


class Step(NamedTuple):
    """One step of the demo: its name, the tool that it calls, and the function that runs it."""

    name: str
    tool: str
    run: Callable[[Session], Awaitable[Outcome]]


def expect(condition: bool, complaint: str) -> None:  # noqa: FBT001 - reads like an assert statement
    """Raise StepFailed with the complaint unless the condition holds."""
    if not condition:
        raise StepFailed(complaint)


def _fetch(url: str, body: dict[str, Any] | None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - our own sandbox
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy: the sandbox is on loopback
    with opener.open(request, timeout=10) as answer:
        return json.load(answer)
