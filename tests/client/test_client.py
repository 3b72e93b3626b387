"""Requests and replies, against scripted answers."""

import base64
import json
import math
import threading
import time
from typing import Any

import anyio
import httpx2
import pytest

from tests.client.helpers import (
    CHAT_REQUEST,
    SPEECH_REQUEST,
    SPENT,
    STATUS_BODY,
    TRANSLATION_REQUEST,
    MakeClient,
    caught,
    ignore_text,
    ok,
    raw,
    status,
    translate,
)
from tests.support import BASE_URL, CANARY, ChunkedBody, events
from webvoice_mcp.client.multipart import Multipart
from webvoice_mcp.contract.account import ONBOARDING, SEND_CODE, SendCodeRequest
from webvoice_mcp.contract.chat import CHAT, CHAT_MODELS
from webvoice_mcp.contract.endpoint import Empty, PaidEndpoint, Request
from webvoice_mcp.contract.image import EDIT, EditRequest
from webvoice_mcp.contract.speech import SPEECH, TRANSCRIPTION, VOICES, SpeechReply, TranscriptionRequest, VoicesRequest
from webvoice_mcp.contract.translation import TRANSLATION
from webvoice_mcp.errors import (
    BadRequest,
    InsufficientCredits,
    InvalidArgument,
    InvalidResponse,
    NotAuthenticated,
    ProviderUnavailable,
    ServerError,
    TimedOut,
)

# Requests


async def test_a_get_carries_its_key_in_a_header_and_fields_as_query(make: MakeClient) -> None:
    client, sent, _ = make(ok({"voices": {"en": [{"id": "af_sarah", "name": "Sarah"}]}}))
    reply = await client.call(VOICES, VoicesRequest(language="en"))
    request = sent.requests[0]
    assert str(request.url) == f"{BASE_URL}/voices/?language=en"
    assert request.headers["x-api-key"] == CANARY
    assert "authorization" not in request.headers
    assert reply.voices["en"][0].id == "af_sarah"
    await client.aclose()


async def test_a_post_sends_exactly_the_documented_json(make: MakeClient) -> None:
    client, sent, _ = make(ok({"success": True, "translated_text": "Ciao"}))
    await translate(client)
    assert json.loads(sent.bodies[0]) == {"text": "Hi", "target_language": "it", "source_language": "auto"}
    assert sent.asked == [("POST", "translation/")]


async def test_a_form_is_sent_with_its_exact_length(make: MakeClient) -> None:
    client, sent, _ = make(ok({"text": "Ciao", "language": "it"}))
    body = Multipart({"language": "it"}, [])
    reply = await client.upload(TRANSCRIPTION, TranscriptionRequest(language="it"), body)
    assert reply.text == "Ciao"
    assert sent.requests[0].headers["content-length"] == str(len(sent.bodies[0])) == str(body.length)
    assert sent.requests[0].headers["content-type"] == body.content_type
    assert "transfer-encoding" not in sent.requests[0].headers


async def test_a_paid_endpoint_cannot_be_called_like_a_free_one(make: MakeClient) -> None:
    client, sent, _ = make()
    with pytest.raises(TypeError, match=r"^translation/ costs credits: return a PaidCall instead of calling it$"):
        await client.call(TRANSLATION, TRANSLATION_REQUEST)  # type: ignore[arg-type]  # the mistake
    assert sent.requests == []


async def test_signing_up_carries_no_key(make: MakeClient) -> None:
    client, sent, _ = make(ok({"success": True}))
    await client.call(SEND_CODE, SendCodeRequest(email="a@b.co", accept_privacy=True, accept_terms=True))
    assert "x-api-key" not in sent.requests[0].headers


async def test_without_a_key_nothing_is_sent(make: MakeClient) -> None:
    client, sent, _ = make(API_KEY="")
    error = await caught(status(client), NotAuthenticated)
    assert "webvoice_register_send_code" in str(error)
    assert "WEBVOICE_API_KEY" in str(error)
    assert sent.requests == []
    await client.aclose()


async def test_an_argument_that_is_too_long_for_a_url_is_named(make: MakeClient) -> None:
    client, sent, _ = make()
    error = await caught(client.call(VOICES, VoicesRequest(language="en", provider="x" * 100_000)), InvalidArgument)
    assert str(error) == "provider is too long for a URL. Give a shorter one."
    assert sent.requests == []


async def test_the_first_calls_may_be_concurrent(make: MakeClient) -> None:
    client, sent, _ = make(ok(STATUS_BODY), ok(STATUS_BODY))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(status, client)
        tasks.start_soon(status, client)
    assert len(sent.requests) == 2


