"""The client, against scripted answers."""

import base64
import json
import math
import threading
import time
from typing import Any

import anyio
import httpx2
import pytest

from tests.client.calls import (
    ASK,
    REFUSED,
    SPEECH_REQUEST,
    STATUS_BODY,
    TRANSLATE,
    Make,
    failure,
    heard,
    ok,
    status,
)
from tests.support import BASE_URL, CANARY, ChunkedBody, events
from webvoice_mcp.client.multipart import Multipart
from webvoice_mcp.contract.account import ONBOARDING, SEND_CODE, SendCodeRequest
from webvoice_mcp.contract.chat import CHAT, CHAT_MODELS, ChatRequest
from webvoice_mcp.contract.endpoint import Empty, Endpoint, Request
from webvoice_mcp.contract.image import EDIT, EditRequest
from webvoice_mcp.contract.speech import SPEECH, TRANSCRIPTION, VOICES, SpeechReply, TranscriptionRequest, VoicesRequest
from webvoice_mcp.contract.translation import TRANSLATION
from webvoice_mcp.contract.video import IMAGE_TO_VIDEO, TEXT_TO_VIDEO, ImageToVideoRequest, TextToVideoRequest
from webvoice_mcp.errors import (
    BadRequest,
    InsufficientCredits,
    InvalidResponse,
    NetworkError,
    NotAuthenticated,
    ProviderUnavailable,
    RateLimited,
    ServerError,
    TimedOut,
    Unauthorized,
    WebVoiceError,
)


async def test_a_get_carries_the_key_in_one_header_and_its_fields_in_the_query(make: Make) -> None:
    client, sent, _ = make(ok({"voices": {"en": [{"id": "af_sarah", "name": "Sarah"}]}}))
    reply = await client.call(VOICES, VoicesRequest(language="en"))
    request = sent.requests[0]
    assert str(request.url) == f"{BASE_URL}/voices/?language=en"
    assert request.headers["x-api-key"] == CANARY
    assert "authorization" not in request.headers
    assert reply.voices["en"][0].id == "af_sarah"
    await client.aclose()


async def test_a_post_sends_exactly_the_documented_json(make: Make) -> None:
    client, sent, _ = make(ok({"success": True, "translated_text": "Ciao"}))
    await client.call(TRANSLATION, TRANSLATE)
    assert json.loads(sent.bodies[0]) == {"text": "Hi", "target_language": "it", "source_language": "auto"}
    assert sent.asked == [("POST", "translation/")]


async def test_signing_up_carries_no_key(make: Make) -> None:
    client, sent, _ = make(ok({"success": True}))
    await client.call(SEND_CODE, SendCodeRequest(email="a@b.co", accept_privacy=True, accept_terms=True))
    assert "x-api-key" not in sent.requests[0].headers


async def test_without_a_key_nothing_is_sent(make: Make) -> None:
    client, sent, _ = make(API_KEY="")
    error = await failure(status(client), NotAuthenticated)
    assert "webvoice_register_send_code" in str(error)
    assert "WEBVOICE_API_KEY" in str(error)
    assert sent.requests == []
    await client.aclose()


async def test_cookies_are_not_kept(make: Make) -> None:
    answer = httpx2.Response(200, json=STATUS_BODY, headers={"set-cookie": "sessionid=1; Path=/"})
    client, sent, _ = make(answer, ok(STATUS_BODY))
    await status(client)
    await status(client)
    assert "cookie" not in sent.requests[1].headers


@pytest.mark.parametrize("first", [REFUSED, *[httpx2.Response(code) for code in (429, 502, 503, 504)]])
async def test_a_get_is_tried_again(make: Make, first: Any) -> None:
    client, sent, slept = make(first, ok(STATUS_BODY))
    assert (await status(client)).user == "ann"
    assert len(sent.requests) == 2
    assert 0.25 <= slept.pauses[0] <= 0.5


@pytest.mark.parametrize("broken", [httpx2.ReadError("reset"), httpx2.RemoteProtocolError("gone")])
async def test_a_get_is_tried_again_when_the_connection_breaks(make: Make, broken: Exception) -> None:
    cut = httpx2.Response(200, stream=ChunkedBody([b'{"us', broken]))
    client, sent, _ = make(broken, cut, ok(STATUS_BODY))
    assert (await status(client)).credits == 100
    assert len(sent.requests) == 3


async def test_three_tries_are_the_most(make: Make) -> None:
    client, sent, slept = make(*[httpx2.Response(502, json={"error": "Bad gateway"})] * 5)
    error = await failure(status(client), ServerError)
    assert str(error) == "The service failed (502): Bad gateway. Try again later."
    assert error.status == 502
    assert (len(sent.requests), len(slept.pauses)) == (3, 2)
    assert slept.pauses[0] < slept.pauses[1]


