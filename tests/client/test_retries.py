"""Requests that are repeated, and requests that are not because they may have been billed."""

from typing import Any

import anyio
import httpx2
import pytest

from tests.client.helpers import (
    SPENT,
    STATUS_BODY,
    MakeClient,
    caught,
    ok,
    status,
    translate,
)
from tests.support import ChunkedBody
from webvoice_mcp.errors import NetworkError, RateLimited, ServerError, WebVoiceError

NOT_SENT = {httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError}


def limited(seconds: int) -> httpx2.Response:
    return httpx2.Response(429, headers={"retry-after": str(seconds)})


@pytest.mark.parametrize(
    ("call", "retried"), [(status, {429, 502, 503, 504}), (translate, {429})], ids=["GET", "paid POST"]
)
async def test_a_request_is_repeated_only_after_these_statuses(make: MakeClient, call: Any, retried: set[int]) -> None:
    client, sent, sleep = make()
    for code in range(300, 600):
        sent.requests, sent.answers, sleep.pauses = [], [httpx2.Response(code) for _ in range(4)], []
        with pytest.raises(WebVoiceError):
            await call(client)
        expected = 3 if code in retried else 1
        assert (code, len(sent.requests), len(sleep.pauses)) == (code, expected, expected - 1)


def transport_errors(base: type[httpx2.TransportError] = httpx2.TransportError) -> set[type[httpx2.TransportError]]:
    return {base}.union(*map(transport_errors, base.__subclasses__()))


async def test_a_paid_request_is_repeated_only_if_it_was_not_sent(make: MakeClient) -> None:
    client, sent, _ = make()
    for kind in transport_errors():
        sent.requests, sent.answers = [], [kind("broken"), kind("broken"), kind("broken")]
        error = await caught(translate(client), NetworkError)
        assert (kind, len(sent.requests)) == (kind, 3 if kind in NOT_SENT else 1)
        assert (kind, error.billed, SPENT in str(error)) == (kind, kind not in NOT_SENT, kind not in NOT_SENT)


async def test_a_get_is_repeated_when_the_connection_breaks(make: MakeClient) -> None:
    cut = httpx2.Response(200, stream=ChunkedBody([b'{"us', httpx2.RemoteProtocolError("gone")]))
    client, sent, _ = make(httpx2.ReadError("reset"), cut, ok(STATUS_BODY))
    assert (await status(client)).credits == 100
    assert len(sent.requests) == 3


async def test_pauses_are_short_and_grow(make: MakeClient) -> None:
    client, _, sleep = make(*[httpx2.Response(502, json={"error": "Bad gateway"})] * 3)
    error = await caught(status(client), ServerError)
    assert str(error) == "The service failed (502): Bad gateway. Try again later."
    assert error.status == 502
    first, second = sleep.pauses
    assert 0.25 <= first <= 0.5 <= second <= 1


async def test_a_rate_limit_is_waited_out_as_requested(make: MakeClient) -> None:
    client, _, sleep = make(limited(7), limited(7), ok({"translated_text": "Ciao"}))
    await translate(client)
    assert sleep.pauses == [7, 7]


async def test_a_rate_limit_beyond_thirty_seconds_is_reported_at_once(make: MakeClient) -> None:
    body = {"error": "Too Many Requests", "message": "Slow down."}
    client, sent, sleep = make(httpx2.Response(429, headers={"retry-after": "31"}, json=body))
    error = await caught(translate(client), RateLimited)
    assert str(error) == "Too many requests: Slow down. Try again in 31 seconds."
    assert (error.status, error.retry_after, error.billed) == (429, 31, False)
    assert (len(sent.requests), sleep.pauses) == (1, [])


async def test_rate_limits_are_waited_out_for_thirty_seconds_in_total(make: MakeClient) -> None:
    client, _, sleep = make(limited(20), limited(11))
    error = await caught(status(client), RateLimited)
    assert (error.retry_after, sleep.pauses) == (11, [20])


async def test_a_pause_that_exceeds_the_callers_deadline_is_not_made(make: MakeClient) -> None:
    client, _, sleep = make(limited(20))  # WEBVOICE_TIMEOUT also sets a deadline
    with anyio.fail_after(19):
        await caught(translate(client), RateLimited)
    assert sleep.pauses == []