async def test_cookies_are_not_kept(make: MakeClient) -> None:
    answer = httpx2.Response(200, json=STATUS_BODY, headers={"set-cookie": "sessionid=1; Path=/"})
    client, sent, _ = make(answer, ok(STATUS_BODY))
    await status(client)
    await status(client)
    assert "cookie" not in sent.requests[1].headers


# Statuses


async def test_a_gateway_error_says_that_credits_may_have_been_spent(make: MakeClient) -> None:
    client, _, _ = make(httpx2.Response(504), httpx2.Response(500), httpx2.Response(400))
    error = await caught(translate(client), ServerError)
    assert str(error) == f"The service failed (504). Try again later. {SPENT}"
    assert error.billed
    assert "Credits" not in str(await caught(status(client), ServerError))
    assert "Credits" not in str(await caught(translate(client), BadRequest))


async def test_success_false_is_a_refusal(make: MakeClient) -> None:
    client, _, _ = make(ok({"success": False, "message": "No such language"}))
    error = await caught(translate(client), BadRequest)
    assert str(error) == (
        "The service refused the request: No such language. Change the arguments accordingly, or try again later."
    )
    assert error.status == 200


@pytest.mark.parametrize(
    ("endpoint", "request_", "sentence"),
    [
        (
            TRANSCRIPTION,
            TranscriptionRequest(provider="whisper_fast"),
            (
                "The provider whisper_fast is not available (503): No key. "
                "Other providers to try: whisper_small, whisper_max_local."
            ),
        ),
        (
            EDIT,
            EditRequest(prompt="x"),
            "The provider flux-flash-edit is not available (503): No key. Try again later.",
        ),
        (CHAT, CHAT_REQUEST, "The service is not available (503): No key. Try another model, or try again later."),
    ],
    ids=["other providers", "default provider", "models"],
)
async def test_an_unavailable_provider_is_named_with_alternatives(
    make: MakeClient, endpoint: PaidEndpoint[Any, Any], request_: Request, sentence: str
) -> None:
    client, _, _ = make(httpx2.Response(503, json={"error": "No key."}))
    assert str(await caught(client.call_paid(endpoint, request_), ProviderUnavailable)) == sentence


async def test_a_redirect_is_not_followed(make: MakeClient) -> None:
    client, sent, _ = make(httpx2.Response(302, headers={"location": "https://elsewhere.example/"}))
    error = await caught(status(client), InvalidResponse)
    assert "redirect (302)" in str(error)
    assert len(sent.requests) == 1


async def test_too_few_credits_name_the_links_and_the_memo_if_known(make: MakeClient) -> None:
    client, _, _ = make(
        httpx2.Response(402, json={}), ok({"credits": 0, "solana": {"memo_code": "WV12"}}), httpx2.Response(402)
    )
    before = str(await caught(translate(client), InsufficientCredits))
    assert "http://127.0.0.1:9/billing/purchase/" in before
    assert "memo" not in before
    await client.call(ONBOARDING, Empty())
    after = str(await caught(translate(client), InsufficientCredits))
    assert "Solana with memo WV12 at http://127.0.0.1:9/billing/solana/" in after


async def test_only_the_beginning_of_an_error_body_is_read(make: MakeClient) -> None:
    body = ChunkedBody([b"x" * 65536, AssertionError("read too far")])
    client, _, _ = make(httpx2.Response(500, stream=body))
    await caught(status(client), ServerError)
    assert body.closed


async def test_an_error_whose_body_breaks_off_keeps_its_status(make: MakeClient) -> None:
    body = ChunkedBody([b'{"message":"Emp', httpx2.ReadError("reset")])
    client, _, _ = make(httpx2.Response(402, stream=body))
    error = await caught(translate(client), InsufficientCredits)
    assert (error.status, error.billed) == (402, False)


# Unusable answers


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<html>Down</html>", "The answer is not JSON. Check WEBVOICE_BASE_URL, or try again later."),
        (b'{"success": true}', "The service's answer has no usable translated_text."),
        (b"x" * (9 << 20), "The service's answer is larger than 8 MiB and was discarded."),
    ],
)
async def test_an_unusable_answer_says_why_and_that_credits_may_be_spent(
    make: MakeClient, body: bytes, sentence: str
) -> None:
    client, _, _ = make(raw(body))
    error = await caught(translate(client), InvalidResponse)
    assert str(error) == f"{sentence} {SPENT}"
    assert error.billed


async def test_an_answer_that_is_cut_short_is_an_invalid_response(make: MakeClient) -> None:
    client, _, _ = make(httpx2.Response(200, stream=ChunkedBody([b'{"tr', httpx2.RemoteProtocolError("cut")])))
    assert str(await caught(translate(client), InvalidResponse)) == f"The service's answer was cut short. {SPENT}"