async def test_a_gateway_that_failed_leaves_open_whether_credits_were_spent(make: Make) -> None:
    client, _, _ = make(httpx2.Response(504), httpx2.Response(500), httpx2.Response(400))
    said = str(await failure(client.call(TRANSLATION, TRANSLATE), ServerError))
    assert said == (
        "The service failed (504). Try again later. "
        "Credits may have been spent: look at webvoice_status before you repeat the call."
    )
    assert "Credits" not in str(await failure(status(client), ServerError))
    assert "Credits" not in str(await failure(client.call(TRANSLATION, TRANSLATE), BadRequest))


@pytest.mark.parametrize("code", [500, 502, 503, 504])
async def test_a_post_is_never_sent_again_after_a_server_error(make: Make, code: int) -> None:
    client, sent, slept = make(httpx2.Response(code))
    await failure(client.call(TRANSLATION, TRANSLATE), WebVoiceError)
    assert (len(sent.requests), slept.pauses) == (1, [])


@pytest.mark.parametrize("broken", [httpx2.ReadError("x"), httpx2.WriteError("x"), httpx2.RemoteProtocolError("x")])
async def test_a_broken_post_is_never_sent_again(make: Make, broken: Exception) -> None:
    client, sent, _ = make(broken)
    error = await failure(client.call(TRANSLATION, TRANSLATE), NetworkError)
    assert "Credits may have been spent" in str(error)
    assert len(sent.requests) == 1


async def test_a_post_that_was_refused_a_connection_is_sent_again(make: Make) -> None:
    client, sent, _ = make(REFUSED, httpx2.ConnectTimeout("slow"), ok({"translated_text": "Ciao"}))
    assert (await client.call(TRANSLATION, TRANSLATE)).translated_text == "Ciao"
    assert len(sent.requests) == 3


@pytest.mark.parametrize(
    ("error", "reason"), [(REFUSED, "refused"), (httpx2.ConnectTimeout("x"), "no connection in time")]
)
async def test_a_host_that_cannot_be_reached_is_named(make: Make, error: Exception, reason: str) -> None:
    client, _, _ = make(error, error, error)
    said = str(await failure(client.call(TRANSLATION, TRANSLATE), NetworkError))
    assert said == (
        f"Cannot connect to {BASE_URL}: {reason}. Nothing was carried out. No credits were spent. "
        "Check the network, WEBVOICE_BASE_URL."
    )


async def test_a_rate_limit_is_waited_out_as_asked(make: Make) -> None:
    limited = httpx2.Response(429, headers={"retry-after": "7"})
    client, _, slept = make(limited, limited, ok({"translated_text": "Ciao"}))
    await client.call(TRANSLATION, TRANSLATE)
    assert slept.pauses == [7, 7]


async def test_a_rate_limit_beyond_thirty_seconds_is_told_at_once(make: Make) -> None:
    body = {"error": "Too Many Requests", "message": "Slow down."}
    client, sent, slept = make(httpx2.Response(429, headers={"retry-after": "31"}, json=body))
    error = await failure(client.call(TRANSLATION, TRANSLATE), RateLimited)
    assert str(error) == "Too many requests: Slow down. Try again in 31 seconds."
    assert (error.status, error.retry_after) == (429, 31)
    assert (len(sent.requests), slept.pauses) == (1, [])


async def test_rate_limits_are_waited_out_for_thirty_seconds_in_all(make: Make) -> None:
    client, _, slept = make(
        httpx2.Response(429, headers={"retry-after": "20"}), httpx2.Response(429, headers={"retry-after": "11"})
    )
    error = await failure(status(client), RateLimited)
    assert (error.retry_after, slept.pauses) == (11, [20])


@pytest.mark.parametrize(
    ("code", "error"), [(400, BadRequest), (401, Unauthorized), (402, InsufficientCredits), (403, Unauthorized)]
)
async def test_each_refusal_is_an_error_of_its_own(make: Make, code: int, error: type[WebVoiceError]) -> None:
    client, sent, _ = make(httpx2.Response(code, json={"error": "No", "message": "Because."}))
    caught = await failure(status(client), error)
    assert caught.status == code
    assert "Because." in str(caught)
    assert len(sent.requests) == 1


