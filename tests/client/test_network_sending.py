"""Uploads over real sockets: taken in slowly, refused early, broken off."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from tests.client.calls import failure
from tests.client.service import MIB, head_of, reset, serving
from tests.support import http
from webvoice_mcp.client.client import Client
from webvoice_mcp.client.multipart import FormFile, Multipart
from webvoice_mcp.contract.speech import TRANSCRIPTION, TranscriptionRequest
from webvoice_mcp.errors import BadRequest, NetworkError, WebVoiceError


def silence(blocks: int = 32) -> Multipart:
    """An upload of blocks of 2 MiB."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(blocks):
            yield bytes(2 * MIB)

    return Multipart({}, [FormFile("audio", "a.wav", "audio/wav", blocks * 2 * MIB, chunks)])


async def test_a_refusal_that_comes_before_a_whole_upload_is_told(client_of: Callable[..., Client]) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(http(b'{"success": false, "error": "No such thing."}', "400 Bad Request"))
        await writer.drain()
        writer.write_eof()
        await asyncio.sleep(0.1)  # and then it is gone, with much unread

    async with serving(refuse) as service:
        client = client_of(service.port)
        error = await failure(client.upload(TRANSCRIPTION, TranscriptionRequest(), silence()), BadRequest)
        await client.aclose()
    assert "No such thing." in str(error)


async def test_a_service_that_pours_while_it_takes_nothing_in_fills_no_memory(client_of: Callable[..., Client]) -> None:
    poured = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal poured
        await head_of(reader)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while poured < 256 * MIB:
                    writer.write(bytes(MIB))
                    await writer.drain()
                    poured += MIB
        writer.transport.abort()

    async with serving(pour) as service:
        client = client_of(service.port)
        await failure(client.upload(TRANSCRIPTION, TranscriptionRequest(), silence()), WebVoiceError)
        await client.aclose()
    assert poured < 32 * MIB  # the buffers of the system


async def test_an_upload_into_a_connection_that_breaks_may_have_been_billed(client_of: Callable[..., Client]) -> None:
    async def vanish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        reset(writer)

    async with serving(vanish) as service:
        client = client_of(service.port)
        error = await failure(client.upload(TRANSCRIPTION, TranscriptionRequest(), silence()), NetworkError)
        await client.aclose()
    assert error.billed
    assert service.connections == 1


async def test_an_upload_that_is_taken_in_slowly_arrives_whole(client_of: Callable[..., Client]) -> None:
    taken = 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        length = re.search(rb"(?i)content-length: (\d+)", await head_of(reader))
        assert length
        while taken < int(length[1]):
            await asyncio.sleep(0.01)
            taken += len(await reader.read(MIB))
        writer.write(http(b'{"success": true, "text": "Hello"}'))

    body = silence(8)
    async with serving(slow) as service:
        client = client_of(service.port)
        await client.upload(TRANSCRIPTION, TranscriptionRequest(), body)
        await client.aclose()
    assert taken == body.length
