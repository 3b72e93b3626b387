"""Completion, through MCP, against scripted answers."""

from typing import get_args

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.types import INVALID_PARAMS, Completion, PromptReference, ResourceTemplateReference

from tests.support import MakeSettings, ScriptedTransport, connected
from webvoice_mcp.contract.image import IMAGE_RULES
from webvoice_mcp.contract.models import DOCUMENTED_MODELS
from webvoice_mcp.contract.speech import TRANSCRIPTION_PROVIDERS
from webvoice_mcp.contract.translation import Language, SourceLanguage

TEMPLATE = "webvoice://voices/{language}"
LANGUAGES = list(get_args(Language))
VOICES = {"voices": {"en": [{"id": "af_sarah"}, {"id": "am_adam"}], "it": [{"id": "if_sara"}], "sw": [{"id": "sw_a"}]}}
FREE_TEXT = {"text", "file_path", "output_path", "question", "audio_path", "idea", "scenes"}


@pytest.fixture(params=["legacy", "auto"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def said(body: object, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, json=body)


async def complete(client: Client, of: str, argument: str, typed: str = "", **filled: str) -> Completion:
    ref = ResourceTemplateReference(uri=of) if ":" in of else PromptReference(name=of)
    return (await client.complete(ref, {"name": argument, "value": typed}, filled or None)).completion


@pytest.mark.parametrize(
    ("of", "argument", "values"),
    [
        (TEMPLATE, "language", LANGUAGES),
        ("narrate", "language", LANGUAGES),
        ("narrate", "voice", ["af_sarah", "if_sara"]),
        ("voice_reply", "model", [each.id for each in DOCUMENTED_MODELS]),
        ("voice_reply", "language", LANGUAGES),
        ("voice_reply", "voice", ["af_sarah", "if_sara"]),
        ("transcribe_and_translate", "target_language", LANGUAGES),
        ("transcribe_and_translate", "language", list(get_args(SourceLanguage))),
        ("transcribe_and_translate", "provider", list(TRANSCRIPTION_PROVIDERS)),
        ("storyboard", "provider", list(IMAGE_RULES)),
        ("storyboard", "video_provider", ["seedance", "gen4", "runway"]),
    ],
)
@pytest.mark.parametrize("key", ["", "wv_1234567890abcdef"], ids=["no_key", "no_service"])
async def test_without_the_service_values_are_the_documented_ones(
    make_settings: MakeSettings, mode: str, of: str, argument: str, values: list[str], key: str
) -> None:
    sent = ScriptedTransport(said({"error": "x"}, 500))
    async with connected(make_settings(API_KEY=key), sent, mode) as client:
        for _ in range(2):  # the second time it is not asked again
            assert await complete(client, of, argument) == Completion(values=values, total=len(values), has_more=False)
    assert len(sent.requests) <= len(key)


async def test_every_argument_that_has_known_values_completes(make_settings: MakeSettings, mode: str) -> None:
    async with connected(make_settings(API_KEY=""), ScriptedTransport(), mode) as client:
        assert client.server_capabilities is not None
        assert client.server_capabilities.completions is not None
        for prompt in (await client.list_prompts()).prompts:
            for argument in prompt.arguments or []:
                values = (await complete(client, prompt.name, argument.name)).values
                assert bool(values) == (argument.name not in FREE_TEXT)


async def test_voices_and_languages_are_the_services_and_are_asked_for_once(
    make_settings: MakeSettings, mode: str
) -> None:
    sent = ScriptedTransport(said(VOICES))
    async with connected(make_settings(), sent, mode) as client:
        assert (await complete(client, "narrate", "voice")).values == ["af_sarah", "am_adam", "if_sara", "sw_a"]
        assert (await complete(client, "voice_reply", "voice", language="IT")).values == ["if_sara"]
        assert (await complete(client, "voice_reply", "voice", language="")).total == 4
        assert (await complete(client, TEMPLATE, "language")).values == ["en", "it", "sw"]
        assert (await complete(client, "narrate", "language", "S")).values == ["sw"]
    assert sent.asked == [("GET", "voices/")]


async def test_what_a_resource_fetched_completes_when_the_service_is_gone(
    make_settings: MakeSettings, mode: str
) -> None:
    sent = ScriptedTransport(said({"models": [{"id": "only"}]}))
    async with connected(make_settings(), sent, mode) as client:
        await client.read_resource("webvoice://models")
        assert (await complete(client, "voice_reply", "model")).values == ["only"]
    assert len(sent.requests) == 1


async def test_values_that_begin_with_what_is_typed_come_before_those_that_hold_it(
    make_settings: MakeSettings, mode: str
) -> None:
    ids = ["a/qwen", "QWEN-2", "none", "b:qwen", "qwen-1", "qwen-1"]
    async with connected(
        make_settings(), ScriptedTransport(said({"models": [{"id": each} for each in ids]})), mode
    ) as client:
        found = await complete(client, "voice_reply", "model", " Qwen")
    assert found == Completion(values=["QWEN-2", "qwen-1", "a/qwen", "b:qwen"], total=4, has_more=False)


async def test_at_most_a_hundred_values_are_given(make_settings: MakeSettings, mode: str) -> None:
    ids = [f"model-{number}" for number in range(150)]
    async with connected(
        make_settings(), ScriptedTransport(said({"models": [{"id": each} for each in ids]})), mode
    ) as client:
        found = await complete(client, "voice_reply", "model", "model")
    assert found == Completion(values=ids[:100], total=150, has_more=True)


@pytest.mark.parametrize(("of", "argument"), [("narrate", "text"), ("narrate", "nothing"), (TEMPLATE, "voice")])
async def test_an_argument_without_known_values_completes_to_nothing(
    make_settings: MakeSettings, mode: str, of: str, argument: str
) -> None:
    async with connected(make_settings(), ScriptedTransport(), mode) as client:
        assert (await complete(client, of, argument)).values == []


@pytest.mark.parametrize("of", ["sing", "storyboard", "webvoice://models"])
async def test_what_is_not_offered_does_not_complete(make_settings: MakeSettings, mode: str, of: str) -> None:
    async with connected(make_settings(TOOLSETS="speech"), ScriptedTransport(), mode) as client:
        with pytest.raises(MCPError) as caught:
            await complete(client, of, "provider")
    expected = (INVALID_PARAMS, f"There is nothing to complete in {of!r}.")
    assert (caught.value.error.code, caught.value.error.message) == expected
