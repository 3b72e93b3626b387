"""The translation tool, through MCP, with scripted replies of the service."""

from tests.support import MakeSettings, answer, ask
from tests.tools.calls import check_refused
from webvoice_mcp.contract.translation import TRANSLATION, TranslationRequest
from webvoice_mcp.jobs.call import PaidCall
from webvoice_mcp.tools.translation import webvoice_translate

REPLY = {
    "success": True,
    "translated_text": "Ciao, mondo!",
    "source_language": "en",
    "target_language": "it",
    "text_length": 13,
    "credits_used": 0.1,
    "credits_remaining": 99.9,
}


async def test_a_translation_is_described_without_a_server() -> None:
    call = await webvoice_translate("en", "Ciao", source_language="it")
    assert isinstance(call, PaidCall)
    assert call.endpoint is TRANSLATION
    assert call.request == TranslationRequest(text="Ciao", target_language="en", source_language="it")
    assert (call.inputs, call.output) == ((), None)


async def test_a_text_is_translated(make_settings: MakeSettings) -> None:
    arguments = {"text": "Hello, world!", "target_language": "it"}
    result, sent = await ask(make_settings(), "webvoice_translate", arguments, answer({**REPLY, "provider": "x"}))
    assert sent == {**arguments, "source_language": "auto"}
    assert result == {**{name: value for name, value in REPLY.items() if name != "success"}, "provider": "x"}


async def test_wrong_arguments_are_refused_before_any_request(make_settings: MakeSettings) -> None:
    expected = [
        ({"text": "Hi", "target_language": "auto"}, "invalid_argument: target_language should be 'en', 'it'"),
        (
            {"text": "Hi", "target_language": "it", "source_language": "xx"},
            "invalid_argument: source_language should be 'auto', 'en'",
        ),
        ({"text": "Hi"}, "invalid_argument: target_language is missing: "),
        ({"text": " ", "target_language": "it"}, "invalid_argument: Give exactly one of text, texts (a list)"),
    ]
    await check_refused(make_settings(), "webvoice_translate", expected)
