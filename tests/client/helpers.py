"""Helpers for the client's tests: requests, scripted answers, and the errors that they cause."""

from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any, cast

import httpx2
import pytest
from hypothesis import HealthCheck, settings

from tests.support import ChunkedBody, ScriptedTransport
from webvoice_mcp.client.client import Client
from webvoice_mcp.contract.account import STATUS, StatusReply
from webvoice_mcp.contract.chat import ChatRequest
from webvoice_mcp.contract.endpoint import Empty, Endpoint, FreeEndpoint, PaidEndpoint, Q, R
from webvoice_mcp.contract.speech import SpeechRequest
from webvoice_mcp.contract.translation import TRANSLATION, TranslationReply, TranslationRequest
from webvoice_mcp.errors import WebVoiceError

STATUS_BODY = {"success": True, "user": "ann", "credits": 100.0, "api_key": {"name": "k", "usage_count": 42}}
SPEECH_REQUEST = SpeechRequest(text="Hi", voice="af_sarah", language="en", speed=0.9)
TRANSLATION_REQUEST = TranslationRequest(text="Hi", target_language="it")
CHAT_REQUEST = ChatRequest(model="m", messages=[{"role": "user", "content": "Hi"}], stream=True)
REFUSED = httpx2.ConnectError("refused")
# For property-based tests on busy machines. The examples of a test may share its fixtures.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])

SPENT = "Credits may have been spent: see webvoice_jobs and webvoice_usage before you repeat the call."


class FakeSleep:
    """Replaces `anyio.sleep` and records the pauses."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)


MakeClient = Callable[..., tuple[Client, ScriptedTransport, FakeSleep]]


def ok(body: Any) -> httpx2.Response:
    return httpx2.Response(200, json=body)


def raw(body: bytes) -> httpx2.Response:
    return httpx2.Response(200, content=body)


def event_stream(*pieces: bytes | Exception) -> httpx2.Response:
    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=ChunkedBody(pieces))


async def sent(body: AsyncIterable[bytes]) -> bytes:
    """Return all bytes of a body."""
    return b"".join([block async for block in body])


async def call(client: Client, endpoint: Endpoint[Q, R], request: Q) -> R:
    """Call a free or a paid endpoint."""
    if isinstance(endpoint, PaidEndpoint):
        return cast("R", await client.call_paid(endpoint, request))
    assert isinstance(endpoint, FreeEndpoint)
    return cast("R", await client.call(endpoint, request))


async def status(client: Client) -> StatusReply:
    """Make a free GET."""
    return await client.call(STATUS, Empty())


async def translate(client: Client) -> TranslationReply:
    """Make a paid POST."""
    return await client.call_paid(TRANSLATION, TRANSLATION_REQUEST)


async def caught(awaitable: Awaitable[Any], error: type[WebVoiceError]) -> WebVoiceError:
    """Return the raised error, which must be of exactly this class."""
    with pytest.raises(error) as info:
        await awaitable
    assert type(info.value) is error
    return info.value


async def ignore_text(_piece: str) -> None:
    """Do nothing with a piece of text."""
