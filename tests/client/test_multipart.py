"""A streamed multipart form."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_multipart import FormParser
from python_multipart.multipart import parse_options_header

from tests.client.helpers import patient, sent
from webvoice_mcp.client.multipart import FormFile, Multipart
from webvoice_mcp.errors import DiskError

CHANGED = r"^a\.mp3 changed while it was being sent\. Try again when it is complete\.$"


def form_file(*chunks: bytes, size: int | None = None, field: str = "audio", name: str = "a.mp3") -> FormFile:
    async def read() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return FormFile(field, name, "audio/mpeg", sum(map(len, chunks)) if size is None else size, read)


def parse(body: bytes, content_type: str) -> tuple[list[tuple[str, str]], list[tuple[str, str, str, bytes]]]:
    """Return the fields and the files that another library parses."""
    fields: list[tuple[str, str]] = []
    files: list[tuple[str, str, str, bytes]] = []

    def on_field(field: Any) -> None:
        fields.append((field.field_name.decode(), (field.value or b"").decode()))

    def on_file(file: Any) -> None:
        file.file_object.seek(0)
        files.append((file.field_name.decode(), file.file_name.decode(), file.content_type, file.file_object.read()))
        file.close()

    kind, options = parse_options_header(content_type)
    parser = FormParser(
        kind.decode(), on_field, on_file, boundary=options[b"boundary"], config={"MAX_MEMORY_FILE_SIZE": 1 << 20}
    )
    parser.write(body)
    parser.finalize()
    parser.close()
    return fields, files


NAMES = st.text(st.characters(exclude_categories=["C"], exclude_characters='"\\'), min_size=1, max_size=20)
CHUNKS = st.lists(st.binary(max_size=200), max_size=4)


@pytest.mark.slow
@patient
@given(fields=st.dictionaries(NAMES, st.text(max_size=50)), files=st.lists(st.tuples(NAMES, NAMES, CHUNKS), max_size=3))
def test_any_form_can_be_parsed_and_has_the_announced_length(
    fields: dict[str, str], files: list[tuple[str, str, list[bytes]]]
) -> None:
    body = Multipart(fields, [form_file(*chunks, field=field, name=name) for field, name, chunks in files])
    text = anyio.run(sent, body)
    assert len(text) == body.length
    assert parse(text, body.content_type) == (
        list(fields.items()),
        [(field, name, "audio/mpeg", b"".join(chunks)) for field, name, chunks in files],
    )


async def test_names_cannot_break_out_of_their_quotes() -> None:
    body = Multipart({'a"\r\nX: y': '"\r\n'}, [form_file(name='ä"\r\nX: \ud800.mp3', field='f"')])
    text = await sent(body)
    assert b'name="a%22%0D%0AX: y"\r\n\r\n"\r\n\r\n' in text
    assert 'name="f%22"; filename="ä%22%0D%0AX: ?.mp3"\r\n'.encode() in text
    assert len(text) == body.length


def test_boundaries_differ() -> None:
    assert Multipart({}, []).content_type != Multipart({}, []).content_type


async def test_a_body_can_be_sent_again() -> None:
    body = Multipart({"language": "it"}, [form_file(b"abc"), form_file(b"def", b"ghi")])
    async with aclosing(aiter(body)) as blocks:
        await anext(blocks)
        await anext(blocks)
    assert await sent(body) == await sent(body)


@pytest.mark.parametrize("chunks", [[b"ab"], [b"ab", b"cd"]], ids=["shorter", "longer"])
async def test_a_file_whose_size_changed_stops_the_body(chunks: list[bytes]) -> None:
    body = Multipart({}, [form_file(*chunks, size=3)])
    blocks: list[bytes] = []

    async def send() -> None:
        async for block in body:
            blocks.append(block)  # noqa: PERF401  # the blocks before the error count

    with pytest.raises(DiskError, match=CHANGED):
        await send()
    assert len(b"".join(blocks)) < body.length - 3


async def test_a_read_error_is_raised_after_the_blocks_before_it() -> None:
    async def read() -> AsyncIterator[bytes]:
        yield b"ab"
        raise DiskError("The disk is gone.")

    blocks = aiter(Multipart({}, [FormFile("audio", "a.mp3", "audio/mpeg", 3, read)]))
    assert await anext(blocks)
    assert await anext(blocks) == b"ab"
    with pytest.raises(DiskError, match=r"^The disk is gone\.$"):
        await anext(blocks)


# Reading ahead


class FakeFile:
    """A file of three blocks that records how many were read, and that it was closed."""

    def __init__(self) -> None:
        self.read = 0
        self.closed = False
        self.stuck_at = 4
        self.failing_at = 4

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        try:
            for number in (1, 2, 3):
                if number == self.stuck_at:
                    await anyio.sleep_forever()
                if number == self.failing_at:
                    raise DiskError("The disk is gone.")
                self.read = number
                yield b"%d" % number
        finally:
            self.closed = True

    def body(self) -> Multipart:
        return Multipart({}, [FormFile("audio", "a.mp3", "audio/mpeg", 3, self.chunks)])


async def test_one_block_is_read_while_another_is_sent() -> None:
    file = FakeFile()
    seen = []
    async for block in file.body():
        await anyio.wait_all_tasks_blocked()
        seen.append((block[:1], file.read))
    assert seen == [(b"-", 0), (b"1", 2), (b"2", 3), (b"3", 3), (b"\r", 3)]
    assert file.closed


@pytest.mark.parametrize("blocks", [1, 2])
async def test_a_body_closed_early_reads_no_further(blocks: int) -> None:
    file = FakeFile()
    async with aclosing(aiter(file.body())) as body:
        for _ in range(blocks):
            await anext(body)
    read_before = file.read
    await anyio.wait_all_tasks_blocked()
    assert file.read == read_before
    assert file.closed == (blocks > 1)
    assert len(asyncio.all_tasks()) == 1


async def test_a_read_error_after_an_early_close_is_dropped() -> None:
    file = FakeFile()
    file.failing_at = 2
    async with aclosing(aiter(file.body())) as body:
        await anext(body)
        await anext(body)
        await anyio.wait_all_tasks_blocked()
    assert file.closed


@pytest.mark.parametrize("shielded", [False, True])
async def test_a_cancelled_sender_waits_for_the_reading_to_end(shielded: bool) -> None:
    file = FakeFile()
    file.stuck_at = 2

    async def send() -> None:
        body = aiter(file.body())
        try:
            async for _ in body:
                pass
        finally:
            with anyio.CancelScope(shield=shielded):
                await body.aclose()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(send)
        await anyio.wait_all_tasks_blocked()
        assert (file.read, file.closed) == (1, False)
        tasks.cancel_scope.cancel()
    assert file.closed
    assert len(asyncio.all_tasks()) == 1


async def test_chunks_may_be_any_iterator() -> None:
    class Once:
        left = 1

        def __aiter__(self) -> AsyncIterator[bytes]:
            return self

        async def __anext__(self) -> bytes:
            if not self.left:
                raise StopAsyncIteration
            self.left = 0
            return b"abc"

    body = Multipart({}, [FormFile("audio", "a.mp3", "audio/mpeg", 3, Once)])
    assert len(await sent(body)) == body.length


# Through the HTTP client


@asynccontextmanager
async def server(handle: Callable[[asyncio.StreamReader], Any]) -> AsyncIterator[str]:
    """Run an HTTP server on loopback that reads a request's head, calls `handle`, and answers 204."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await handle(reader)
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"


