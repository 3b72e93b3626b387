"""Answers that are not as documented: paid content is delivered, and the rest does no harm."""

import json
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.helpers import (
    CHAT_REQUEST,
    SPEECH_REQUEST,
    SPENT,
    TRANSLATION_REQUEST,
    MakeClient,
    call,
    caught,
    ignore_text,
    ok,
    patient,
    raw,
    status,
    translate,
)
from tests.support import CANARY, ChunkedBody, events
from webvoice_mcp.client.document import MAX_DEPTH, parse_json
from webvoice_mcp.client.splitter import Write
from webvoice_mcp.contract.chat import CHAT
from webvoice_mcp.contract.endpoint import Endpoint, Request
from webvoice_mcp.contract.image import IMAGE, ImageRequest
from webvoice_mcp.contract.messaging import SEND_EMAIL, EmailReply, EmailRequest
from webvoice_mcp.contract.speech import SPEECH, SpeechReply
from webvoice_mcp.contract.translation import TRANSLATION, TranslationReply
from webvoice_mcp.errors import BadRequest, InvalidResponse

ADVICE = "Change the arguments accordingly, or try again later."
EMAIL_REQUEST = EmailRequest(to="a@b.co", body="Hi")
IMAGE_REQUEST = ImageRequest(provider="minimax", prompt="x")

TEXTS = st.text(st.characters(categories=("Cs", "L", "Nd")))  # with lone surrogates
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=30,
)


def discard(_field: str, _index: int) -> Write:
    return lambda _data: None


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@pytest.mark.slow
@patient
@given(JSON_VALUES)
def test_every_parsed_document_can_be_serialized_again(document: Any) -> None:
    read = parse_json(json.dumps(document).encode())
    reply = SpeechReply.model_validate({"more": read})
    json.dumps(reply.model_dump(mode="json"), ensure_ascii=False, allow_nan=False).encode()


async def test_lone_surrogates_in_a_reply_are_replaced(make: MakeClient) -> None:
    client, _, _ = make(raw(b'{"translated_text":"x \\ud83d","pair":"\\ud83d\\ude00","\\uDE00":1}'))
    assert await translate(client) == TranslationReply.model_validate(
        {"translated_text": "x \ufffd", "pair": "\U0001f600", "\ufffd": 1}
    )


async def test_numbers_that_are_not_finite_are_left_out(make: MakeClient) -> None:
    client, _, _ = make(
        raw(b'{"translated_text":"a","credits_used":NaN,"credits_remaining":1e999,"more":[-Infinity]}'),
        raw(b'{"translated_text":"a","credits_used":"NaN","credits_remaining":"inf"}'),
    )
    for more in ({"more": [None]}, {}):
        reply = await translate(client)
        assert (reply.credits_used, reply.credits_remaining, reply.model_extra) == (None, None, more)


async def test_the_deepest_allowed_nesting_can_be_serialized_again(make: MakeClient) -> None:
    client, _, _ = make(raw(b'{"translated_text":"a","more":%b}' % nested(MAX_DEPTH - 1)))
    assert (await translate(client)).model_dump_json()


@pytest.mark.parametrize("levels", [MAX_DEPTH, 100_000])
async def test_deeper_nesting_is_refused(make: MakeClient, levels: int) -> None:
    client, _, _ = make(raw(b'{"translated_text":"a","more":%b}' % nested(levels)))
    assert str(await caught(translate(client), InvalidResponse)) == f"The answer is nested too deeply. {SPENT}"


async def test_an_invalid_length_counts_as_unknown(make: MakeClient) -> None:
    client, _, _ = make(
        httpx2.Response(200, headers={"content-length": "9" * 5000}, stream=ChunkedBody([b'{"audio":"QUJD"}']))
    )
    seen: list[int | None] = []
    await client.download(SPEECH, SPEECH_REQUEST, discard, on_progress=lambda _received, total: seen.append(total))
    assert seen == [None]


# Errors with status 200


