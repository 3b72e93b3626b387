"""Only the proxy that is used for the base URL is set up, and `doctor` names the same one."""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.client.helpers import FakeSleep, caught, status
from tests.client.service import STATUS_ANSWER, always, read_head, serving
from tests.support import MakeSettings
from tests.tls import CertificateAuthority
from webvoice_mcp.cli.doctor import proxy as doctor_proxy
from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.client.proxy import find_proxy
from webvoice_mcp.errors import NetworkError
from webvoice_mcp.keystore import KeyStore

URL = "https://webvoice.invalid/api/v1"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def https_client(make_settings: MakeSettings) -> Callable[[str], Client]:
    def made(base_url: str) -> Client:
        settings = make_settings(BASE_URL=base_url)
        return Client(settings, Keys(settings, KeyStore(settings.credentials_file)), sleep=FakeSleep())

    return made


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, None),
        ({"HTTP_PROXY": "http://a:1"}, None),
        ({"HTTPS_PROXY": "http://a:1", "ALL_PROXY": "socks5://b:2"}, "http://a:1"),
        ({"HTTPS_PROXY": "", "ALL_PROXY": "socks5://b:2"}, "socks5://b:2"),
        ({"https_proxy": "a:1"}, "http://a:1"),
        ({"HTTPS_PROXY": " a:1\n"}, "http://a:1"),
        ({"HTTPS_PROXY": " ", "ALL_PROXY": "a:1 "}, "http://a:1"),
        ({"HTTPS_PROXY": " "}, None),
        ({"ALL_PROXY": "SOCKS://u:p@b:2"}, "socks5://u:p@b:2"),
        ({"ALL_PROXY": "socks5h://b:2"}, "socks5h://b:2"),
    ],
)
def test_the_proxy_of_the_scheme_counts_before_the_one_for_all(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    proxy = find_proxy(URL)
    assert (proxy.url if proxy else None) == url
    assert proxy is None or proxy.is_used


@pytest.mark.parametrize(
    ("no_proxy", "base_url", "is_used"),
    [
        ("other.invalid", URL, True),
        ("invalid.webvoice", URL, True),
        ("voice.invalid", URL, True),
        ("webvoice.invalid", URL, False),
        (".invalid", URL, False),
        ("*.invalid", URL, False),
        ("a, WEBVOICE.INVALID:443", "https://webvoice.invalid:443/api/v1", False),
        ("webvoice.invalid:443", URL, False),
        ("webvoice.invalid:8443", URL, True),
        ("[::1]:443", "https://[::1]/api/v1", False),
        ("other, *", URL, False),
        ("127.0.0.1", "https://127.0.0.1:8443/api/v1", False),
        ("::1", "https://[::1]:8443/api/v1", False),
        ("[::1]", "https://[::1]/api/v1", False),
        ("", "http://127.0.0.1:8787/api/v1", False),
    ],
)
def test_no_proxy_exempts_hosts(monkeypatch: pytest.MonkeyPatch, no_proxy: str, base_url: str, is_used: bool) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://a:1")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    proxy = find_proxy(base_url)
    assert proxy is not None
    assert proxy.is_used == is_used


async def test_a_proxy_that_is_not_used_breaks_nothing(
    https_client: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = CertificateAuthority(tmp_path, "authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate_file))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with serving(always(STATUS_ANSWER), tls=authority.server_context()) as service:
        for unusable in ("socks5://127.0.0.1:9", "ftp://x", "http://127.0.0.1:99999", "http://["):
            monkeypatch.setenv("ALL_PROXY", unusable)
            client = https_client(f"https://127.0.0.1:{service.port}/api/v1")
            assert (await status(client)).credits == 100
            await client.aclose()


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
async def test_calls_go_through_a_proxy_with_its_password(
    https_client: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    authority = CertificateAuthority(tmp_path, "authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate_file))
    heads: list[bytes] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await read_head(reader))
        host, _, port = heads[-1].split()[1].decode().rpartition(":")
        upstream_reader, upstream_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pipe(reader, upstream_writer), pipe(upstream_reader, writer))

    async with serving(always(STATUS_ANSWER), tls=authority.server_context()) as service, serving(tunnel) as proxy:
        monkeypatch.setenv(variable, f"http://ann:secret@127.0.0.1:{proxy.port}")
        if variable == "HTTPS_PROXY":
            monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
        client = https_client(f"https://127.0.0.1:{service.port}/api/v1")
        for _ in range(3):
            assert (await status(client)).credits == 100
        await client.aclose()
    assert (proxy.connections, service.connections) == (1, 1)
    assert b"Proxy-Authorization: Basic YW5uOnNlY3JldA==" in heads[0]


async def test_a_proxy_that_refuses_is_reported_as_an_unreachable_host(
    https_client: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(always(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        client = https_client(URL)
        said = str(await caught(status(client), NetworkError))
        await client.aclose()
    assert said.startswith(f"Cannot connect to {URL}: 407 Proxy Authentication Required. ")


def test_doctor_names_the_proxy_that_calls_use(monkeypatch: pytest.MonkeyPatch, make_settings: MakeSettings) -> None:
    settings = make_settings(BASE_URL=URL)
    proxies = ("", "http://u:secret@a:1", "socks://b:2")
    for https, all_, no in itertools.product(proxies, proxies, ("", "webvoice.invalid")):
        for name, value in (("HTTPS_PROXY", https), ("ALL_PROXY", all_), ("NO_PROXY", no)):
            monkeypatch.setenv(name, value)
        detail = doctor_proxy.check(settings).detail
        proxy = find_proxy(URL)
        is_used = proxy is not None and proxy.is_used
        assert ("is reached through" in detail, detail == "none") == (is_used, proxy is None)
        assert "secret" not in detail
        assert "secret" not in repr(proxy)


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()
