"""Connections that cannot be had, break, or take too long."""

import ssl
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from tests.client.calls import (
    REFUSED,
    STATUS_BODY,
    TRANSLATE,
    Make,
    Slept,
    failure,
    ok,
    status,
)
from tests.support import BASE_URL, ChunkedBody, MakeSettings
from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.contract.account import CREATE_KEY, SEND_CODE, CreateKeyRequest, SendCodeRequest
from webvoice_mcp.contract.endpoint import Endpoint, Request
from webvoice_mcp.contract.messaging import SEND_EMAIL, VOICE_MEMO, EmailRequest, MemoRequest
from webvoice_mcp.contract.translation import TRANSLATION
from webvoice_mcp.errors import (
    InsufficientCredits,
    InvalidResponse,
    NetworkError,
    RateLimited,
    ServerError,
    WebVoiceError,
)
from webvoice_mcp.keystore import KeyStore

NOTHING_DONE = "Nothing was carried out. No credits were spent."
BAD_PROXY = (
    "The proxy in the environment cannot be used. "
    f"Correct or unset HTTPS_PROXY, ALL_PROXY or the system's proxy. {NOTHING_DONE}"
)
REPEATABLE = "This call costs no credits."
CARRIED_OUT = f"It may have been carried out all the same: check before you repeat it. {REPEATABLE}"
SPENT = "Credits may have been spent: look at webvoice_status before you repeat the call."

UNPAID_POSTS = [
    (SEND_EMAIL, EmailRequest(to="a@b.co", body="Hi")),
    (VOICE_MEMO, MemoRequest(text="Hi")),
    (CREATE_KEY, CreateKeyRequest(name="k")),
    (SEND_CODE, SendCodeRequest(email="a@b.co", accept_privacy=True, accept_terms=True)),
]