async def test_an_answer_that_cannot_be_decompressed_is_an_invalid_response(make: MakeClient) -> None:
    client, _, _ = make(httpx2.Response(200, headers=[("content-encoding", "gzip")], stream=ChunkedBody([b"not gzip"])))
    error = await caught(translate(client), InvalidResponse)
    assert str(error) == f"The service's answer could not be decompressed. {SPENT}"


async def test_an_answer_that_takes_too_long_is_a_timeout(make: MakeClient) -> None:
    async def never(_: httpx2.Request) -> httpx2.Response:
        await anyio.sleep(math.inf)
        raise AssertionError

    client, sent, _ = make(never, TIMEOUT="0.05")
    error = await caught(translate(client), TimedOut)
    assert str(error) == f"No complete answer within 0.05 seconds (WEBVOICE_TIMEOUT). {SPENT}"
    assert error.billed
    assert len(sent.requests) == 1


async def test_a_bare_list_is_read_as_the_data(make: MakeClient) -> None:
    client, _, _ = make(ok([{"id": "m", "credits_per_request": 2}]))
    assert [model.id for model in (await client.call(CHAT_MODELS, Empty())).models] == ["m"]


# Media


async def test_media_go_to_the_sink_and_the_rest_is_the_reply(make: MakeClient) -> None:
    sound = bytes(range(256)) * 300
    body = json.dumps({"success": True, "audio": base64.b64encode(sound).decode(), "duration": 2.5}).encode()
    client, _, _ = make(
        httpx2.Response(200, stream=ChunkedBody([body[at : at + 1000] for at in range(0, len(body), 1000)]))
    )
    written = bytearray()
    reply, media = await client.download(SPEECH, SPEECH_REQUEST, lambda _field, _index: written.extend)
    assert reply == SpeechReply.model_validate({"success": True, "duration": 2.5})
    assert bytes(written) == sound
    assert [(item.field, item.size) for item in media] == [("audio", len(sound))]


async def test_a_download_that_is_not_an_object_is_an_invalid_response(make: MakeClient) -> None:
    client, _, _ = make(ok("text"))
    error = await caught(
        client.download(SPEECH, SPEECH_REQUEST, lambda _field, _index: bytearray().extend), InvalidResponse
    )
    assert str(error) == f"The service's answer has no usable content. {SPENT}"


async def test_a_slow_disk_does_not_block_the_event_loop(make: MakeClient) -> None:
    body = json.dumps({"audio": base64.b64encode(bytes(6000)).decode()}).encode()
    client, _, _ = make(
        httpx2.Response(200, stream=ChunkedBody([body[at : at + 2000] for at in range(0, len(body), 2000)]))
    )
    threads = []

    def slow(_data: bytes | memoryview) -> None:
        threads.append(threading.current_thread())
        time.sleep(0.02)

    await client.download(SPEECH, SPEECH_REQUEST, lambda _field, _index: slow)
    assert threads[0] is threading.main_thread()  # the first piece makes two writes: its head, and the rest of it
    assert threading.main_thread() not in threads[2:]


async def test_errors_raised_by_a_sink_propagate(make: MakeClient) -> None:
    def full(_data: bytes | memoryview) -> None:
        raise OSError("disk full")

    client, _, _ = make(ok({"audio": "QUJD"}))
    with pytest.raises(OSError, match="disk full"):
        await client.download(SPEECH, SPEECH_REQUEST, lambda _field, _index: full)


# Streams


async def test_a_stream_passes_on_its_text_and_returns_a_reply(make: MakeClient) -> None:
    client, sent, _ = make(
        events(
            '{"id":"c1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}',
            '{"choices":[{"index":0,"delta":{"content":"Hel"}}]}',
            '{"choices":[{"index":0,"delta":{"content":"lo w"}}]}',
            '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"total_tokens":60},'
            '"webvoice":{"credits_used":2.0,"credits_remaining":98.0}}',
            "[DONE]",
        )
    )
    pieces: list[str] = []

    async def on_text(piece: str) -> None:
        pieces.append(piece)

    reply = await client.chat(CHAT, CHAT_REQUEST, on_text)
    assert pieces == ["Hel", "lo ", "w"]  # the last character could have been the beginning of the key
    assert reply.choices[0].message.text == "Hello w"
    assert (reply.id, reply.usage, reply.webvoice.credits_remaining) == ("c1", {"total_tokens": 60}, 98)
    assert json.loads(sent.bodies[0])["stream"] is True


async def test_a_route_that_does_not_stream_is_read_as_a_whole(make: MakeClient) -> None:
    client, _, _ = make(ok({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}))
    assert (await client.chat(CHAT, CHAT_REQUEST, ignore_text)).choices[0].message.text == "Hi"
