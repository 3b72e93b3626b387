"""Connections over real sockets: kept, ended, broken, and read no faster than they are used."""

import asyncio
import json
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import anyio
import httpcore2
import httpx2
import pytest

from tests.client.calls import STATUS_BODY, TRANSLATE, Slept, failure, status
from tests.support import MakeSettings
from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.client.multipart import FilePart, Multipart
from webvoice_mcp.client.network import Transport
from webvoice_mcp.contract.speech import TRANSCRIPTION, TranscriptionRequest
from webvoice_mcp.contract.translation import TRANSLATION
from webvoice_mcp.errors import BadRequest, InvalidResponse, NetworkError
from webvoice_mcp.keystore import KeyStore

MIB = 1024 * 1024
LIMITS = httpx2.Limits()

Say = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def http(body: object, status: str = "200 OK") -> bytes:
    text = json.dumps(body).encode()
    return b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        status.encode(),
        len(text),
        text,
    )


FINE = http(STATUS_BODY)
TRANSLATED = http({"success": True, "translated_text": "Ciao"})


async def head_of(reader: asyncio.StreamReader) -> bytes:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        return await reader.readuntil(b"\r\n\r\n")
    return b""


async def request_of(reader: asyncio.StreamReader) -> bytes:
    """A whole request, "" when no more comes."""
    head = await head_of(reader)
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return head + (await reader.readexactly(int(length[1])) if length else b"")


class Service:
    """A service on loopback whose connections are talked to by a list of functions, the last of them again and again.

    Attributes:
        port: where it listens.
        connections: how many were made.
    """

    def __init__(self, *talks: Say) -> None:
        self.port = 0
        self.connections = 0
        self._talks = talks
        self._running: set[asyncio.Task[None]] = set()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = self._talks[min(self.connections, len(self._talks) - 1)]
        self.connections += 1
        running = asyncio.current_task()
        assert running
        self._running.add(running)
        with suppress(ConnectionError):
            await talk(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self._running.discard(running)

    async def end(self) -> None:
        """Wait for those who still talk."""
        await asyncio.wait_for(asyncio.gather(*self._running), 5)


@asynccontextmanager
async def serving(*talks: Say) -> AsyncIterator[Service]:
    service = Service(*talks)
    server = await asyncio.start_server(service.talk, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    try:
        yield service
    finally:
        server.close()
        await service.end()


@pytest.fixture
def client_of(make_settings: MakeSettings) -> Callable[..., Client]:
    def made(port: int, host: str = "127.0.0.1") -> Client:
        settings = make_settings(BASE_URL=f"http://{host}:{port}/api/v1", TIMEOUT="20")
        return Client(settings, Keys(settings, KeyStore(settings.credentials_file)), sleep=Slept())

    return made


def always(said: bytes) -> Say:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await request_of(reader):
            writer.write(said)

    return talk


def once(said: bytes, then: bytes = b"") -> Say:
    """Answers once, and then ends or says more that nobody asked for."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(said)
        if then:
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.write(then)
            await reader.read()

    return talk


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
        assert (await client.call(TRANSLATION, TRANSLATE)).translated_text == "Ciao"
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
        monkeypatch.setattr("webvoice_mcp.client.network._Line.get_extra_info", lambda *_: None)
        assert (await client.call(TRANSLATION, TRANSLATE)).translated_text == "Ciao"
        await client.aclose()
    assert service.connections == 2


async def test_a_refusal_that_comes_before_a_whole_upload_is_told(client_of: Callable[..., Client]) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(http({"success": False, "error": "No such thing."}, "400 Bad Request"))
        await writer.drain()
        writer.write_eof()
        await asyncio.sleep(0.1)  # and then it is gone, with much unread

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield bytes(MIB)

    body = Multipart({}, [FilePart("audio", "a.wav", "audio/wav", 64 * MIB, chunks)])
    async with serving(refuse) as service:
        client = client_of(service.port)
        error = await failure(client.upload(TRANSCRIPTION, TranscriptionRequest(), body), BadRequest)
        await client.aclose()
    assert "No such thing." in str(error)


async def test_an_upload_into_a_connection_that_breaks_may_have_been_billed(client_of: Callable[..., Client]) -> None:
    async def vanish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield bytes(MIB)

    body = Multipart({}, [FilePart("audio", "a.wav", "audio/wav", 64 * MIB, chunks)])
    async with serving(vanish) as service:
        client = client_of(service.port)
        error = await failure(client.upload(TRANSCRIPTION, TranscriptionRequest(), body), NetworkError)
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
        writer.write(http({"success": True, "text": "Hello"}))

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield bytes(2 * MIB)

    body = Multipart({}, [FilePart("audio", "a.wav", "audio/wav", 16 * MIB, chunks)])
    async with serving(slow) as service:
        client = client_of(service.port)
        await client.upload(TRANSCRIPTION, TranscriptionRequest(), body)
        await client.aclose()
    assert taken == body.length


async def test_an_answer_that_breaks_off_is_told_as_cut_short(client_of: Callable[..., Client]) -> None:
    async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(TRANSLATED[:-5])
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with serving(breaks) as service:
        client = client_of(service.port)
        error = await failure(client.call(TRANSLATION, TRANSLATE), InvalidResponse)
        await client.aclose()
    assert "cut short" in str(error)
    assert service.connections == 1


async def test_a_name_with_several_addresses_is_tried_at_each(client_of: Callable[..., Client]) -> None:
    async with serving(always(FINE)) as service:  # at 127.0.0.1 alone; the name may stand for ::1, too
        client = client_of(service.port, "localhost")
        assert (await status(client)).credits == 100
        await client.aclose()


async def test_nobody_there_is_told_in_the_system_s_words(client_of: Callable[..., Client]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = client_of(taken.getsockname()[1])
        error = await failure(status(client), NetworkError)
        await client.aclose()
    assert "/api/v1: Connection refused. Nothing was carried out." in str(error)


@pytest.mark.parametrize("host", ["webvoice.invalid", "x" * 64 + ".invalid"])
async def test_a_name_that_nobody_has_cannot_be_connected_to(host: str) -> None:
    transport = Transport(LIMITS, None)
    with pytest.raises(httpx2.ConnectError, match=r"\w"):
        await transport.handle_async_request(httpx2.Request("GET", f"http://{host}/"))
    await transport.aclose()


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
