"""The table of requests: what is expected can be called."""

import json
import re
from pathlib import Path

import anyio
import jsonschema
import pytest

from tests import catalogue
from tests.catalogue import Tool

PAGE = (Path(__file__).resolve().parent.parent / "docs/REQUESTS.md").read_text(encoding="utf-8")
ROWS: list[tuple[str, str]] = re.findall(r"^\| .+ \| `(webvoice_\w+)` \| `(.+)` \|$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def tools() -> dict[str, Tool]:
    return {tool["name"]: tool for tool in anyio.run(catalogue.listed)}


@pytest.mark.parametrize(("tool", "arguments"), ROWS)
def test_the_call_that_a_request_should_become_fits_the_schema(
    tools: dict[str, Tool], tool: str, arguments: str
) -> None:
    jsonschema.Draft202012Validator(tools[tool]["inputSchema"]).validate(json.loads(arguments))


def test_thirty_requests_ask_for_every_tool(tools: dict[str, Tool]) -> None:
    assert len(ROWS) == 30
    assert {tool for tool, _ in ROWS} == set(tools)
