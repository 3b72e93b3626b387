"""Keys and control characters do not show."""

import json
from pathlib import Path

import httpx2
import pytest

from tests.client.helpers import STATUS_BODY, MakeClient, caught, event_stream, ok, status
from tests.jobs.world import put_inputs
from tests.support import CANARY, MakeSettings, ScriptedTransport, answer, connected, failed, fields, text_of
from webvoice_mcp.client.redaction import mask_key, mask_keys_in, redact
from webvoice_mcp.errors import BadRequest, Unauthorized


@pytest.mark.parametrize(
    ("key", "masked"), [("wv_abcdefghij1a2b", "wv_…1a2b"), ("sk-0123456789xyz", "…9xyz"), ("wv_short", "wv_…")]
)
def test_a_masked_key_can_be_recognized_but_not_used(key: str, masked: str) -> None:
    assert mask_key(key) == masked


def test_known_keys_and_text_that_looks_like_a_key_are_masked() -> None:
    text = "mine is secret-key-0000, yours wv_abcdefghij1a2b"
    assert mask_keys_in(text, "secret-key-0000", "") == "mine is …0000, yours wv_…1a2b"


def test_text_from_outside_loses_escapes_and_control_characters() -> None:
    assert redact("\x1b[31mred\x1b[0m\x07 a\u202eb\tc\nd\x9b") == "red ab\tc\nd"


async def test_the_key_is_masked_wherever_the_service_echoes_it(make: MakeClient) -> None:
    echo = f"the key {CANARY} is old"
    client, _, _ = make(
        httpx2.Response(401, json={"message": echo}), ok({**STATUS_BODY, "note": echo, "deep": [{"x": [echo, 1]}]})
    )
    assert "wv_…cdef is old" in str(await caught(status(client), Unauthorized))
    assert CANARY not in (await status(client)).model_dump_json()


@pytest.mark.parametrize("key", [CANARY, "sk-0123456789-abcdef"])
@pytest.mark.parametrize(
    "hidden", ["\u200b", "\u200d", "\ufe0f", "\u2060", "\x00", "\u202e", "\U000e0041", "\xad", "\n"]
)
async def test_a_key_with_a_character_inside_that_does_not_show_is_masked(
    make: MakeClient, key: str, hidden: str
) -> None:
    echo = f"the key {hidden.join(key)} is old"
    client, _, _ = make(
        httpx2.Response(400, json={"message": echo}), ok({**STATUS_BODY, "user": echo, echo: 1}), API_KEY=key
    )
    shown = [str(await caught(status(client), BadRequest)), (await status(client)).model_dump_json()]
    assert [f"the key {mask_key(key)} is old" in text for text in shown] == [True, True]


async def test_text_of_the_service_reaches_the_model_clean(make_settings: MakeSettings, tmp_path: Path) -> None:
    put_inputs(tmp_path / "out")
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    said = f"\u202eGood\u202c \u2067day\u2069{hidden}\x1b[2J\x00 \U0001f468\u200d\U0001f469 \u2764\ufe0f \u05d0\u200f"
    shown = "Good day \U0001f468\u200d\U0001f469 \u2764\ufe0f \u05d0\u200f"
    sent = ScriptedTransport(answer({"success": True, "text": said, "language": said, "more": {said: [said]}}))
    async with connected(make_settings(), sent) as client:
        arguments = {"audio_path": "talk.wav", "output_path": "talk.txt"}
        result = fields(await client.call_tool("webvoice_stt", arguments))
    assert (result["text"], result["language"], result["more"]) == (shown, shown, {shown: [shown]})
    assert (tmp_path / "out" / "talk.txt").read_text("utf-8") == shown


async def test_the_key_does_not_show_as_the_name_of_a_field(make_settings: MakeSettings) -> None:
    body = {"credits": 5, CANARY: 1, "urls": {CANARY: "a", "b": {CANARY: 1}}}
    async with connected(make_settings(), ScriptedTransport(answer(body))) as client:
        result = await client.call_tool("webvoice_onboarding", {})
    assert fields(result)
    assert CANARY not in text_of(result)


@pytest.mark.parametrize("pieces", [[CANARY], [CANARY[:9], CANARY[9:]], list(CANARY)], ids=["whole", "two", "letters"])
async def test_the_key_does_not_show_while_a_chat_comes(make_settings: MakeSettings, pieces: list[str]) -> None:
    shown: list[str] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        shown.append(message or "")

    deltas = [{"content": piece} for piece in ["Your key: ", *pieces, " is old"]]
    chunks = [{"choices": [{"delta": delta}]} for delta in deltas] + [{"choices": [{"finish_reason": "stop"}]}]
    sent = ScriptedTransport(event_stream(*[b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks]))
    async with connected(make_settings(), sent, "legacy") as client:  # only this mode carries tokens within one process
        result = await client.call_tool("webvoice_chat", {"prompt": "Hi"}, progress_callback=on_progress)
    assert fields(result)["text"] == "Your key: wv_…cdef is old"
    assert CANARY not in "".join(shown)


async def test_a_key_of_another_form_does_not_show_in_a_link(make_settings: MakeSettings) -> None:
    key = "sk-0123456789-abcdef"
    sent = ScriptedTransport(answer({"audio": f"https://cdn.example/a.mp3?key={key}"}))
    async with connected(make_settings(API_KEY=key), sent) as client:
        text = failed(await client.call_tool("webvoice_tts", {"text": "Hi"}))
    assert "https://cdn.example/a.mp3" in text
    assert key not in text
