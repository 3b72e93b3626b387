"""Uploads over real sockets: received slowly, refused early, broken off."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest

from tests.client.helpers import caught
from tests.client.service import MIB, read_head, reset_on_close, serving
from tests.support import http
from webvoice_mcp.client.client import Client
from webvoice_mcp.client.multipart import FormFile, Multipart
from webvoice_mcp.contract.speech import TRANSCRIPTION, TranscriptionRequest
from webvoice_mcp.errors import BadRequest, NetworkError, WebVoiceError


def silent_upload(blocks: int = 32) -> Multipart:
    """Return an upload of this many blocks of 2 MiB."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(blocks):
            yield bytes(2 * MIB)

    return Multipart({}, [FormFile("audio", "a.wav", "audio/wav", blocks * 2 * MIB, chunks)])


async def test_a_refusal_before_the_end_of_an_upload_is_reported(client_of: Callable[..., Client]) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(http(b'{"success": false, "error": "No such thing."}', "400 Bad Request"))
        await writer.drain()
        writer.write_eof()
        await asyncio.sleep(0.1)  # the connection closes before most of the upload is read

    async with serving(refuse) as service:
        client = client_of(service.port)
        error = await caught(client.upload(TRANSCRIPTION, TranscriptionRequest(), silent_upload()), BadRequest)
        await client.aclose()
    assert "No such thing." in str(error)


async def test_a_service_that_sends_while_it_receives_nothing_fills_no_memory(client_of: Callable[..., Client]) -> None:
    poured = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal poured
        await read_head(reader)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while poured < 256 * MIB:
                    writer.write(bytes(MIB))
                    await writer.drain()
                    poured += MIB
        writer.transport.abort()

    async with serving(pour) as service:
        client = client_of(service.port)
        with pytest.raises(WebVoiceError):
            await client.upload(TRANSCRIPTION, TranscriptionRequest(), silent_upload())
        await client.aclose()
    assert poured < 32 * MIB  # the system's buffers


async def test_an_upload_whose_connection_breaks_may_have_been_billed(client_of: Callable[..., Client]) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        reset_on_close(writer)

    async with serving(break_off) as service:
        client = client_of(service.port)
        error = await caught(client.upload(TRANSCRIPTION, TranscriptionRequest(), silent_upload()), NetworkError)
        await client.aclose()
    assert error.billed
    assert service.connections == 1


@pytest.mark.slow
async def test_an_upload_that_is_received_slowly_arrives_whole(client_of: Callable[..., Client]) -> None:
    received = 0

    async def receive_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        length = re.search(rb"(?i)content-length: (\d+)", await read_head(reader))
        assert length
        while received < int(length[1]):
            await asyncio.sleep(0.01)
            received += len(await reader.read(MIB))
        writer.write(http(b'{"success": true, "text": "Hello"}'))

    body = silent_upload(8)
    async with serving(receive_slowly) as service:
        client = client_of(service.port)
        await client.upload(TRANSCRIPTION, TranscriptionRequest(), body)
        await client.aclose()
    assert received == body.length
