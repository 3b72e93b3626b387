"""The MCP SDK's own client over a real pipe. `test_wire_foreign.py` tests the other clients and revisions."""

import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from tests.support import failed, fields
from tests.wire.calls import CALLS
from tests.wire.sandbox_service import SandboxService
from tests.wire_driver import STATELESS_VERSION, environment


@pytest.mark.wide
async def test_the_sdks_client_lists_tools_calls_them_and_receives_progress(
    tmp_path: Path, sandbox: SandboxService
) -> None:
    messages: list[str] = []
    counts: list[float] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        counts.append(progress)
        messages.append(message or "")

    environ = environment(tmp_path, {"BASE_URL": sandbox.base_url, "API_KEY": sandbox.register("a@example.com")})
    server = StdioServerParameters(command=sys.executable, args=["-m", "webvoice_mcp"], env=environ)
    async with Client(server, mode="auto") as client:
        assert client.protocol_version == STATELESS_VERSION
        assert {tool.name for tool in (await client.list_tools()).tools} == set(CALLS)
        status = fields(await client.call_tool("webvoice_status", {}))
        refused = failed(await client.call_tool("webvoice_tts", {"text": " "}))
        arguments = {"prompt": "Say 'one two three four five six'"}
        streamed = fields(await client.call_tool("webvoice_chat", arguments, progress_callback=on_progress))
        whole = fields(await client.call_tool("webvoice_chat", arguments))
    assert (status["key_source"], status["credits"]) == ("environment", 20.0)
    assert refused.startswith("invalid_argument: text is blank")
    assert "".join(messages) == streamed["text"] == whole["text"]
    assert counts == sorted(set(counts))
    assert whole["credits_remaining"] == 16.0