async def post(url: str, body: Multipart) -> httpx2.Response:
    headers = {"Content-Type": body.content_type, "Content-Length": str(body.length)}
    async with httpx2.AsyncClient(trust_env=False) as client:
        return await client.post(url, headers=headers, content=body)


async def test_a_file_that_shrank_ends_the_request() -> None:
    received: list[bytes] = []
    ended = anyio.Event()

    async def handle(reader: asyncio.StreamReader) -> None:
        received.append(await reader.read())
        ended.set()

    async with server(handle) as url:
        with pytest.raises(DiskError, match=CHANGED):
            await post(url, Multipart({}, [form_file(b"abc", size=4)]))
        await ended.wait()
    assert received[0].endswith(b"\r\n\r\nabc")


async def test_a_request_cancelled_while_it_is_sent_leaves_nothing_behind() -> None:
    file = FakeFile()
    file.stuck_at = 2
    begun, ended = anyio.Event(), anyio.Event()

    async def handle(reader: asyncio.StreamReader) -> None:
        await reader.readuntil(b"\r\n\r\n1")
        begun.set()
        await reader.read()
        ended.set()

    async with server(handle) as url:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(post, url, file.body())
            await begun.wait()
            tasks.cancel_scope.cancel()
        assert (file.read, file.closed) == (1, True)
        await ended.wait()
