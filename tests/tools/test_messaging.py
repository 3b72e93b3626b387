"""The messaging tools, through MCP, with scripted replies of the service."""

import json

import pytest

from tests.support import MakeSettings, ScriptedTransport, answer, ask, connected, example, fields
from tests.tools.calls import check_refused


async def test_an_email_is_sent_as_documented(make_settings: MakeSettings) -> None:
    service = ScriptedTransport(answer(example("send_email_response")), answer({"success": True}))
    async with connected(make_settings(), service) as client:
        result = fields(await client.call_tool("webvoice_send_email", example("send_email_request")))
        fields(await client.call_tool("webvoice_send_email", {"to": " a@b.co ", "body": " Hi"}))
    assert service.asked == [("POST", "send-email/")] * 2
    assert list(map(json.loads, service.bodies)) == [example("send_email_request"), {"to": "a@b.co", "body": " Hi"}]
    assert result == example("send_email_response")


async def test_a_memo_is_stored_as_documented(make_settings: MakeSettings) -> None:
    arguments = {"text": "Your note text here", "title": "T"}
    result, sent = await ask(make_settings(), "webvoice_voice_memo", arguments, answer(example("voice_memo_response")))
    assert sent == arguments
    assert result == {name: value for name, value in example("voice_memo_response").items() if name != "success"}


async def test_messages_that_cannot_be_sent_are_refused_before_any_request(make_settings: MakeSettings) -> None:
    to, body = "invalid_argument: to is not an e-mail address", "invalid_argument: body"
    emails = [
        ({"to": "nobody", "body": "x"}, to),
        ({"to": "a@b.co,c@d.co x", "body": "x"}, to),
        ({"to": "a@b.co", "body": "x" * 50_001}, f"{body} should have at most 50000 characters"),
        ({"to": "a@b.co", "body": " "}, f"{body} is blank"),
    ]
    await check_refused(make_settings(), "webvoice_send_email", emails)
    memo = ({"text": "x" * 10_001}, "invalid_argument: text should have at most 10000 characters")
    await check_refused(make_settings(), "webvoice_voice_memo", [memo])


async def test_a_line_break_in_the_head_of_an_email_is_refused(make_settings: MakeSettings) -> None:
    said = "invalid_argument: {} has a line break or another control character. Give one line of plain text."
    breaks = ["\n", "\r", "\r\n", "\u2028", "\u2029", "\x85", "\x0b", "\x00", "\x1b", "\t"]
    subjects = [
        ({"to": "a@b.co", "body": "x", "subject": f"Hi{end}Bcc: c@d.co"}, said.format("subject")) for end in breaks
    ]
    addresses = [({"to": f"a@b.co{end}Bcc:c@d.co", "body": "x"}, said.format("to")) for end in breaks]
    await check_refused(make_settings(), "webvoice_send_email", subjects + addresses)


async def test_an_address_that_hides_or_names_another_one_is_refused(make_settings: MakeSettings) -> None:
    said = "invalid_argument: to is not an e-mail address"
    hidden = [f"ann{character}@b.co" for character in "\u200b\u200f\u202e\u2066\ufeff\xad\U000e0061"]
    several = ["c,ann@b.co", "c;ann@b.co", "<ann@b.co>", "ann@b.co,c", "Ann<ann@b.co>"]
    await check_refused(
        make_settings(), "webvoice_send_email", [({"to": to, "body": "x"}, said) for to in hidden + several]
    )


@pytest.mark.parametrize("to", ["ann.o'neil+x@b.co", "jos\u00e9@b\u00fccher.example", "\u30e6\u30fc\u30b6@b.co"])
async def test_a_single_address_of_any_script_is_accepted(make_settings: MakeSettings, to: str) -> None:
    arguments = {"to": to, "body": "x"}
    _, sent = await ask(make_settings(), "webvoice_send_email", arguments, answer({"success": True}))
    assert sent["to"] == to


async def test_a_subject_in_any_script_is_sent(make_settings: MakeSettings) -> None:
    subject = "\u05e9\u05dc\u05d5\u05dd\u200f \U0001f468\u200d\U0001f469 caf\u00e9"
    arguments = {"to": "a@b.co", "body": "x\ny", "subject": subject}
    _, sent = await ask(make_settings(), "webvoice_send_email", arguments, answer({"success": True}))
    assert sent == arguments
