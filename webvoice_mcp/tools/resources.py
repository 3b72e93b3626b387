"""Resources: data that a client can show or attach without calling a tool."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.server.mcpserver.resources import FunctionResource

from webvoice_mcp.contract.account import links
from webvoice_mcp.errors import InvalidArgument, WebVoiceError
from webvoice_mcp.jobs.history import HistoryRow
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.tools.account import Status, webvoice_status
from webvoice_mcp.tools.cache import RunningServer, TTLCache
from webvoice_mcp.tools.chat import Models, webvoice_list_chat_models
from webvoice_mcp.tools.results import bounded, compact_json, describe_file
from webvoice_mcp.tools.speech import VoiceList, webvoice_list_voices

VOICES_OF = "webvoice://voices/{language}"

_JSON = "application/json"
_LISTED_FILES = 50
_SEARCHED_JOBS = 1000  # for these files; most chats have none

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _OfferedResource:
    """A resource. Its name is the last part of its URI."""

    name: str
    family: str
    title: str
    description: str
    read: Callable[[TTLCache], Awaitable[Facts]]


async def models(services: Services) -> Models:
    """Fetch the chat models."""
    return await webvoice_list_chat_models(client=services.free_client)


async def voices(services: Services) -> VoiceList:
    """Fetch the voices of all languages."""
    return await webvoice_list_voices(client=services.free_client)


async def status(services: Services) -> Status:
    """Fetch the account and its credits."""
    return await webvoice_status(client=services.free_client, keys=services.keys)


def add_to(server: MCPServer[Services], families: frozenset[str], running: RunningServer) -> None:
    """Add the resources of the chosen families."""
    for resource in _RESOURCES:
        if resource.family in families:
            server.add_resource(
                FunctionResource(
                    uri=f"webvoice://{resource.name}",
                    name=resource.name,
                    title=resource.title,
                    description=resource.description,
                    mime_type=_JSON,
                    fn=partial(_text, running, resource.read),
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


async def _text(running: RunningServer, read: Callable[[TTLCache], Awaitable[Facts]]) -> str:
    try:
        facts = await read(running.cache)
    except InvalidArgument as error:
        raise ResourceNotFoundError(f"{error.code}: {error}") from error
    except WebVoiceError as error:
        raise ResourceError(f"{error.code}: {error}") from error
    return compact_json(await bounded(facts))


async def _models(cache: TTLCache) -> Facts:
    cached = await cache.fetch(models)
    return cached.value.fields() | cached.facts()


async def _voices(cache: TTLCache) -> Facts:
    cached = await cache.fetch(voices)
    return cached.value.fields() | cached.facts()


async def _voices_of(language: str, cache: TTLCache) -> Facts:
    cached = await cache.fetch(voices)
    searched = language.strip().casefold()
    for code, listed in cached.value.voices.items():
        if code.casefold() == searched:
            return {"language": code, "voices": listed, "count": len(listed)} | cached.facts()
    known = ", ".join(cached.value.voices) or "none"
    raise InvalidArgument(f"No voice speaks {language[:40]!r}. Languages with voices: {known}.")


async def _account(cache: TTLCache) -> Facts:
    cached = await cache.fetch(status)
    return cached.value.fields() | {"links": links(cache.services.settings.site)} | cached.facts()


async def _outputs(cache: TTLCache) -> Facts:
    rows = await cache.services.history.recent(limit=_SEARCHED_JOBS)
    saved = [(row, Path(path)) for row in rows for path in row.files if Path(path).is_absolute()][:_LISTED_FILES]
    files = await cache.threads.run(lambda: [_describe(row, path) for row, path in saved])
    return {"files": files, "count": len(files)}


def _describe(row: HistoryRow, path: Path) -> Facts:
    return describe_file(path) | {"tool": row.tool, "time": row.started}


_RESOURCES = (
    _OfferedResource(
        "account",
        "account",
        "Account",
        "Whose account is used, its credits, the key at work (by name), and the service's pages.",
        _account,
    ),
    _OfferedResource(
        "outputs",
        "account",
        "Recent files",
        f"The last {_LISTED_FILES} files that calls from this computer made, the newest first. Needs no network.",
        _outputs,
    ),
    _OfferedResource(
        "models",
        "chat",
        "Chat models",
        "The models for webvoice_chat with their price per request in credits.",
        _models,
    ),
    _OfferedResource(
        "voices", "speech", "Voices", "The voices for webvoice_tts by language, with the ids that it takes.", _voices
    ),
)