async def test_success_false_is_a_refusal(make: Make) -> None:
    client, _, _ = make(ok({"success": False, "message": "No such language"}))
    error = await failure(client.call(TRANSLATION, TRANSLATE), BadRequest)
    assert str(error) == (
        "The service refused the request: No such language. Change the arguments as it says, or try again later."
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
            TRANSCRIPTION,
            TranscriptionRequest(),
            (
                "The provider whisper_small is not available (503): No key. "
                "Other providers to try: whisper_fast, whisper_max_local."
            ),
        ),
        (
            IMAGE_TO_VIDEO,
            ImageToVideoRequest(provider="runway", prompt="x", duration=5),
            "The provider runway is not available (503): No key. Other providers to try: seedance.",
        ),
        (
            TEXT_TO_VIDEO,
            TextToVideoRequest(provider="seedance", prompt="x", duration=5),
            "The provider seedance is not available (503): No key. Other providers to try: veo, veo-fast.",
        ),
        (
            EDIT,
            EditRequest(prompt="x"),
            "The provider flux-flash-edit is not available (503): No key. Try again later.",
        ),
        (CHAT, ASK, "The service is not available (503): No key. Try another model, or try later."),
        (
            CHAT,
            ASK.model_copy(update={"provider": "groq"}),
            "The provider groq is not available (503): No key. Try another model, or try later.",
        ),
        (TRANSLATION, TRANSLATE, "The service is not available (503): No key. Try again later."),
    ],
)
async def test_what_is_not_available_is_named_with_what_may_take_its_place(
    make: Make, endpoint: Endpoint[Any, Any], request_: Request, sentence: str
) -> None:
    client, _, _ = make(httpx2.Response(503, json={"error": "No key."}))
    assert str(await failure(client.call(endpoint, request_), ProviderUnavailable)) == sentence


async def test_a_redirect_is_not_followed(make: Make) -> None:
    client, sent, _ = make(httpx2.Response(302, headers={"location": "https://elsewhere.example/"}))
    error = await failure(status(client), InvalidResponse)
    assert "redirect (302)" in str(error)
    assert len(sent.requests) == 1


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<html>Down</html>", "The answer is not JSON. Try again later; WEBVOICE_BASE_URL may be wrong."),
        (b"[" * 100_000, "The answer is nested too deep."),
        (b"[" * 65 + b"]" * 65, "The answer is nested too deep."),
        (b'{"success": true}', "The service's answer to translation/ has no usable translated_text."),
        (b'"text"', "The service's answer to translation/ has no usable content."),
        (b"x" * (9 << 20), "The service's answer is larger than 8 MiB and was stopped."),
    ],
)
async def test_an_unusable_answer_says_why_and_that_credits_may_be_gone(make: Make, body: bytes, sentence: str) -> None:
    client, _, _ = make(httpx2.Response(200, content=body))
    error = await failure(client.call(TRANSLATION, TRANSLATE), InvalidResponse)
    assert str(error).startswith(sentence)
    assert "Credits may have been spent" in str(error)


async def test_a_list_where_the_documentation_names_no_shape_is_taken_as_the_data(make: Make) -> None:
    client, _, _ = make(ok([{"id": "m", "credits_per_request": 2}]))
    assert [model.id for model in (await client.call(CHAT_MODELS, Empty())).models] == ["m"]


async def test_an_answer_that_is_cut_short_is_an_invalid_response(make: Make) -> None:
    client, _, _ = make(httpx2.Response(200, stream=ChunkedBody([b'{"tr', httpx2.RemoteProtocolError("cut")])))
    error = await failure(client.call(TRANSLATION, TRANSLATE), InvalidResponse)
    assert str(error).startswith("The service's answer was cut short. Credits may have been spent")