@pytest.mark.parametrize(
    ("endpoint", "request_", "body", "message"),
    [
        (
            TRANSLATION,
            TRANSLATION_REQUEST,
            {"error": {"message": "The model is overloaded"}},
            "The model is overloaded",
        ),
        (CHAT, CHAT_REQUEST, {"error": "Bad", "message": "Not now", "choices": []}, "Not now"),
        (
            SEND_EMAIL,
            EMAIL_REQUEST,
            {"error": "Blocked", "message": "No mail to this address"},
            "No mail to this address",
        ),
    ],
    ids=["translation", "chat", "email"],
)
async def test_an_error_without_the_wanted_content_is_a_refusal(
    make: MakeClient, endpoint: Endpoint[Any, Any], request_: Request, body: Any, message: str
) -> None:
    client, _, _ = make(ok(body))
    error = await caught(call(client, endpoint, request_), BadRequest)
    assert str(error) == f"The service refused the request: {message}. {ADVICE}"
    assert (error.status, error.billed) == (200, False)


async def test_a_refused_image_says_why(make: MakeClient) -> None:
    client, _, _ = make(ok({"error": "nsfw prompt"}), ok({"error": "nsfw prompt", "images": [], "image": None}))
    for _ in range(2):
        error = await caught(client.download(IMAGE, IMAGE_REQUEST, discard), BadRequest)
        assert str(error) == f"The service refused the request: nsfw prompt. {ADVICE}"


async def test_missing_media_are_reported_with_the_services_message(make: MakeClient) -> None:
    client, _, _ = make(ok({"message": f"Queued for {CANARY}."}))
    error = await caught(client.download(IMAGE, IMAGE_REQUEST, discard), InvalidResponse)
    assert str(error) == (f"The service's answer has no image or images. It says: Queued for wv_…cdef. {SPENT}")
    assert error.billed


async def test_a_success_without_the_wanted_content_is_an_invalid_response(make: MakeClient) -> None:
    client, _, _ = make(ok({"success": True, "error": "Half of it failed"}))
    assert str(await caught(translate(client), InvalidResponse)) == (
        f"The service's answer has no usable translated_text. It says: Half of it failed. {SPENT}"
    )


async def test_an_error_beside_the_wanted_content_is_ignored(make: MakeClient) -> None:
    client, _, _ = make(
        ok({"translated_text": "Ciao", "error": "odd"}),
        ok({"audio": "QUJD", "error": "odd"}),
        ok({"credits": 5, "error": None}),
    )
    assert (await translate(client)).translated_text == "Ciao"
    assert len((await client.download(SPEECH, SPEECH_REQUEST, discard))[1]) == 1
    assert (await status(client)).credits == 5


@pytest.mark.parametrize("body", [{"message": "Sent"}, {"success": True, "error": "odd"}])
async def test_a_free_post_may_have_a_minimal_answer(make: MakeClient, body: Any) -> None:
    client, _, _ = make(ok(body))
    assert await client.call(SEND_EMAIL, EMAIL_REQUEST) == EmailReply.model_validate(body)


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
    ids=["text", "reasoning", "tool call"],
)
async def test_an_error_after_part_of_the_answer_may_have_cost_credits(make: MakeClient, first: str) -> None:
    client, _, _ = make(events(first, ERROR))
    error = await caught(client.chat(CHAT, CHAT_REQUEST, ignore_text), BadRequest)
    assert str(error) == f"The service stopped after part of the answer: The model is overloaded. {SPENT}"
    assert error.billed


async def test_an_error_before_any_of_the_answer_is_a_refusal(make: MakeClient) -> None:
    client, _, _ = make(events('{"choices":[{"delta":{"role":"assistant","content":""}}]}', ERROR))
    error = await caught(client.chat(CHAT, CHAT_REQUEST, ignore_text), BadRequest)
    assert str(error) == f"The service refused the request: The model is overloaded. {ADVICE}"
    assert not error.billed


async def test_an_error_without_a_message_after_part_of_the_answer_says_so(make: MakeClient) -> None:
    client, _, _ = make(events(CHUNK, '{"success":false}'))
    error = await caught(client.chat(CHAT, CHAT_REQUEST, ignore_text), BadRequest)
    assert str(error) == f"The service stopped after part of the answer: no reason given. {SPENT}"


async def test_the_charset_of_a_stream_is_ignored(make: MakeClient) -> None:
    body = events('{"choices":[{"delta":{"content":"H\u00e9"},"finish_reason":"stop"}]}').content
    client, _, _ = make(httpx2.Response(200, headers={"content-type": "text/event-stream; charset=hex"}, content=body))
    reply = await client.chat(CHAT, CHAT_REQUEST, ignore_text)
    assert reply.choices[0].message.text == "H\u00e9"
