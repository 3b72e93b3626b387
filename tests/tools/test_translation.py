"""The translation tool, through MCP, against scripted answers."""

import json
from typing import Any

import pytest

from tests.support import MakeSettings, ScriptedTransport, answer, connected, failed, fields

REPLY = {
    "success": True,
    "translated_text": "Ciao, mondo!",
    "source_language": "en",
    "target_language": "it",
    "text_length": 13,
    "credits_used": 0.1,
    "credits_remaining": 99.9,
}


@pytest.mark.parametrize(("given", "sent_source"), [({}, "auto"), ({"source_language": "en"}, "en")])
async def test_a_text_is_translated(make_settings: MakeSettings, given: dict[str, str], sent_source: str) -> None:
    sent = ScriptedTransport(answer({**REPLY, "provider": "x"}))
    async with connected(make_settings(), sent) as client:
        arguments = {"text": "Hello, world!", "target_language": "it", **given}
        result = fields(await client.call_tool("webvoice_translate", arguments))
    body = {"text": "Hello, world!", "target_language": "it", "source_language": sent_source}
    assert (sent.asked, json.loads(sent.bodies[0])) == ([("POST", "translation/")], body)
    assert result == {**{name: value for name, value in REPLY.items() if name != "success"}, "provider": "x"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"text": "Hi", "target_language": "xx"}, "target_language should be 'en', 'it'"),
        ({"text": "Hi", "target_language": "auto"}, "target_language should be 'en', 'it'"),
        ({"text": "Hi", "target_language": "it", "source_language": "xx"}, "source_language should be 'auto', 'en'"),
        ({"text": "Hi"}, "target_language is missing: "),
        ({"text": "", "target_language": "it"}, "text is blank: What to translate."),
    ],
)
async def test_what_cannot_be_translated_is_refused_before_any_request(
    make_settings: MakeSettings, arguments: dict[str, Any], sentence: str
) -> None:
    sent = ScriptedTransport()
    async with connected(make_settings(), sent) as client:
        said = failed(await client.call_tool("webvoice_translate", arguments))
    assert said.startswith(f"invalid_argument: {sentence}")
    assert sent.requests == []
