"""Unusable proxies, certificates and hosts, and lost answers."""

import errno
import os
import ssl
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.client.helpers import FakeSleep, MakeClient, caught, status, translate
from tests.support import BASE_URL, MakeSettings
from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.contract.messaging import SEND_EMAIL, EmailRequest
from webvoice_mcp.errors import InvalidResponse, NetworkError, WebVoiceError
from webvoice_mcp.keystore import KeyStore

NOTHING_DONE = "Nothing was carried out. No credits were spent."
BAD_PROXY = (
    "The proxy in the environment cannot be used. "
    f"Correct or unset HTTPS_PROXY, ALL_PROXY or the system's proxy. {NOTHING_DONE}"
)
REPEATABLE = "This call costs no credits."
CARRIED_OUT = f"The request may have been carried out: check before you repeat it. {REPEATABLE}"


@pytest.fixture
def https_client(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client of an https host, without proxies and certificates in its environment."""
    for name in ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    settings = make_settings(BASE_URL="https://webvoice.invalid/api/v1")
    return Client(settings, Keys(settings, KeyStore(settings.credentials_file)), sleep=FakeSleep())


@pytest.mark.parametrize("proxy", ["ftp://x:1", "http://u:secret#x@127.0.0.1", "http://127.0.0.1:99999"])
async def test_an_unusable_proxy_is_named_by_its_variables(
    https_client: Client, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert str(await caught(status(https_client), NetworkError)) == BAD_PROXY
    await https_client.aclose()


async def test_a_socks_proxy_names_the_package_it_needs(https_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    assert str(await caught(status(https_client), NetworkError)) == (
        "The proxy in the environment is a SOCKS proxy, which needs another package. Install httpx2[socks], or unset "
        f"HTTPS_PROXY, ALL_PROXY or the system's proxy. {NOTHING_DONE}"
    )


async def test_an_unreachable_proxy_is_reported_as_an_unreachable_host(
    https_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert str(await caught(status(https_client), NetworkError)) == (
        f"Cannot connect to https://webvoice.invalid/api/v1: {os.strerror(errno.ECONNREFUSED)}. {NOTHING_DONE} "
        "Check the network, WEBVOICE_BASE_URL, HTTPS_PROXY, ALL_PROXY or the system's proxy "
        "and SSL_CERT_FILE or SSL_CERT_DIR."
    )
    await https_client.aclose()


@pytest.mark.parametrize("content", [None, "garbage"], ids=["missing", "garbage"])
async def test_unreadable_certificates_are_named_by_their_variables(
    https_client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "roots.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    said = str(await caught(status(https_client), NetworkError))
    assert said.startswith("The certificates in the environment cannot be read: ")
    assert said.endswith(f". Correct or unset SSL_CERT_FILE or SSL_CERT_DIR. {NOTHING_DONE}")
    assert ".." not in said


@pytest.mark.parametrize(
    "error",
    [
        ssl.SSLError(1, "no such thing"),
        UnicodeError("label too long"),
        ExceptionGroup("unhandled errors in a TaskGroup", [OverflowError()]),
    ],
)
async def test_a_proxy_that_fails_while_connecting_is_reported_as_unusable(make: MakeClient, error: Exception) -> None:
    client, sent, _ = make(error)
    assert str(await caught(translate(client), NetworkError)) == BAD_PROXY
    assert len(sent.requests) == 1


async def test_a_proxy_is_not_used_for_loopback(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    settings = make_settings()
    client = Client(settings, Keys(settings, KeyStore(settings.credentials_file)), sleep=FakeSleep())
    assert f"Cannot connect to {BASE_URL}" in str(await caught(status(client), NetworkError))
    await client.aclose()


async def test_a_host_that_does_not_answer_is_named(make: MakeClient) -> None:
    client, _, _ = make(*[httpx2.ConnectTimeout("")] * 3)
    assert str(await caught(translate(client), NetworkError)) == (
        f"Cannot connect to {BASE_URL}: the connection timed out. {NOTHING_DONE} "
        "Check the network and WEBVOICE_BASE_URL."
    )


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        (httpx2.ReadError("reset"), NetworkError, f"The connection broke before an answer arrived. {CARRIED_OUT}"),
        (
            httpx2.Response(200, content=b"<html>"),
            InvalidResponse,
            f"The answer is not JSON. Check WEBVOICE_BASE_URL, or try again later. {CARRIED_OUT}",
        ),
    ],
    ids=["broken", "unusable"],
)
async def test_a_free_post_with_a_lost_answer_may_have_been_carried_out(
    make: MakeClient, answer: Any, error: type[WebVoiceError], sentence: str
) -> None:
    client, sent, _ = make(answer)
    assert str(await caught(client.call(SEND_EMAIL, EmailRequest(to="a@b.co", body="Hi")), error)) == sentence
    assert len(sent.requests) == 1


async def test_a_get_with_a_lost_answer_can_be_repeated(make: MakeClient) -> None:
    client, _, _ = make(*[httpx2.ReadError("reset")] * 3)
    error = await caught(status(client), NetworkError)
    assert str(error) == f"The connection broke before an answer arrived. {REPEATABLE}"
