"""Answers that are not as documented: what was paid for is delivered all the same, and nothing in them does harm."""

import json
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.calls import ASK, SPEECH_REQUEST, TRANSLATE, Make, failure, heard, ok, status
from tests.support import CANARY, ChunkedBody, events
from webvoice_mcp.client.document import MAX_DEPTH, parsed
from webvoice_mcp.client.splitter import Write
from webvoice_mcp.contract.account import SEND_CODE, STATUS, SendCodeRequest
from webvoice_mcp.contract.chat import CHAT
from webvoice_mcp.contract.endpoint import Empty, Endpoint, Request
from webvoice_mcp.contract.image import IMAGE, ImageRequest
from webvoice_mcp.contract.messaging import SEND_EMAIL, EmailReply, EmailRequest
from webvoice_mcp.contract.speech import SPEECH, SpeechReply
from webvoice_mcp.contract.translation import TRANSLATION, TranslationReply
from webvoice_mcp.errors import BadRequest, InvalidResponse

SPENT = "Credits may have been spent: look at webvoice_status before you repeat the call."
ADVICE = "Change the arguments as it says, or try again later."
EMAIL = EmailRequest(to="a@b.co", body="Hi")
DRAW = ImageRequest(provider="minimax", prompt="x")

HALVES = st.text(st.characters(categories=("Cs", "L", "Nd")))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | HALVES,
    lambda inner: st.lists(inner) | st.dictionaries(HALVES, inner),
)


def raw(body: bytes) -> httpx2.Response:
    return httpx2.Response(200, content=body)


def nowhere(_field: str, _index: int) -> Write:
    return lambda _data: None


