"""Our own texts point to tools, settings and commands that exist, and never to a path of the API."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import webvoice_mcp
from tests.tools.calls import TOOLS
from webvoice_mcp.cli.help_text import HELP_TEXT
from webvoice_mcp.client.hints import TOOLS_BY_PATH, tools_for_paths_in
from webvoice_mcp.settings import SETTINGS

pytestmark = pytest.mark.untraced

PACKAGE = Path(webvoice_mcp.__file__).parent
# The sandbox speaks as the service does, and the contract quotes its documentation.
SPEAKING_OF_PATHS = {"sandbox", "contract"}
NO_COMMANDS = {"runs", "starts", "found", "command", "server"}  # words behind the program's name

_REQUEST = re.compile(r"\b(GET|POST|PUT|DELETE|PATCH) /?[a-z{]|/api/v1/\w")


@cache
def sentences() -> tuple[tuple[str, str], ...]:
    """Return what may be shown, with its place in the source: strings that have a space and are no docstrings."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        if place.parts[0] in SPEAKING_OF_PATHS:
            continue
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        constants = [node for node in nodes if isinstance(node, ast.Constant) and id(node) not in docstrings]
        texts = [(f"{place}:{node.lineno}", node.value) for node in constants if isinstance(node.value, str)]
        found += [(where, text) for where, text in texts if " " in text]
    return tuple(found)


def test_no_text_of_ours_points_to_a_path_of_the_api() -> None:
    assert len(sentences()) > 500
    assert [(place, text) for place, text in sentences() if _REQUEST.search(text) or tools_for_paths_in(text)] == []


def test_no_error_names_the_path_of_an_endpoint() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] in SPEAKING_OF_PATHS:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        raised = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc]
        for_programmers = [error for error in raised if ast.unparse(error).startswith("TypeError(")]
        excused = {id(node) for error in for_programmers for node in ast.walk(error)}
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) and id(node) not in excused]
        found += [ast.unparse(node) for node in texts if re.search(r" .*endpoint\.path\}", ast.unparse(node))]
    assert found == []


@pytest.mark.parametrize("text", ["GET models/ lists them", "call /api/v1/status/", "see chat/completions/ first"])
def test_a_path_in_a_text_would_be_found(text: str) -> None:
    assert _REQUEST.search(text) or tools_for_paths_in(text)


def test_every_tool_setting_and_command_that_a_text_names_exists() -> None:
    settings = {setting.name for setting in SETTINGS}
    commands = {*re.findall(r"^  ([a-z]+) ", HELP_TEXT, re.MULTILINE), "worker"}  # servers start it, so help lacks it
    for place, text in sentences():
        assert set(re.findall(r"\bwebvoice_[a-z_]+\b", text)) - {"webvoice_mcp"} <= set(TOOLS), (place, text)
        assert set(re.findall(r"\bWEBVOICE_[A-Z_]*", text)) <= settings, (place, text)
        assert set(re.findall(r"\bwebvoice-mcp ([a-z]+)", text)) - NO_COMMANDS <= commands, (place, text)


def test_every_path_of_the_api_has_a_tool_that_exists() -> None:
    assert set(TOOLS_BY_PATH.values()) <= set(TOOLS)
