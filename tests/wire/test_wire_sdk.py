"""The SDK's own client, over a real pipe."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp import Client, StdioServerParameters

from tests.support import failed, fields
from tests.wire.world import Play
from tests.wire_driver import environment
from webvoice_mcp.settings import TOOLSETS
from webvoice_mcp.tools.catalogue import offered

Mode = Literal["legacy", "auto"]


@asynccontextmanager
async def connected(home: Path, play: Play, mode: Mode, **variables: Any) -> AsyncIterator[Client]:
    environ = environment(home, {"BASE_URL": play.base_url, **variables})
    server = StdioServerParameters(command=sys.executable, args=["-m", "webvoice_mcp"], env=environ)
    async with Client(server, mode=mode) as client:
        yield client


@pytest.mark.parametrize(("mode", "version"), [("legacy", "2025-11-25"), ("auto", "2026-07-28")])
async def test_the_sdks_client_lists_and_calls_and_hears_progress(
    tmp_path: Path, play: Play, mode: Mode, version: str
) -> None:
    pieces: list[str] = []
    counts: list[float] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        counts.append(progress)
        pieces.append(message or "")

    key = play.register(f"{mode}@example.com")
    async with connected(tmp_path, play, mode, API_KEY=key) as client:
        assert client.protocol_version == version
        assert [tool.name for tool in (await client.list_tools()).tools] == [each.name for each in offered(TOOLSETS)]
        status = fields(await client.call_tool("webvoice_status", {}))
        refused = failed(await client.call_tool("webvoice_tts", {"text": " "}))
        asked = {"prompt": "Say 'one two three four five six'"}
        streamed = fields(await client.call_tool("webvoice_chat", asked, progress_callback=heard))
        whole = fields(await client.call_tool("webvoice_chat", asked))
    assert (status["key_source"], status["credits"]) == ("environment", 20.0)
    assert refused.startswith("invalid_argument: text is blank")
    assert "".join(pieces) == streamed["text"] == whole["text"]
    assert counts == sorted(set(counts))
    assert whole["credits_remaining"] == 16.0