async def test_an_answer_with_broken_compression_is_an_invalid_response(make: Make) -> None:
    async def broken(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-encoding": "gzip"}, stream=ChunkedBody([b"not gzip"]))

    client, _, _ = make(broken)
    error = await failure(client.call(TRANSLATION, TRANSLATE), InvalidResponse)
    assert str(error).startswith("The service's answer is compressed in a broken way.")


async def test_only_the_beginning_of_an_error_is_read(make: Make) -> None:
    body = ChunkedBody([b"x" * 65536, AssertionError("read too far")])
    client, _, _ = make(httpx2.Response(500, stream=body))
    await failure(status(client), ServerError)
    assert body.closed


async def test_an_answer_that_does_not_come_in_time_is_given_up(make: Make) -> None:
    async def never(_: httpx2.Request) -> httpx2.Response:
        await anyio.sleep(math.inf)
        raise AssertionError

    client, sent, _ = make(never, TIMEOUT="0.05")
    error = await failure(client.call(TRANSLATION, TRANSLATE), TimedOut)
    assert str(error).startswith("No whole answer within 0.05 seconds (WEBVOICE_TIMEOUT). Credits may have been spent")
    assert len(sent.requests) == 1


async def test_the_key_is_masked_wherever_the_service_echoes_it(make: Make) -> None:
    echo = f"the key {CANARY} is old"
    client, _, _ = make(
        httpx2.Response(401, json={"message": echo}), ok({**STATUS_BODY, "note": echo, "deep": [{"x": [echo, 1]}]})
    )
    assert "wv_…cdef is old" in str(await failure(status(client), Unauthorized))
    assert CANARY not in (await status(client)).model_dump_json()


async def test_an_empty_wallet_names_the_links_and_the_memo_once_it_is_known(make: Make) -> None:
    client, _, _ = make(
        httpx2.Response(402, json={}), ok({"credits": 0, "solana": {"memo_code": "WV12"}}), httpx2.Response(402)
    )
    before = str(await failure(client.call(TRANSLATION, TRANSLATE), InsufficientCredits))
    assert "http://127.0.0.1:9/billing/purchase/" in before
    assert "memo" not in before
    await client.call(ONBOARDING, Empty())
    after = str(await failure(client.call(TRANSLATION, TRANSLATE), InsufficientCredits))
    assert "Solana with memo WV12 at http://127.0.0.1:9/billing/solana/" in after


async def test_media_go_to_the_sink_and_the_rest_is_the_reply(make: Make) -> None:
    sound = bytes(range(256)) * 300
    body = json.dumps({"success": True, "audio": base64.b64encode(sound).decode(), "duration": 2.5}).encode()
    client, _, _ = make(
        httpx2.Response(200, stream=ChunkedBody([body[at : at + 1000] for at in range(0, len(body), 1000)]))
    )
    written = bytearray()
    reply, media = await client.download(SPEECH, SPEECH_REQUEST, lambda _field, _index: written.extend)
    assert reply == SpeechReply.model_validate({"success": True, "duration": 2.5})
    assert bytes(written) == sound
    assert [(each.field, each.size) for each in media] == [("audio", len(sound))]


async def test_a_form_is_sent_with_its_exact_length(make: Make) -> None:
    client, sent, _ = make(ok({"text": "Ciao", "language": "it"}))
    body = Multipart({"language": "it"}, [])
    reply = await client.upload(TRANSCRIPTION, TranscriptionRequest(language="it"), body)
    assert reply.text == "Ciao"
    assert sent.requests[0].headers["content-length"] == str(len(sent.bodies[0])) == str(body.length)
    assert sent.requests[0].headers["content-type"] == body.content_type


async def test_a_download_that_is_no_object_is_an_invalid_response(make: Make) -> None:
    client, _, _ = make(ok("text"))
    error = await failure(
        client.download(SPEECH, SPEECH_REQUEST, lambda _field, _index: bytearray().extend), InvalidResponse
    )
    assert str(error).startswith("The service's answer to tts/ has no usable content.")


async def test_while_the_disk_is_slow_the_event_loop_goes_on(make: Make) -> None:
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


async def test_what_a_sink_raises_passes_through(make: Make) -> None:
    def full(_data: bytes | memoryview) -> None:
        raise OSError("disk full")

    client, _, _ = make(ok({"audio": "QUJD"}))
    with pytest.raises(OSError, match="disk full"):
        await client.download(SPEECH, SPEECH_REQUEST, lambda _field, _index: full)


async def test_a_stream_hands_on_its_text_and_ends_as_one_reply(make: Make) -> None:
    client, sent, _ = make(
        events(
            '{"id":"c1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}',
            '{"choices":[{"index":0,"delta":{"content":"Hel"}}]}',
            '{"choices":[{"index":0,"delta":{"content":"lo"}}]}',
            '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"total_tokens":60},'
            '"webvoice":{"credits_used":2.0,"credits_remaining":98.0}}',
            "[DONE]",
        )
    )
    pieces: list[str] = []

    async def heard(piece: str) -> None:
        pieces.append(piece)

    request = ChatRequest(model="m", messages=[{"role": "user", "content": "Hi"}], stream=True)
    reply = await client.stream(CHAT, request, heard)
    assert pieces == ["Hel", "lo"]
    assert reply.choices[0].message.text == "Hello"
    assert (reply.id, reply.usage, reply.webvoice.credits_remaining) == ("c1", {"total_tokens": 60}, 98)
    assert json.loads(sent.bodies[0])["stream"] is True


async def test_a_route_that_does_not_stream_is_read_as_it_answers(make: Make) -> None:
    client, _, _ = make(ok({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}))

    async def heard(_piece: str) -> None:
        raise AssertionError

    reply = await client.stream(CHAT, ChatRequest(model="m", messages=[]), heard)
    assert reply.choices[0].message.text == "Hi"


async def test_an_error_in_a_stream_is_the_services_refusal(make: Make) -> None:
    client, _, _ = make(events('{"error":{"message":"Model overloaded"}}'))

    error = await failure(client.stream(CHAT, ASK, heard), BadRequest)
    assert str(error) == (
        "The service refused the request: Model overloaded. Change the arguments as it says, or try again later."
    )
    assert not error.billed
