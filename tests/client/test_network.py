"""Connections over real sockets: kept, ended, broken, and read no faster than they are used."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable

import anyio
import httpx2
import pytest

from tests.client.calls import TRANSLATE, failure, status
from tests.client.service import FINE, LIMITS, MIB, TRANSLATED, always, once, request_of, reset, serving
from webvoice_mcp.client.client import Client
from webvoice_mcp.client.network import Transport
from webvoice_mcp.contract.translation import TRANSLATION
from webvoice_mcp.errors import InvalidResponse


async def test_a_connection_serves_one_call_after_the_other(client_of: Callable[..., Client]) -> None:
    async with serving(always(FINE)) as service:
        client = client_of(service.port)
        for _ in range(5):
            assert (await status(client)).credits == 100
        await client.aclose()
    assert service.connections == 1


@pytest.mark.parametrize("stray", [b"", TRANSLATED.replace(b"Ciao", b"Merde"), b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
async def test_a_connection_that_ended_or_said_what_nobody_asked_for_is_not_used_again(
    client_of: Callable[..., Client], stray: bytes
) -> None:
    async with serving(once(FINE, stray), always(TRANSLATED)) as service:
        client = client_of(service.port)
        await status(client)
        await asyncio.sleep(0.1)
        assert (await client.call_paid(TRANSLATION, TRANSLATE)).translated_text == "Ciao"
        await client.aclose()
    assert service.connections == 2


async def test_a_connection_that_ends_between_the_look_at_it_and_the_request_lets_a_paid_call_go_to_another(
    client_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(once(FINE), always(TRANSLATED)) as service:
        client = client_of(service.port)
        await status(client)
        await asyncio.sleep(0.1)
        # The pool looks before it takes a connection; here it sees nothing.
        monkeypatch.setattr("webvoice_mcp.client.network._Connection.get_extra_info", lambda *_: None)
        assert (await client.call_paid(TRANSLATION, TRANSLATE)).translated_text == "Ciao"
        await client.aclose()
    assert service.connections == 2


async def test_a_connection_that_ended_unnoticed_since_we_were_busy_is_not_used_again(
    client_of: Callable[..., Client],
) -> None:
    ending = threading.Event()

    async def end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(FINE)
        await writer.drain()
        connection = writer.get_extra_info("socket").dup()
        threading.Thread(
            target=lambda: (ending.wait(), connection.shutdown(socket.SHUT_RDWR), connection.close())
        ).start()
        await reader.read()

    async with serving(end, always(TRANSLATED)) as service:
        client = client_of(service.port)
        await status(client)
        ending.set()
        time.sleep(0.2)  # noqa: ASYNC251 - the event loop hears nothing meanwhile
        assert (await client.call_paid(TRANSLATION, TRANSLATE)).translated_text == "Ciao"
        await client.aclose()
    assert service.connections == 2


async def test_an_answer_that_breaks_off_is_told_as_cut_short(client_of: Callable[..., Client]) -> None:
    async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(TRANSLATED[:-5])
        await writer.drain()
        await asyncio.sleep(0.05)
        reset(writer)

    async with serving(breaks) as service:
        client = client_of(service.port)
        error = await failure(client.call_paid(TRANSLATION, TRANSLATE), InvalidResponse)
        await client.aclose()
    assert "cut short" in str(error)
    assert service.connections == 1


async def test_what_is_not_read_waits_with_its_sender() -> None:
    sent = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 * MIB))
        while sent < 64 * MIB:
            writer.write(bytes(MIB))
            await writer.drain()
            sent += MIB

    async with serving(pour) as service:
        transport = Transport(LIMITS, None)
        response = await transport.handle_async_request(httpx2.Request("GET", f"http://127.0.0.1:{service.port}/"))
        pieces = response.aiter_bytes()
        await anext(pieces)
        await asyncio.sleep(0.3)
        assert sent < 32 * MIB  # the buffers of the system; nothing else is filled
        rest = sum([len(piece) async for piece in pieces])
        await transport.aclose()
    assert sent == 64 * MIB
    assert rest > 32 * MIB


async def test_a_call_that_is_given_up_closes_its_connection(client_of: Callable[..., Client]) -> None:
    closed = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        if not await reader.read():
            closed.set()

    async with serving(silent) as service:
        client = client_of(service.port)
        with anyio.move_on_after(0.2):
            await status(client)
        await asyncio.wait_for(closed.wait(), 5)
        await client.aclose()