def deep(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@given(JSON)
def test_whatever_was_parsed_can_be_written_again(document: Any) -> None:
    read = parsed(json.dumps(document).encode())
    reply = SpeechReply.model_validate({"more": read})
    json.dumps(reply.model_dump(mode="json"), ensure_ascii=False, allow_nan=False).encode()


async def test_half_a_character_in_a_reply_is_mended(make: Make) -> None:
    client, _, _ = make(raw(b'{"translated_text":"x \\ud83d","pair":"\\ud83d\\ude00","\\ude00":1}'))
    reply = await client.call(TRANSLATION, TRANSLATE)
    assert reply == TranslationReply.model_validate({"translated_text": "x \ufffd", "pair": "\U0001f600", "\ufffd": 1})


async def test_numbers_that_are_none_are_left_out(make: Make) -> None:
    client, _, _ = make(
        raw(b'{"translated_text":"a","credits_used":NaN,"credits_remaining":1e999,"more":[-Infinity]}'),
        raw(b'{"translated_text":"a","credits_used":"NaN","credits_remaining":"inf"}'),
    )
    for more in ({"more": [None]}, {}):
        reply = await client.call(TRANSLATION, TRANSLATE)
        assert (reply.credits_used, reply.credits_remaining, reply.model_extra) == (None, None, more)


async def test_what_lies_as_deep_as_is_allowed_can_be_written_again(make: Make) -> None:
    client, _, _ = make(raw(b'{"translated_text":"a","more":%b}' % deep(MAX_DEPTH - 1)))
    assert (await client.call(TRANSLATION, TRANSLATE)).model_dump_json()


@pytest.mark.parametrize("levels", [MAX_DEPTH, 1500])
async def test_what_lies_deeper_is_refused(make: Make, levels: int) -> None:
    client, _, _ = make(raw(b'{"translated_text":"a","more":%b}' % deep(levels)))
    said = str(await failure(client.call(TRANSLATION, TRANSLATE), InvalidResponse))
    assert said == f"The answer is nested too deep. {SPENT}"


@pytest.mark.parametrize("length", ["\u00b2", "9" * 5000, "-5"])
async def test_a_hostile_length_breaks_nothing(make: Make, length: str) -> None:
    headers = [(b"content-length", length.encode("latin-1"))]
    client, _, _ = make(httpx2.Response(200, headers=headers, stream=ChunkedBody([b'{"audio":"QUJD"}'])))
    seen: list[int | None] = []
    await client.download(SPEECH, SPEECH_REQUEST, nowhere, watch=lambda _received, expected: seen.append(expected))
    assert seen == [None]


# An error that came as a success


@pytest.mark.parametrize(
    ("endpoint", "request_", "body", "sentence"),
    [
        (TRANSLATION, TRANSLATE, {"error": {"message": "The model is overloaded"}}, "The model is overloaded"),
        (CHAT, ASK, {"error": {"message": "The model is overloaded."}}, "The model is overloaded"),
        (CHAT, ASK, {"error": "Bad", "message": "Not now", "choices": []}, "Not now"),
        (SEND_EMAIL, EMAIL, {"error": "Blocked", "message": "No mail to this address"}, "No mail to this address"),
        (STATUS, Empty(), {"error": "Down for maintenance"}, "Down for maintenance"),
        (
            SEND_CODE,
            SendCodeRequest(email="a@b.co", accept_privacy=True, accept_terms=True),
            {"error": "No mail to this address"},
            "No mail to this address",
        ),
    ],
)
async def test_an_error_without_what_was_asked_for_is_a_refusal(
    make: Make, endpoint: Endpoint[Any, Any], request_: Request, body: Any, sentence: str
) -> None:
    client, _, _ = make(ok(body))
    error = await failure(client.call(endpoint, request_), BadRequest)
    assert str(error) == f"The service refused the request: {sentence}. {ADVICE}"
    assert (error.status, error.billed) == (200, False)


async def test_a_picture_that_was_refused_says_why(make: Make) -> None:
    client, _, _ = make(ok({"error": "nsfw prompt"}), ok({"error": "nsfw prompt", "images": [], "image": None}))
    for _ in range(2):
        error = await failure(client.download(IMAGE, DRAW, nowhere), BadRequest)
        assert str(error) == f"The service refused the request: nsfw prompt. {ADVICE}"


async def test_a_medium_that_does_not_come_says_what_came_in_its_place(make: Make) -> None:
    client, _, _ = make(ok({"message": f"Queued for {CANARY}."}))
    error = await failure(client.download(IMAGE, DRAW, nowhere), InvalidResponse)
    assert str(error) == (
        f"The service's answer to image/ has no image or images. It says: Queued for wv_…cdef. {SPENT}"
    )
    assert error.billed


async def test_an_answer_that_calls_itself_a_success_is_none_without_what_was_asked_for(make: Make) -> None:
    client, _, _ = make(ok({"success": True, "error": "Half of it failed"}))
    error = await failure(client.call(TRANSLATION, TRANSLATE), InvalidResponse)
    assert str(error) == (
        "The service's answer to translation/ has no usable translated_text. It says: Half of it failed. " + SPENT
    )


async def test_an_error_beside_what_was_asked_for_is_no_refusal(make: Make) -> None:
    client, _, _ = make(
        ok({"translated_text": "Ciao", "error": "odd"}),
        ok({"audio": "QUJD", "error": "odd"}),
        ok({"credits": 5, "error": None}),
    )
    assert (await client.call(TRANSLATION, TRANSLATE)).translated_text == "Ciao"
    assert len((await client.download(SPEECH, SPEECH_REQUEST, nowhere))[1]) == 1
    assert (await status(client)).credits == 5


@pytest.mark.parametrize("body", [{}, {"message": "Sent"}, {"success": True, "error": "odd"}])
async def test_a_free_order_that_was_carried_out_may_say_little(make: Make, body: Any) -> None:
    client, _, _ = make(ok(body))
    assert await client.call(SEND_EMAIL, EMAIL) == EmailReply.model_validate(body)


# Streams


CHUNK = '{"choices":[{"delta":{"content":"Half an"}}]}'
ERROR = '{"error":{"message":"The model is overloaded"}}'


@pytest.mark.parametrize(
    "first",
    [
        CHUNK,
        '{"choices":[{"delta":{"reasoning":"Hm"}}]}',
        '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]}}]}',
    ],
)
async def test_an_error_after_a_part_of_the_answer_may_have_cost_credits(make: Make, first: str) -> None:
    client, _, _ = make(events(first, ERROR))
    error = await failure(client.stream(CHAT, ASK, heard), BadRequest)
    assert str(error) == (f"The service broke off when part of the answer had come: The model is overloaded. {SPENT}")
    assert error.billed


async def test_an_error_before_anything_came_is_a_refusal(make: Make) -> None:
    client, _, _ = make(events('{"choices":[{"delta":{"role":"assistant","content":""}}]}', ERROR))
    error = await failure(client.stream(CHAT, ASK, heard), BadRequest)
    assert str(error) == f"The service refused the request: The model is overloaded. {ADVICE}"
    assert not error.billed


async def test_an_error_without_words_after_a_part_of_the_answer_says_so(make: Make) -> None:
    client, _, _ = make(events(CHUNK, '{"success":false}'))
    error = await failure(client.stream(CHAT, ASK, heard), BadRequest)
    assert str(error) == f"The service broke off when part of the answer had come: no reason given. {SPENT}"


@pytest.mark.parametrize("charset", ["hex", "rot13", "utf-16", "undefined", "no-such"])
async def test_a_hostile_charset_of_a_stream_breaks_nothing(make: Make, charset: str) -> None:
    body = events('{"choices":[{"delta":{"content":"H\u00e9"},"finish_reason":"stop"}]}').content
    client, _, _ = make(
        httpx2.Response(200, headers={"content-type": f"text/event-stream; charset={charset}"}, content=body)
    )
    reply = await client.stream(CHAT, ASK, heard)
    assert reply.choices[0].message.text == "H\u00e9"
