"""Entries of clients' files: which ones run this server, and their text without secrets."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.cli.clients.entries import HIDDEN, hide_values, runs_this_server
from webvoice_mcp.cli.clients.mcp_clients import MCP_CLIENTS, UVX, ServerCommand

SECRET = "S3CRET"

OURS: list[dict[str, Any]] = [
    {"command": "webvoice-mcp"},
    {"command": "/opt/x/bin/webvoice-mcp", "args": []},
    {"command": "C:\\\\x\\\\Scripts\\\\webvoice-mcp.exe"},
    {"command": "uvx", "args": ["webvoice-mcp"]},
    {"command": "uvx", "args": ["webvoice-mcp@0.3.0"]},
    {"command": "uvx", "args": ["--from", "webvoice-mcp[sandbox]==0.3", "webvoice-mcp"]},
    {"command": "uvx", "args": ["--from", "git+https://x.example/y/webvoice-mcp.git", "start"]},
    {"command": "python", "args": ["-m", "webvoice_mcp"]},
    {"command": "python", "args": ["/src/webvoice_mcp/__main__.py"]},
    {"command": "docker", "args": ["run", "-i", "--rm", "-e", "WEBVOICE_API_KEY", "x.example/webvoice-mcp:1"]},
    {"command": "cmd", "args": ["/c", "uvx webvoice-mcp"]},
    {"command": "sh -c webvoice-mcp"},
]
FOREIGN: list[Any] = [
    None,
    "webvoice-mcp",
    {},
    {"command": "webvoice"},
    {"command": "npx", "args": ["-y", "webvoice-mcp-player"]},
    {"command": "npx", "args": "webvoice"},
    {"command": "/opt/webvoice-mcp/bin/player", "args": [1, None]},
    {"url": "https://x.example/webvoice-mcp"},
    {"command": "my-webvoice-mcp"},
]


@pytest.mark.parametrize("entry", OURS)
def test_an_entry_that_runs_this_package_is_ours(entry: dict[str, Any]) -> None:
    assert runs_this_server(entry)


@pytest.mark.parametrize("entry", FOREIGN)
def test_an_entry_that_runs_anything_else_is_not_ours(entry: Any) -> None:
    assert not runs_this_server(entry)


def test_every_entry_that_we_write_is_ours_and_fully_shown() -> None:
    for client in MCP_CLIENTS:
        for server in (UVX, ServerCommand("/opt/my apps/webvoice-mcp")):
            entry = client.create_entry(server)
            assert runs_this_server(entry)
            assert hide_values(entry) == entry


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        ({"args": ["--api-key=S3CRET", "--api-key", "S3CRET"]}, {"args": ["--api-key=…", "--api-key", HIDDEN]}),
        ({"args": ["-H", "X-Key: S3CRET", "-pS3CRET", "S3CRET=1", 5]}, {"args": ["-H", HIDDEN, "-p…", HIDDEN, HIDDEN]}),
        ({"args": ["https://u:S3CRET@x.example/webvoice-mcp"]}, {"args": [HIDDEN]}),
        ({"args": ["-m", "webvoice_mcp", "webvoice-mcp@1.2"]}, {"args": ["-m", "webvoice_mcp", "webvoice-mcp@1.2"]}),
        ({"args": "--key S3CRET"}, {"args": HIDDEN}),
        ({"command": "env KEY=S3CRET webvoice-mcp --k=S3CRET"}, {"command": "env KEY=… webvoice-mcp --k=…"}),
        (
            {"env": {"A": "S3CRET", "B": 1}, "headers": {"C": "S3CRET"}},
            {"env": {"A": "…", "B": 1}, "headers": {"C": "…"}},
        ),
        ({"url": "https://u:S3CRET@x.example:1/S3CRET?k=S3CRET#S3CRET"}, {"url": "https://x.example/…"}),
        ({"url": "https://[S3CRET"}, {"url": HIDDEN}),
        ({"token": "S3CRET", "more": [{"a": ["S3CRET"]}]}, {"token": HIDDEN, "more": [{"a": [HIDDEN]}]}),
        (
            {"type": "stdio", "disabled": True, "timeout": 60, "x": None},
            {"type": "stdio", "disabled": True, "timeout": 60, "x": None},
        ),
        ("S3CRET", HIDDEN),
        (["S3CRET"], [HIDDEN]),
    ],
)
def test_values_are_hidden_and_names_stay(entry: Any, shown: Any) -> None:
    assert hide_values(entry) == shown


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(SECRET) | st.just(f"x {SECRET}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
_arguments = st.sampled_from([SECRET, f"--key={SECRET}", f"-k{SECRET}", f"KEY={SECRET}", f"a:{SECRET}@h/webvoice-mcp"])
_names = st.sampled_from(["env", "headers", "url", "cwd", "token", "autoApprove"])


@given(st.dictionaries(_names, _json), st.lists(_arguments | _json))
def test_no_value_of_any_entry_is_shown(fields: dict[str, Any], args: list[Any]) -> None:
    shown = json.dumps(hide_values({**fields, "command": "webvoice-mcp", "args": args}))
    assert SECRET not in shown
    assert '"command": "webvoice-mcp"' in shown
