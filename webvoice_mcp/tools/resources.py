"""Resources: what a client can show or attach without a call of a tool."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.server.mcpserver.resources import FunctionResource

from webvoice_mcp.contract.account import links
from webvoice_mcp.errors import InvalidArgument, WebVoiceError
from webvoice_mcp.orders.history import Row
from webvoice_mcp.tools._inject import App
from webvoice_mcp.tools._results import file_facts
from webvoice_mcp.tools._shelf import Running, Shelf
from webvoice_mcp.tools.account import Status, webvoice_status
from webvoice_mcp.tools.chat import Models, webvoice_list_chat_models
from webvoice_mcp.tools.speech import VoiceList, webvoice_list_voices

VOICES_OF = "webvoice://voices/{language}"

_JSON = "application/json"
_OUTPUTS = 50  # files
_ORDERS = 1000  # that are looked through for them; most chats have no file

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Offer:
    """A resource; `name` is the last part of its URI."""

    name: str
    family: str
    title: str
    description: str
    read: Callable[[Shelf], Awaitable[Facts]]


async def models(app: App) -> Models:
    """Fetch the chat models."""
    return await webvoice_list_chat_models(client=app.office.client)


async def voices(app: App) -> VoiceList:
    """Fetch the voices of all languages."""
    return await webvoice_list_voices(client=app.office.client)


async def status(app: App) -> Status:
    """Fetch whose account it is, and its credits."""
    return await webvoice_status(client=app.office.client, keys=app.office.keys)


def add_to(server: MCPServer[App], families: frozenset[str], running: Running) -> None:
    """Offer the resources of the chosen families."""
    for offer in _OFFERS:
        if offer.family in families:
            server.add_resource(
                FunctionResource(
                    uri=f"webvoice://{offer.name}",
                    name=offer.name,
                    title=offer.title,
                    description=offer.description,
                    mime_type=_JSON,
                    fn=partial(_text, running, offer.read),
                )
            )
    if "speech" in families:

        async def voices_of(language: str) -> str:
            return await _text(running, partial(_voices_of, language))

        server.resource(
            VOICES_OF,
            name="voices_of_a_language",
            title="Voices of a language",
            description="The voices of one language, e.g. webvoice://voices/en, with the ids that webvoice_tts takes.",
            mime_type=_JSON,
        )(voices_of)


async def _text(running: Running, read: Callable[[Shelf], Awaitable[Facts]]) -> str:
    try:
        facts = await read(running.shelf)
    except InvalidArgument as error:
        raise ResourceNotFoundError(f"{error.code}: {error}") from error
    except WebVoiceError as error:
        raise ResourceError(f"{error.code}: {error}") from error
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))


async def _models(shelf: Shelf) -> Facts:
    kept = await shelf.read(models)
    return kept.value.fields() | kept.facts()


async def _voices(shelf: Shelf) -> Facts:
    kept = await shelf.read(voices)
    return kept.value.fields() | kept.facts()


async def _voices_of(language: str, shelf: Shelf) -> Facts:
    kept = await shelf.read(voices)
    wanted = language.strip().casefold()
    for code, listed in kept.value.voices.items():
        if code.casefold() == wanted:
            return {"language": code, "voices": listed, "count": len(listed)} | kept.facts()
    known = ", ".join(kept.value.voices) or "none"
    raise InvalidArgument(f"No voice speaks {language[:40]!r}. Languages with voices: {known}.")


async def _account(shelf: Shelf) -> Facts:
    kept = await shelf.read(status)
    return kept.value.fields() | {"links": links(shelf.app.settings.site)} | kept.facts()


async def _outputs(shelf: Shelf) -> Facts:
    rows = await shelf.app.office.history.recent(most=_ORDERS)
    made = [(row, Path(path)) for row in rows for path in row.files if Path(path).is_absolute()][:_OUTPUTS]
    files = await anyio.to_thread.run_sync(lambda: [_output(*each) for each in made], limiter=shelf.threads)
    return {"files": files, "count": len(files)}


def _output(row: Row, path: Path) -> Facts:
    return file_facts(path) | {"tool": row.tool, "time": row.started}


_OFFERS = (
    _Offer(
        "account",
        "account",
        "Account",
        "Whose account is used, its credits, the key at work (by name), and the service's pages.",
        _account,
    ),
    _Offer(
        "outputs",
        "account",
        "Recent files",
        f"The last {_OUTPUTS} files that calls from this computer made, the newest first. Needs no network.",
        _outputs,
    ),
    _Offer(
        "models",
        "chat",
        "Chat models",
        "The models for webvoice_chat with their price per request in credits.",
        _models,
    ),
    _Offer(
        "voices", "speech", "Voices", "The voices for webvoice_tts by language, with the ids that it takes.", _voices
    ),
)
