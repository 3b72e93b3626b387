"""Interim responses (1xx) before an answer neither block the event loop nor come without end."""

import asyncio
import time
from collections.abc import Callable

import pytest

from tests.client.helpers import caught, status, translate
from tests.client.service import STATUS_ANSWER, always, read_request, serving
from webvoice_mcp.client.client import Client
from webvoice_mcp.errors import NetworkError

INTERIM = b"HTTP/1.1 102 Processing\r\n\r\n"


async def longest_pause(task: asyncio.Task[object]) -> float:
    """Return the longest time for which a task kept the event loop to itself."""
    longest = 0.0
    while not task.done():
        started = time.perf_counter()
        await asyncio.sleep(0)
        longest = max(longest, time.perf_counter() - started)
    return longest


@pytest.mark.parametrize("head", [INTERIM, b"HTTP/1.1 103\r\nLink: <" + b"a" * 200 + b">\r\n\r\n"])
async def test_interim_responses_without_end_are_an_error_and_do_not_block(
    client_of: Callable[..., Client], head: bytes
) -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        while True:
            writer.write(head * 20_000)
            await writer.drain()

    async with serving(flood) as service:
        client = client_of(service.port)
        task = asyncio.ensure_future(caught(translate(client), NetworkError))
        pause = await longest_pause(task)
        assert (await task).billed
        await client.aclose()
    assert service.connections == 1  # a paid request is not repeated
    assert pause < 0.5


async def test_some_interim_responses_before_an_answer_are_skipped(client_of: Callable[..., Client]) -> None:
    async with serving(always(INTERIM * 500 + STATUS_ANSWER)) as service:
        client = client_of(service.port)
        for _ in range(2):
            assert (await status(client)).credits == 100
        await client.aclose()
    assert service.connections == 1


async def test_an_answer_that_switches_the_protocol_is_refused(client_of: Callable[..., Client]) -> None:
    async with serving(
        always(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
    ) as service:
        client = client_of(service.port)
        await caught(translate(client), NetworkError)
        await client.aclose()
