"""Completion, through MCP, with scripted replies of the service."""

from typing import get_args

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.types import INVALID_PARAMS, Completion, PromptReference, ResourceTemplateReference

from tests.support import MakeSettings, ScriptedTransport, answer, connected
from tests.tools.calls import BOTH_ERAS
from webvoice_mcp.contract.image import IMAGE_RULES
from webvoice_mcp.contract.models import DOCUMENTED_MODELS
from webvoice_mcp.contract.speech import TRANSCRIPTION_PROVIDERS
from webvoice_mcp.contract.translation import Language, SourceLanguage

TEMPLATE = "webvoice://voices/{language}"
LANGUAGES = list(get_args(Language))
VOICES = {"voices": {"en": [{"id": "af_sarah"}, {"id": "am_adam"}], "it": [{"id": "if_sara"}], "sw": [{"id": "sw_a"}]}}
FREE_TEXT = {
    "text",
    "file_path",
    "output_path",
    "question",
    "audio_path",
    "idea",
    "scenes",
    "topic",
    "minutes",
    "voices",
    "film_path",
}
DOCUMENTED = {
    (TEMPLATE, "language"): LANGUAGES,
    ("narrate", "language"): LANGUAGES,
    ("narrate", "voice"): ["af_sarah", "if_sara"],
    ("audiobook", "language"): LANGUAGES,
    ("audiobook", "voice"): ["af_sarah", "if_sara"],
    ("audiobook", "subtitles"): ["srt", "vtt"],
    ("podcast", "language"): LANGUAGES,
    ("voice_reply", "model"): [model.id for model in DOCUMENTED_MODELS],
    ("voice_reply", "language"): LANGUAGES,
    ("voice_reply", "voice"): ["af_sarah", "if_sara"],
    ("transcribe_and_translate", "target_language"): LANGUAGES,
    ("transcribe_and_translate", "language"): list(get_args(SourceLanguage)),
    ("transcribe_and_translate", "provider"): list(TRANSCRIPTION_PROVIDERS),
    ("dub", "target_language"): LANGUAGES,
    ("dub", "language"): list(get_args(SourceLanguage)),
    ("dub", "voice"): ["af_sarah", "if_sara"],
    ("storyboard", "provider"): list(IMAGE_RULES),
    ("storyboard", "video_provider"): ["seedance", "gen4", "runway"],
}


def models(*ids: str) -> httpx2.Response:
    return answer({"models": [{"id": model_id} for model_id in ids]})


async def complete(client: Client, name: str, argument: str, typed: str = "", **filled: str) -> Completion:
    ref = ResourceTemplateReference(uri=name) if ":" in name else PromptReference(name=name)
    return (await client.complete(ref, {"name": argument, "value": typed}, filled or None)).completion


@pytest.mark.parametrize(("key", "requests"), [("", 0), ("wv_1234567890abcdef", 2)], ids=["no key", "no service"])
async def test_without_the_service_the_documented_values_are_offered(
    make_settings: MakeSettings, key: str, requests: int
) -> None:
    service = ScriptedTransport(*(answer({"error": "x"}, 500) for _ in range(2)))
    async with connected(make_settings(API_KEY=key), service) as client:
        for (name, argument), values in DOCUMENTED.items():
            found = await complete(client, name, argument)
            assert found == Completion(values=values, total=len(values), has_more=False), (name, argument)
    assert len(service.requests) == requests  # models and voices, each once


async def test_every_argument_with_known_values_completes(make_settings: MakeSettings) -> None:
    async with connected(make_settings(API_KEY=""), ScriptedTransport()) as client:
        assert client.server_capabilities is not None
        assert client.server_capabilities.completions is not None
        for prompt in (await client.list_prompts()).prompts:
            for argument in prompt.arguments or []:
                values = (await complete(client, prompt.name, argument.name)).values
                assert bool(values) == (argument.name not in FREE_TEXT)


@BOTH_ERAS
async def test_voices_and_languages_are_the_services_and_fetched_once(make_settings: MakeSettings, mode: str) -> None:
    service = ScriptedTransport(answer(VOICES))
    async with connected(make_settings(), service, mode) as client:
        assert (await complete(client, "narrate", "voice")).values == ["af_sarah", "am_adam", "if_sara", "sw_a"]
        assert (await complete(client, "voice_reply", "voice", language=" IT")).values == ["if_sara"]
        assert (await complete(client, "voice_reply", "voice", language="")).total == 4
        assert (await complete(client, TEMPLATE, "language")).values == ["en", "it", "sw"]
        assert (await complete(client, "narrate", "language", "S")).values == ["sw"]
    assert service.asked == [("GET", "voices/")]


async def test_completion_uses_what_a_resource_has_fetched(make_settings: MakeSettings) -> None:
    service = ScriptedTransport(models("only"))
    async with connected(make_settings(), service) as client:
        await client.read_resource("webvoice://models")
        assert (await complete(client, "voice_reply", "model")).values == ["only"]
    assert len(service.requests) == 1


async def test_values_that_begin_with_the_typed_text_come_first(make_settings: MakeSettings) -> None:
    service = ScriptedTransport(models("a/qwen", "QWEN-2", "none", "b:qwen", "qwen-1", "qwen-1"))
    async with connected(make_settings(), service) as client:
        found = await complete(client, "voice_reply", "model", " Qwen")
    assert found == Completion(values=["QWEN-2", "qwen-1", "a/qwen", "b:qwen"], total=4, has_more=False)


@pytest.mark.parametrize("count", [100, 101])
async def test_at_most_a_hundred_values_are_offered(make_settings: MakeSettings, count: int) -> None:
    ids = [f"model-{number}" for number in range(count)]
    async with connected(make_settings(), ScriptedTransport(models(*ids))) as client:
        found = await complete(client, "voice_reply", "model", "model")
    assert found == Completion(values=ids[:100], total=count, has_more=count > 100)


async def test_an_argument_without_known_values_completes_to_nothing(make_settings: MakeSettings) -> None:
    async with connected(make_settings(), ScriptedTransport()) as client:
        for name, argument in (("narrate", "text"), ("narrate", "nothing"), (TEMPLATE, "voice")):
            assert (await complete(client, name, argument)).values == []


@BOTH_ERAS
async def test_completion_of_things_that_are_not_offered_is_refused(make_settings: MakeSettings, mode: str) -> None:
    async with connected(make_settings(TOOLSETS="speech"), ScriptedTransport(), mode) as client:
        for name in ("sing", "storyboard", "webvoice://models", "x" * 90):
            with pytest.raises(MCPError) as caught:
                await complete(client, name, "provider")
            expected = (INVALID_PARAMS, f"There is nothing to complete in {name[:80]!r}.")
            assert (caught.value.error.code, caught.value.error.message) == expected
