"""The calls that plain requests should become, in requests.md, fit the tools' schemas."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema

ROW = re.compile(r"^\| .+ \| `(?P<tool>webvoice_\w+)` \| `(?P<arguments>.+)` \|$", re.MULTILINE)
PAGE = Path(__file__).with_name("requests.md").read_text(encoding="utf-8")


def test_every_tool_is_asked_for_by_a_call_that_fits_its_schema(tools: list[dict[str, Any]]) -> None:
    rows = list(ROW.finditer(PAGE))
    assert len(rows) == PAGE.count("| `webvoice_")
    assert {row["tool"] for row in rows} == {tool["name"] for tool in tools}
    schemas = {tool["name"]: tool["inputSchema"] for tool in tools}
    for row in rows:
        jsonschema.Draft202012Validator(schemas[row["tool"]]).validate(json.loads(row["arguments"]))
