"""Connections over real sockets: their start, with and without TLS."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpcore2
import httpx2
import pytest

from tests.client.helpers import caught, status
from tests.client.service import LIMITS, MIB, STATUS_ANSWER, WAIT_SECONDS, always, read_request, serving
from tests.tls import CertificateAuthority
from webvoice_mcp.client import network
from webvoice_mcp.client.client import Client
from webvoice_mcp.client.transport import Transport
from webvoice_mcp.errors import NetworkError


async def test_all_addresses_of_a_name_are_tried(
    client_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    getaddrinfo = socket.getaddrinfo

    def with_another_first(_: str, *args: Any, **options: Any) -> list[Any]:
        return [*getaddrinfo("127.0.0.9", *args, **options), *getaddrinfo("127.0.0.1", *args, **options)]

    async with serving(always(STATUS_ANSWER)) as service:  # on 127.0.0.1 only
        client = client_of(service.port, "localhost")
        monkeypatch.setattr(socket, "getaddrinfo", with_another_first)
        assert (await status(client)).credits == 100
        monkeypatch.undo()
        await client.aclose()


async def test_a_refused_connection_is_reported_in_the_systems_words(client_of: Callable[..., Client]) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        client = client_of(bound.getsockname()[1])
        error = await caught(status(client), NetworkError)
        await client.aclose()
    assert "/api/v1: Connection refused. Nothing was carried out." in str(error)


@pytest.fixture
def tls_contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The TLS contexts of a service and of its client."""
    authority = CertificateAuthority(tmp_path, "trusted")
    return authority.server_context(), ssl.create_default_context(cafile=authority.certificate_file)


@pytest.mark.parametrize("is_whole", [True, False], ids=["whole", "cut"])
async def test_an_answer_over_tls_arrives_whole_or_is_an_error(
    tls_contexts: tuple[ssl.SSLContext, ssl.SSLContext], *, is_whole: bool
) -> None:
    size = 16 * MIB

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(reader):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            writer.write(bytes(size if is_whole else size - 1))
            await writer.drain()
            if not is_whole:
                return

    async with serving(pour, tls=tls_contexts[0]) as service:
        transport = Transport(LIMITS, tls_contexts[1])
        for _ in range(2 if is_whole else 1):
            request = httpx2.Request("GET", f"https://127.0.0.1:{service.port}/")
            response = await transport.handle_async_request(request)
            if is_whole:
                assert sum([len(piece) async for piece in response.aiter_bytes()]) == size
            else:
                with pytest.raises(httpx2.RemoteProtocolError):
                    assert [len(piece) async for piece in response.aiter_bytes()]
        await transport.aclose()
    assert service.connections == 1


async def test_a_service_that_closes_before_the_handshake_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    start_tls = network._Connection.start_tls

    async def start_tls_late(self: Any, *args: Any, **options: Any) -> Any:
        await asyncio.sleep(0.2)
        return await start_tls(self, *args, **options)

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")

    monkeypatch.setattr(network._Connection, "start_tls", start_tls_late)
    async with serving(greet) as service:
        transport = Transport(LIMITS, ssl.create_default_context())
        request = httpx2.Request("GET", f"https://127.0.0.1:{service.port}/")
        with pytest.raises(httpx2.ConnectError, match="already closed"):
            await transport.handle_async_request(request)
        await transport.aclose()


@pytest.mark.parametrize("host", ["webvoice.invalid", "x" * 64 + ".invalid"], ids=["unknown", "invalid"])
async def test_an_unknown_or_invalid_name_cannot_be_connected_to(host: str) -> None:
    transport = Transport(LIMITS, None)
    with pytest.raises(httpx2.ConnectError, match=r"\w"):
        await transport.handle_async_request(httpx2.Request("GET", f"http://{host}/"))
    await transport.aclose()


async def test_a_handshake_that_is_not_answered_times_out() -> None:
    closed = asyncio.Event()

    async def stay_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(MIB):
            pass
        closed.set()

    async with serving(stay_silent) as service:
        transport = Transport(LIMITS, ssl.create_default_context())
        url = f"https://127.0.0.1:{service.port}/"
        with pytest.raises(httpx2.ConnectTimeout):
            await transport.handle_async_request(httpx2.Request("GET", url, extensions={"timeout": {"connect": 0.2}}))
        await asyncio.wait_for(closed.wait(), WAIT_SECONDS)
        await transport.aclose()


def test_every_network_error_of_httpcore_has_a_namesake_in_httpx() -> None:
    bases = (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError)
    names = [
        name
        for name, kind in vars(httpcore2).items()
        if isinstance(kind, type) and issubclass(kind, bases) and kind not in bases
    ]
    assert {"ConnectError", "ReadError", "WriteError", "PoolTimeout", "RemoteProtocolError"} <= set(names)
    for name in names:
        assert issubclass(getattr(httpx2, name), httpx2.TransportError)
