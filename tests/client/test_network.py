"""Connections over real sockets: reuse, end, failure, and backpressure."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable

import anyio
import httpx2
import pytest

from tests.client.helpers import caught, status, translate
from tests.client.service import (
    LIMITS,
    MIB,
    STATUS_ANSWER,
    TRANSLATION_ANSWER,
    WAIT_SECONDS,
    always,
    once,
    read_request,
    reset_on_close,
    serving,
)
from webvoice_mcp.client.client import Client
from webvoice_mcp.client.transport import Transport
from webvoice_mcp.errors import InvalidResponse


async def test_a_connection_is_reused_for_consecutive_calls(client_of: Callable[..., Client]) -> None:
    async with serving(always(STATUS_ANSWER)) as service:
        client = client_of(service.port)
        for _ in range(5):
            assert (await status(client)).credits == 100
        await client.aclose()
    assert service.connections == 1


@pytest.mark.parametrize("stray", [b"", TRANSLATION_ANSWER.replace(b"Ciao", b"Other")], ids=["ended", "stray answer"])
async def test_a_connection_that_ended_or_sent_a_stray_answer_is_not_reused(
    client_of: Callable[..., Client], stray: bytes
) -> None:
    async with serving(once(STATUS_ANSWER, stray), always(TRANSLATION_ANSWER)) as service:
        client = client_of(service.port)
        await status(client)
        await asyncio.sleep(0.1)
        assert (await translate(client)).translated_text == "Ciao"
        await client.aclose()
    assert service.connections == 2


async def test_a_paid_call_survives_a_connection_that_ends_after_the_pools_check(
    client_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(once(STATUS_ANSWER), always(TRANSLATION_ANSWER)) as service:
        client = client_of(service.port)
        await status(client)
        await asyncio.sleep(0.1)
        # The pool checks a connection before it reuses it. Here the check finds nothing.
        monkeypatch.setattr("webvoice_mcp.client.network._Connection.get_extra_info", lambda *_: None)
        assert (await translate(client)).translated_text == "Ciao"
        await client.aclose()
    assert service.connections == 2


async def test_a_connection_that_ended_unnoticed_by_a_busy_loop_is_not_reused(
    client_of: Callable[..., Client],
) -> None:
    ending, has_ended = threading.Event(), threading.Event()

    async def end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(STATUS_ANSWER)
        await writer.drain()
        connection = writer.get_extra_info("socket").dup()

        def shut_down() -> None:
            ending.wait(WAIT_SECONDS)
            connection.shutdown(socket.SHUT_RDWR)
            connection.close()
            has_ended.set()

        threading.Thread(target=shut_down).start()
        await reader.read()

    async with serving(end, always(TRANSLATION_ANSWER)) as service:
        client = client_of(service.port)
        await status(client)
        ending.set()
        assert has_ended.wait(WAIT_SECONDS)  # blocks the event loop, so that it does not notice the end
        time.sleep(0.1)  # noqa: ASYNC251 - until the end has reached this side
        assert (await translate(client)).translated_text == "Ciao"
        await client.aclose()
    assert service.connections == 2


async def test_an_answer_that_breaks_off_is_cut_short(client_of: Callable[..., Client]) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(TRANSLATION_ANSWER[:-5])
        await writer.drain()
        await asyncio.sleep(0.05)
        reset_on_close(writer)

    async with serving(break_off) as service:
        client = client_of(service.port)
        error = await caught(translate(client), InvalidResponse)
        await client.aclose()
    assert "cut short" in str(error)
    assert service.connections == 1


@pytest.mark.slow
async def test_an_answer_that_is_not_read_stays_with_its_sender() -> None:
    sent = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
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
        assert sent < 32 * MIB  # only the system's buffers are filled
        rest = sum([len(piece) async for piece in pieces])
        await transport.aclose()
    assert sent == 64 * MIB
    assert rest > 32 * MIB


async def test_a_cancelled_call_closes_its_connection(client_of: Callable[..., Client]) -> None:
    requested, closed = asyncio.Event(), asyncio.Event()

    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        requested.set()
        if not await reader.read():
            closed.set()

    async with serving(stay_silent) as service:
        client = client_of(service.port)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(status, client)
            await asyncio.wait_for(requested.wait(), WAIT_SECONDS)
            tasks.cancel_scope.cancel()
        await asyncio.wait_for(closed.wait(), WAIT_SECONDS)
        await client.aclose()
