"""What the client's tests share: calls, scripted, and what comes of them."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from tests.support import ScriptedTransport
from webvoice_mcp.client.client import Client
from webvoice_mcp.contract.account import STATUS, StatusReply
from webvoice_mcp.contract.chat import ChatRequest
from webvoice_mcp.contract.endpoint import Empty
from webvoice_mcp.contract.speech import SpeechRequest
from webvoice_mcp.contract.translation import TranslationRequest
from webvoice_mcp.errors import WebVoiceError

STATUS_BODY = {"success": True, "user": "ann", "credits": 100.0, "api_key": {"name": "k", "usage_count": 42}}
SPEECH_REQUEST = SpeechRequest(text="Hi", voice="af_sarah", language="en", speed=0.9)
TRANSLATE = TranslationRequest(text="Hi", target_language="it")
ASK = ChatRequest(model="m", messages=[{"role": "user", "content": "Hi"}], stream=True)
REFUSED = httpx2.ConnectError("refused")


class Slept:
    """Takes the place of sleeping, and remembers how long it should have been."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)


Make = Callable[..., tuple[Client, ScriptedTransport, Slept]]


def ok(body: Any) -> httpx2.Response:
    return httpx2.Response(200, json=body)


def status(client: Client) -> Awaitable[StatusReply]:
    return client.call(STATUS, Empty())


async def failure(of: Awaitable[Any], error: type[WebVoiceError]) -> WebVoiceError:
    with pytest.raises(error) as caught:
        await of
    assert type(caught.value) is error or error is WebVoiceError
    return caught.value


async def heard(_piece: str) -> None:
    """Nobody listens."""
