"""Completion: values for the arguments of prompts and of the template for voices, while somebody types."""

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

from webvoice_mcp.contract.chat import DOCUMENTED_MODELS
from webvoice_mcp.contract.image import IMAGE_RULES
from webvoice_mcp.contract.speech import DEFAULT_VOICES, TRANSCRIPTION_PROVIDERS
from webvoice_mcp.contract.translation import Language, SourceLanguage
from webvoice_mcp.contract.video import IMAGE_TO_VIDEO_RULES
from webvoice_mcp.tools import resources
from webvoice_mcp.tools._inject import App
from webvoice_mcp.tools._shelf import Running, Shelf

_MOST = 100  # values that the protocol allows in an answer

# Arguments that were filled in before, by name.
Filled = Mapping[str, str]
Values = Callable[[Shelf, Filled], Awaitable[Iterable[str]]]


def add_to(server: MCPServer[App], running: Running) -> None:
    """Complete the arguments of what the server offers."""

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
        return _completion(argument.value, await values(running.shelf, filled))

    server.completion()(complete)  # type: ignore[no-untyped-call]  # the SDK's decorator has no types


def _completion(typed: str, values: Iterable[str]) -> Completion:
    """The values that fit: those that begin with what was typed, then those that hold it."""
    typed = typed.strip().casefold()
    holding = [value for value in dict.fromkeys(values) if typed in value.casefold()]
    found = sorted(holding, key=lambda value: not value.casefold().startswith(typed))
    return Completion(values=found[:_MOST], total=len(found), has_more=len(found) > _MOST)


async def _models(shelf: Shelf, _: Filled) -> Iterable[str]:
    listed = await shelf.glance(resources.models)
    return [each["id"] for each in listed.models] if listed else [each.id for each in DOCUMENTED_MODELS]


async def _voices(shelf: Shelf, filled: Filled) -> Iterable[str]:
    listed = await shelf.glance(resources.voices)
    known = DEFAULT_VOICES.items() if listed is None else _ids(listed.voices)
    language = filled.get("language", "").strip().casefold()
    return [voice for code, voice in known if not language or code.casefold() == language]


async def _spoken_languages(shelf: Shelf, _: Filled) -> Iterable[str]:
    listed = await shelf.glance(resources.voices)
    return listed.voices if listed else get_args(Language)


def _ids(voices: Mapping[str, list[dict[str, str]]]) -> Iterable[tuple[str, str]]:
    return ((code, voice["id"]) for code, listed in voices.items() for voice in listed)


def _only(values: Iterable[str]) -> Values:
    async def documented(_: Shelf, __: Filled) -> Iterable[str]:
        return values

    return documented


_VALUES: Mapping[tuple[str, str], Values] = {
    (resources.VOICES_OF, "language"): _spoken_languages,
    ("narrate", "language"): _spoken_languages,
    ("narrate", "voice"): _voices,
    ("voice_reply", "model"): _models,
    ("voice_reply", "language"): _spoken_languages,
    ("voice_reply", "voice"): _voices,
    ("transcribe_and_translate", "target_language"): _only(get_args(Language)),
    ("transcribe_and_translate", "language"): _only(get_args(SourceLanguage)),
    ("transcribe_and_translate", "provider"): _only(TRANSCRIPTION_PROVIDERS),
    ("storyboard", "provider"): _only(IMAGE_RULES),
    ("storyboard", "video_provider"): _only(IMAGE_TO_VIDEO_RULES),
}
