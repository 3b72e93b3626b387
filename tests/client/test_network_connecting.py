"""Connections over real sockets: how they begin, by TLS, too."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpcore2
import httpx2
import pytest

from tests.client.calls import failure, status
from tests.client.service import FINE, LIMITS, MIB, always, request_of, serving
from tests.tls import CertificateAuthority
from webvoice_mcp.client.client import Client
from webvoice_mcp.client.network import Transport, _Line
from webvoice_mcp.errors import NetworkError


async def test_a_name_with_several_addresses_is_tried_at_each(
    client_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = socket.getaddrinfo

    def with_another_first(_: str, *words: Any, **more: Any) -> list[Any]:
        return [*ask("127.0.0.9", *words, **more), *ask("127.0.0.1", *words, **more)]

    async with serving(always(FINE)) as service:  # at 127.0.0.1 alone
        client = client_of(service.port, "localhost")
        monkeypatch.setattr(socket, "getaddrinfo", with_another_first)
        assert (await status(client)).credits == 100
        monkeypatch.undo()
        await client.aclose()


async def test_nobody_there_is_told_in_the_system_s_words(client_of: Callable[..., Client]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = client_of(taken.getsockname()[1])
        error = await failure(status(client), NetworkError)
        await client.aclose()
    assert "/api/v1: Connection refused. Nothing was carried out." in str(error)


@pytest.fixture
def secret(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a service by TLS needs, and what a client of it."""
    authority = CertificateAuthority(tmp_path, "trusted")
    return authority.server_context(), ssl.create_default_context(cafile=authority.certificate_file)


@pytest.mark.parametrize("whole", [True, False])
async def test_by_tls_an_answer_comes_whole_or_is_told_to_be_cut(
    secret: tuple[ssl.SSLContext, ssl.SSLContext], *, whole: bool
) -> None:
    size = 16 * MIB

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await request_of(reader):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            writer.write(bytes(size if whole else size - 1))
            await writer.drain()
            if not whole:
                return

    async with serving(pour, tls=secret[0]) as service:
        transport = Transport(LIMITS, secret[1])
        for _ in range(2 if whole else 1):
            request = httpx2.Request("GET", f"https://127.0.0.1:{service.port}/")
            response = await transport.handle_async_request(request)
            if whole:
                assert sum([len(piece) async for piece in response.aiter_bytes()]) == size
            else:
                with pytest.raises(httpx2.RemoteProtocolError):
                    assert [len(piece) async for piece in response.aiter_bytes()]
        await transport.aclose()
    assert service.connections == 1


async def test_a_service_that_hangs_up_before_the_handshake_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin = _Line.start_tls

    async def late(self: _Line, *words: Any, **more: Any) -> Any:
        await asyncio.sleep(0.2)
        return await begin(self, *words, **more)

    async def nobody(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")

    monkeypatch.setattr(_Line, "start_tls", late)
    async with serving(nobody) as service:
        transport = Transport(LIMITS, ssl.create_default_context())
        began = time.monotonic()
        with pytest.raises(httpx2.ConnectError, match="had ended"):
            await transport.handle_async_request(httpx2.Request("GET", f"https://127.0.0.1:{service.port}/"))
        assert time.monotonic() - began < 5
        await transport.aclose()


@pytest.mark.parametrize("host", ["webvoice.invalid", "x" * 64 + ".invalid"])
async def test_a_name_that_nobody_has_cannot_be_connected_to(host: str) -> None:
    transport = Transport(LIMITS, None)
    with pytest.raises(httpx2.ConnectError, match=r"\w"):
        await transport.handle_async_request(httpx2.Request("GET", f"http://{host}/"))
    await transport.aclose()


async def test_who_does_not_answer_while_connecting_is_not_waited_for() -> None:
    closed = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(MIB):
            pass
        closed.set()

    async with serving(silent) as service:
        transport = Transport(LIMITS, ssl.create_default_context())
        url = f"https://127.0.0.1:{service.port}/"
        with pytest.raises(httpx2.ConnectTimeout):
            await transport.handle_async_request(httpx2.Request("GET", url, extensions={"timeout": {"connect": 0.2}}))
        await asyncio.wait_for(closed.wait(), 5)
        await transport.aclose()


def test_every_failure_of_the_network_has_a_name_that_the_client_knows() -> None:
    kinds = (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError)
    names = [
        name
        for name, each in vars(httpcore2).items()
        if isinstance(each, type) and issubclass(each, kinds) and each not in kinds
    ]
    assert {"ConnectError", "ReadError", "WriteError", "PoolTimeout", "RemoteProtocolError"} <= set(names)
    for name in names:
        assert issubclass(getattr(httpx2, name), httpx2.TransportError)
