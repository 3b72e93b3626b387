"""Completion of the arguments of prompts and of the voices template while the user types."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import get_args

from mcp import MCPError
from mcp.server.mcpserver import MCPServer
from mcp.types import (
    INVALID_PARAMS,
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from webvoice_mcp.contract.image import IMAGE_RULES
from webvoice_mcp.contract.models import DOCUMENTED_MODELS
from webvoice_mcp.contract.speech import DEFAULT_VOICES, TRANSCRIPTION_PROVIDERS
from webvoice_mcp.contract.translation import Language, SourceLanguage
from webvoice_mcp.contract.video import IMAGE_TO_VIDEO_RULES
from webvoice_mcp.jobs.services import Services
from webvoice_mcp.tools import file_resources, resources
from webvoice_mcp.tools.cache import RunningServer, TTLCache

_MAX_VALUES = 100  # the protocol allows no more in an answer

Filled = Mapping[str, str]
"""The arguments that are already filled in, by name."""
Values = Callable[[TTLCache, Filled], Awaitable[Iterable[str]]]


def add_to(server: MCPServer[Services], running: RunningServer) -> None:
    """Complete the arguments of prompts and resource templates that the server offers."""

    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        name = ref.name if isinstance(ref, PromptReference) else ref.uri
        offered = [prompt.name for prompt in await server.list_prompts()]
        offered += [template.uri_template for template in await server.list_resource_templates()]
        if name not in offered:
            raise MCPError(INVALID_PARAMS, f"There is nothing to complete in {name[:80]!r}.")
        values = _VALUES.get((name, argument.name))
        if values is None:
            return None
        filled = (context.arguments if context else None) or {}
        return _completion(argument.value, await values(running.cache, filled))

    server.completion()(complete)  # type: ignore[no-untyped-call]  # the SDK's decorator has no types


def _completion(typed: str, values: Iterable[str]) -> Completion:
    """Return the values that contain the typed text; those that begin with it come first."""
    typed = typed.strip().casefold()
    matching = [value for value in dict.fromkeys(values) if typed in value.casefold()]
    found = sorted(matching, key=lambda value: not value.casefold().startswith(typed))
    return Completion(values=found[:_MAX_VALUES], total=len(found), has_more=len(found) > _MAX_VALUES)


async def _models(cache: TTLCache, _: Filled) -> Iterable[str]:
    listed = await cache.peek(resources.models)
    return [model["id"] for model in listed.models] if listed else [model.id for model in DOCUMENTED_MODELS]


async def _voices(cache: TTLCache, filled: Filled) -> Iterable[str]:
    listed = await cache.peek(resources.voices)
    known = DEFAULT_VOICES.items() if listed is None else _ids(listed.voices)
    language = filled.get("language", "").strip().casefold()
    return [voice for code, voice in known if not language or code.casefold() == language]


async def _spoken_languages(cache: TTLCache, _: Filled) -> Iterable[str]:
    listed = await cache.peek(resources.voices)
    return listed.voices if listed else get_args(Language)


def _ids(voices: Mapping[str, list[dict[str, str]]]) -> Iterable[tuple[str, str]]:
    return ((code, voice["id"]) for code, listed in voices.items() for voice in listed)


def _documented(values: Iterable[str]) -> Values:
    async def values_of(_: TTLCache, __: Filled) -> Iterable[str]:
        return values

    return values_of


async def _jobs(cache: TTLCache, _: Filled) -> Iterable[str]:
    return await file_resources.jobs_with_files(cache.services)


async def _numbers(cache: TTLCache, filled: Filled) -> Iterable[str]:
    return await file_resources.numbers_of_files(cache.services, filled.get("job", ""))


_VALUES: Mapping[tuple[str, str], Values] = {
    (resources.VOICES_OF, "language"): _spoken_languages,
    (file_resources.FILE_OF_A_JOB, "job"): _jobs,
    (file_resources.FILE_OF_A_JOB, "number"): _numbers,
    ("narrate", "language"): _spoken_languages,
    ("narrate", "voice"): _voices,
    ("audiobook", "language"): _spoken_languages,
    ("audiobook", "voice"): _voices,
    ("audiobook", "subtitles"): _documented(("srt", "vtt")),
    ("podcast", "language"): _spoken_languages,
    ("voice_reply", "model"): _models,
    ("voice_reply", "language"): _spoken_languages,
    ("voice_reply", "voice"): _voices,
    ("transcribe_and_translate", "target_language"): _documented(get_args(Language)),
    ("transcribe_and_translate", "language"): _documented(get_args(SourceLanguage)),
    ("transcribe_and_translate", "provider"): _documented(TRANSCRIPTION_PROVIDERS),
    ("dub", "target_language"): _documented(get_args(Language)),
    ("dub", "language"): _documented(get_args(SourceLanguage)),
    ("dub", "voice"): _voices,
    ("storyboard", "provider"): _documented(IMAGE_RULES),
    ("storyboard", "video_provider"): _documented(IMAGE_TO_VIDEO_RULES),
}
