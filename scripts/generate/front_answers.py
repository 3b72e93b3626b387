"""Generates webvoice_mcp/cli/front.json: what the server answers to the requests with which clients begin."""

import asyncio
import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from mcp.client._memory import InMemoryTransport
from mcp.server.apps import APP_MIME_TYPE
from mcp.server.mcpserver import MCPServer
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from webvoice_mcp.cli.front import ANSWERS, SITE, describe
from webvoice_mcp.server import create_server
from webvoice_mcp.settings import TOOLSETS, Settings

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "python3 scripts/snapshots.py"

Message = dict[str, Any]

HANDSHAKE_REVISIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS_REVISION = "2026-07-28"
LISTS = {"tools/list": "tools", "prompts/list": "prompts", "resources/templates/list": "resourceTemplates"}
"""The lists that depend only on the client and the settings, by their methods."""

_PREFIX = "io.modelcontextprotocol/"
_KNOWN: Message = {
    f"{_PREFIX}ui": {"mimeTypes": [APP_MIME_TYPE]},
    f"{_PREFIX}skills": {},
    f"{_PREFIX}tasks": {},
}

EXTENSIONS: tuple[Message, ...] = tuple(
    dict(some) for count in range(len(_KNOWN) + 1) for some in combinations(_KNOWN.items(), count)
)
"""Extensions that clients declare and whose answers are known; with other settings a client is served by the SDK."""

_CLIENT_INFO = {"name": "generator", "version": "0"}


def opening(revision: str, capabilities: Message | None = None) -> list[Message]:
    """Return the requests that the front may answer to a client, the first one first."""
    if revision != STATELESS_REVISION:
        hello = {"protocolVersion": revision, "capabilities": capabilities or {}, "clientInfo": _CLIENT_INFO}
        requests: list[tuple[str, Message]] = [("initialize", hello), *((method, {}) for method in ("ping", *LISTS))]
    else:
        meta = {"protocolVersion": revision, "clientInfo": _CLIENT_INFO, "clientCapabilities": capabilities or {}}
        params = {"_meta": {f"{_PREFIX}{name}": value for name, value in meta.items()}}
        requests = [(method, params) for method in ("server/discover", "ping", *LISTS)]
    return [
        {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        for number, (method, params) in enumerate(requests)
    ]


async def sdk_answers(server: MCPServer[Any], requests: Sequence[Message]) -> list[Message]:
    """Return the SDK's answers to these requests, as they would be written to stdout."""
    answers = []
    async with InMemoryTransport(server) as (incoming, outgoing):
        for request in requests:
            await outgoing.send(SessionMessage(jsonrpc_message_adapter.validate_python(request)))
            answer = await incoming.receive()
            assert isinstance(answer, SessionMessage)
            answers.append(answer.message.model_dump(mode="json", by_alias=True, exclude_unset=True))
    return answers


async def generate() -> str:
    """Return the text of the file: a line about what it is for, and its content."""
    items: list[Message] = []
    families = await _families()

    def described(method: str, result: Message) -> Message:
        if method not in LISTS:
            return {"result": result}
        listed = result.pop(LISTS[method])
        items.extend(item for item in listed if item not in items)
        numbers = [[items.index(item), families[method, item["name"]]] for item in listed]
        return {"result": result, "list": LISTS[method], "items": numbers}

    clients: list[Message] = []
    for revision in (*HANDSHAKE_REVISIONS, STATELESS_REVISION):
        for extensions in EXTENSIONS:
            requests = opening(revision, {"extensions": extensions} if extensions else {})
            answers = zip(requests, await sdk_answers(_server(TOOLSETS), requests), strict=True)
            known = {
                request["method"]: described(request["method"], answer["result"])
                for request, answer in answers
                if "result" in answer
            }
            same = (one for one in clients if (one["revision"], one["answers"]) == (revision, known))
            if client := next(same, None):
                client["extensions"].append(extensions)
            else:
                clients.append({"revision": revision, "extensions": [extensions], "answers": known})
    lists = f'"clients": [\n{_lines(clients)}\n], "items": [\n{_lines(items)}\n]'
    text = f'{{"extensions": {json.dumps(list(_KNOWN))}, {lists}}}\n'
    return f"{json.dumps(describe(text))}\n{text}"


def renew() -> list[str]:
    """Write the file if it is out of date, and return its path then."""
    text = asyncio.run(generate())
    if ANSWERS.exists() and ANSWERS.read_text(encoding="utf-8") == text:
        return []
    ANSWERS.write_text(text, encoding="utf-8", newline="\n")
    return [ANSWERS.relative_to(ROOT).as_posix()]


def _lines(values: list[Message]) -> str:
    return ",\n".join(json.dumps(value, ensure_ascii=False) for value in values)


async def _families() -> dict[tuple[str, str], list[str]]:
    """Return the families of tools that each listed item needs, by the list's method and the item's name."""
    requests = opening(HANDSHAKE_REVISIONS[-1], {"extensions": EXTENSIONS[-1]})
    without = {family: _names(await sdk_answers(_server(TOOLSETS - {family}), requests)) for family in TOOLSETS}
    items = _names(await sdk_answers(_server(TOOLSETS), requests))
    return {item: sorted(family for family, names in without.items() if item not in names) for item in items}


def _names(answers: list[Message]) -> set[tuple[str, str]]:
    results = [answer["result"] for answer in answers]
    return {
        (method, item["name"])
        for method, member in LISTS.items()
        for result in results
        for item in result.get(member, ())
    }


def _server(families: frozenset[str]) -> MCPServer[Any]:
    base_url = f"{SITE}/api/v1"
    return create_server(Settings.read({"WEBVOICE_TOOLSETS": ",".join(families), "WEBVOICE_BASE_URL": base_url}))
