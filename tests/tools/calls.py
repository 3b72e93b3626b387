"""Calls that the tests of several tools make."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.support import ScriptedTransport, connected, failed
from webvoice_mcp.settings import TOOLSETS, Settings
from webvoice_mcp.tools.catalogue import offered
from webvoice_mcp.tools.toolset import RegisteredTool

BOTH_ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])
"""Run a test with the handshake of the older protocol revisions, and with the stateless revision."""

TOOLS: dict[str, RegisteredTool] = {tool.name: tool for tool in offered(TOOLSETS)}
"""All tools by name."""


async def check_refused(settings: Settings, tool: str, expected: Sequence[tuple[dict[str, Any], str]]) -> None:
    """Check that calls of a tool fail with texts that begin as expected, and that nothing is requested."""
    service = ScriptedTransport()
    async with connected(settings, service) as client:
        texts = [failed(await client.call_tool(tool, arguments)) for arguments, _ in expected]
    for (arguments, beginning), text in zip(expected, texts, strict=True):
        assert text.startswith(beginning), (arguments, text)
    assert service.requests == []
