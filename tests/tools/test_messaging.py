"""The messaging tools, through MCP, against scripted answers."""

import json
from typing import Any

import pytest

from tests.support import MakeSettings, ScriptedTransport, answer, connected, example, failed, fields


async def test_a_mail_is_sent_as_documented(make_settings: MakeSettings) -> None:
    sent = ScriptedTransport(answer(example("send_email_response")))
    async with connected(make_settings(), sent) as client:
        result = fields(await client.call_tool("webvoice_send_email", example("send_email_request")))
    assert (sent.asked, json.loads(sent.bodies[0])) == ([("POST", "send-email/")], example("send_email_request"))
    assert result == example("send_email_response")


async def test_a_mail_needs_no_subject(make_settings: MakeSettings) -> None:
    sent = ScriptedTransport(answer({"success": True}))
    async with connected(make_settings(), sent) as client:
        fields(await client.call_tool("webvoice_send_email", {"to": " a@b.co ", "body": "Hi"}))
    assert json.loads(sent.bodies[0]) == {"to": "a@b.co", "body": "Hi"}


async def test_a_memo_is_stored_as_documented(make_settings: MakeSettings) -> None:
    sent = ScriptedTransport(answer(example("voice_memo_response")))
    async with connected(make_settings(), sent) as client:
        result = fields(await client.call_tool("webvoice_voice_memo", {"text": "Your note text here", "title": "T"}))
    assert sent.asked == [("POST", "voice-memo/text/")]
    assert json.loads(sent.bodies[0]) == {"text": "Your note text here", "title": "T"}
    assert result == {name: value for name, value in example("voice_memo_response").items() if name != "success"}


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("webvoice_send_email", {"to": "nobody", "body": "x"}, "to is not an e-mail address"),
        ("webvoice_send_email", {"to": "a@b.co,c@d.co x", "body": "x"}, "to is not an e-mail address"),
        ("webvoice_send_email", {"to": "a@b.co", "body": "x" * 50_001}, "body should have at most 50000 characters"),
        ("webvoice_send_email", {"to": "a@b.co", "body": " "}, "body is blank"),
        ("webvoice_voice_memo", {"text": "x" * 10_001}, "text should have at most 10000 characters"),
        ("webvoice_voice_memo", {}, "text is missing"),
    ],
)
async def test_what_cannot_be_sent_is_refused_before_any_request(
    make_settings: MakeSettings, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    sent = ScriptedTransport()
    async with connected(make_settings(), sent) as client:
        assert failed(await client.call_tool(tool, arguments)).startswith(f"invalid_argument: {sentence}")
    assert sent.requests == []