@pytest.fixture
def outside(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client of a host in the network, whose environment a test may spoil."""
    for name in ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    settings = make_settings(BASE_URL="https://webvoice.invalid/api/v1")
    return Client(settings, Keys(settings, KeyStore(settings.credentials_file)), sleep=Slept())


@pytest.mark.parametrize("proxy", ["ftp://x:1", "://", "http://u:secret#x@127.0.0.1", "http://127.0.0.1:99999"])
async def test_a_proxy_that_cannot_be_is_named_by_its_variables(
    outside: Client, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert str(await failure(status(outside), NetworkError)) == BAD_PROXY
    await outside.aclose()


async def test_a_socks_proxy_names_what_it_needs(outside: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    assert str(await failure(status(outside), NetworkError)) == (
        "The proxy in the environment is a SOCKS proxy, which needs more: install httpx2[socks], or unset "
        f"HTTPS_PROXY, ALL_PROXY or the system's proxy. {NOTHING_DONE}"
    )


async def test_a_proxy_that_nobody_answers_on_is_a_host_that_cannot_be_reached(
    outside: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert str(await failure(status(outside), NetworkError)) == (
        f"Cannot connect to https://webvoice.invalid/api/v1: All connection attempts failed. {NOTHING_DONE} "
        "Check the network, WEBVOICE_BASE_URL, HTTPS_PROXY, ALL_PROXY or the system's proxy, "
        "SSL_CERT_FILE or SSL_CERT_DIR."
    )
    await outside.aclose()


@pytest.mark.parametrize(
    "content", [None, "", "garbage", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"]
)
async def test_certificates_that_cannot_be_read_are_named_by_their_variables(
    outside: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "roots.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    said = str(await failure(status(outside), NetworkError))
    assert said.startswith("The certificates in the environment cannot be read: ")
    assert said.endswith(f". Correct or unset SSL_CERT_FILE or SSL_CERT_DIR. {NOTHING_DONE}")
    assert ".." not in said


@pytest.mark.parametrize(
    "error",
    [
        ssl.SSLError(1, "no such thing"),
        OverflowError("port must be 0-65535"),
        UnicodeError("label too long"),
        ExceptionGroup("unhandled errors in a TaskGroup", [OverflowError()]),
    ],
)
async def test_what_only_shows_when_a_connection_is_made_is_no_crash(make: Make, error: Exception) -> None:
    client, sent, _ = make(error)
    assert str(await failure(client.call(TRANSLATION, TRANSLATE), NetworkError)) == BAD_PROXY
    assert len(sent.requests) == 1


async def test_a_proxy_that_refuses_got_no_request(make: Make) -> None:
    refused = httpx2.ProxyError("407 Proxy Authentication Required")
    client, sent, _ = make(refused, refused, refused)
    error = await failure(client.call(TRANSLATION, TRANSLATE), NetworkError)
    assert str(error).startswith(f"Cannot connect to {BASE_URL}: 407 Proxy Authentication Required. {NOTHING_DONE}")
    assert (len(sent.requests), error.billed) == (3, False)


async def test_a_proxy_is_not_used_towards_loopback(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    settings = make_settings()
    client = Client(settings, Keys(settings, KeyStore(settings.credentials_file)), sleep=Slept())
    assert f"Cannot connect to {BASE_URL}" in str(await failure(status(client), NetworkError))
    await client.aclose()


@pytest.mark.parametrize(("endpoint", "request_"), UNPAID_POSTS)
@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        (httpx2.ReadError("reset"), NetworkError, f"The connection broke before an answer came. {CARRIED_OUT}"),
        (
            httpx2.Response(200, content=b"<html>"),
            InvalidResponse,
            f"The answer is not JSON. Try again later; WEBVOICE_BASE_URL may be wrong. {CARRIED_OUT}",
        ),
    ],
)
async def test_a_lost_answer_to_a_free_order_says_that_it_may_have_been_carried_out(
    make: Make, endpoint: Endpoint[Any, Any], request_: Request, answer: Any, error: type[WebVoiceError], sentence: str
) -> None:
    client, sent, _ = make(answer)
    assert str(await failure(client.call(endpoint, request_), error)) == sentence
    assert len(sent.requests) == 1


@pytest.mark.parametrize(("endpoint", "request_"), UNPAID_POSTS)
async def test_an_order_that_was_refused_a_connection_was_not_carried_out(
    make: Make, endpoint: Endpoint[Any, Any], request_: Request
) -> None:
    client, _, _ = make(REFUSED, REFUSED, REFUSED)
    said = str(await failure(client.call(endpoint, request_), NetworkError))
    assert NOTHING_DONE in said
    assert "may have been" not in said


async def test_a_lost_answer_to_a_question_may_simply_be_asked_for_again(make: Make) -> None:
    client, _, _ = make(*[httpx2.ReadError("reset")] * 3)
    error = await failure(status(client), NetworkError)
    assert str(error) == f"The connection broke before an answer came. {REPEATABLE}"


@pytest.mark.parametrize(
    "broken",
    [
        httpx2.Response(402, stream=ChunkedBody([httpx2.RemoteProtocolError("cut")])),
        httpx2.Response(402, stream=ChunkedBody([b'{"message":"Emp', httpx2.ReadError("reset")])),
    ],
)
async def test_an_error_whose_body_breaks_off_keeps_its_status(make: Make, broken: httpx2.Response) -> None:
    client, _, _ = make(broken)
    error = await failure(client.call(TRANSLATION, TRANSLATE), InsufficientCredits)
    assert (error.status, error.billed) == (402, False)


async def test_an_error_with_broken_compression_keeps_its_status(make: Make) -> None:
    async def broken(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(500, headers={"content-encoding": "gzip"}, stream=ChunkedBody([b"not gzip"]))

    client, _, _ = make(broken)
    assert (await failure(client.call(TRANSLATION, TRANSLATE), ServerError)).status == 500


async def test_a_get_whose_error_breaks_off_is_tried_again(make: Make) -> None:
    client, sent, _ = make(
        httpx2.Response(503, stream=ChunkedBody([httpx2.ReadError("reset")])), httpx2.Response(200, json=STATUS_BODY)
    )
    assert (await status(client)).user == "ann"
    assert len(sent.requests) == 2


async def test_a_rate_limit_longer_than_the_time_left_is_told_at_once(make: Make) -> None:
    client, sent, slept = make(httpx2.Response(429, headers={"retry-after": "7"}), TIMEOUT="5")
    error = await failure(client.call(TRANSLATION, TRANSLATE), RateLimited)
    assert str(error) == "Too many requests. Try again in 7 seconds."
    assert (error.retry_after, error.billed) == (7, False)
    assert (len(sent.requests), slept.pauses) == (1, [])


async def test_a_pause_longer_than_the_time_left_tells_what_failed(make: Make) -> None:
    client, _, slept = make(REFUSED, TIMEOUT="0.2")
    assert NOTHING_DONE in str(await failure(client.call(TRANSLATION, TRANSLATE), NetworkError))
    assert slept.pauses == []


async def test_a_caller_with_less_patience_counts_too(make: Make) -> None:
    client, _, slept = make(httpx2.Response(429, headers={"retry-after": "7"}))
    with anyio.fail_after(5):
        await failure(client.call(TRANSLATION, TRANSLATE), RateLimited)
    assert slept.pauses == []


@pytest.mark.parametrize("header", ["Sun, 22 Nov 99999999999 12:00:00 GMT", "\u00b2", "9" * 5000, "-1", "nan"])
async def test_a_hostile_retry_after_is_ignored(make: Make, header: str) -> None:
    limited = httpx2.Response(429, headers=[(b"retry-after", header.encode("latin-1"))])
    client, _, slept = make(limited, ok({"translated_text": "Ciao"}))
    assert (await client.call(TRANSLATION, TRANSLATE)).translated_text == "Ciao"
    assert 0.25 <= slept.pauses[0] <= 0.5
