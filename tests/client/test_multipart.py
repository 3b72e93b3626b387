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

from webvoice_mcp.client.multipart import FormFile, Multipart
from webvoice_mcp.errors import DiskError

CHANGED = r"^a\.mp3 changed while it was being sent\. Try again when it is complete\.$"


def file_part(*chunks: bytes, size: int | None = None, field: str = "audio", name: str = "a.mp3") -> FormFile:
    async def read() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return FormFile(field, name, "audio/mpeg", sum(map(len, chunks)) if size is None else size, read)


async def sent(body: Multipart) -> bytes:
    return b"".join([block async for block in body])


def received(body: bytes, content_type: str) -> tuple[list[tuple[str, str]], list[tuple[str, str, str, bytes]]]:
    """The fields and the files, as a parser that is not ours reads them."""
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


async def test_the_body_is_written_as_the_standard_says() -> None:
    body = Multipart({"language": "it", "provider": ""}, [file_part(b"ID3", b"\r\n")])
    assert body.content_type.startswith("multipart/form-data; boundary=")
    line = b"--" + body.content_type.partition("boundary=")[2].encode()
    assert (await sent(body)).split(b"\r\n") == [
        line,
        b'Content-Disposition: form-data; name="language"',
        b"",
        b"it",
        line,
        b'Content-Disposition: form-data; name="provider"',
        b"",
        b"",
        line,
        b'Content-Disposition: form-data; name="audio"; filename="a.mp3"',
        b"Content-Type: audio/mpeg",
        b"",
        b"ID3",
        b"",
        line + b"--",
        b"",
    ]


async def test_names_cannot_break_out_of_their_quotes() -> None:
    body = Multipart({'a"\r\nX: y': '"\r\n'}, [file_part(name='ä"\r\nX: \ud800.mp3', field='f"')])
    text = await sent(body)
    assert b'name="a%22%0D%0AX: y"\r\n\r\n"\r\n\r\n' in text
    assert 'name="f%22"; filename="ä%22%0D%0AX: ?.mp3"\r\n'.encode() in text
    assert len(text) == body.length


async def test_each_body_has_a_boundary_of_its_own() -> None:
    assert Multipart({}, []).content_type != Multipart({}, []).content_type


NAMES = st.text(st.characters(exclude_categories=["C"], exclude_characters='"\\'), min_size=1, max_size=20)
CHUNKS = st.lists(st.binary(max_size=200), max_size=4)


@given(fields=st.dictionaries(NAMES, st.text(max_size=50)), files=st.lists(st.tuples(NAMES, NAMES, CHUNKS), max_size=3))
def test_any_form_is_read_back_as_it_was_given_and_has_the_length_it_told(
    fields: dict[str, str], files: list[tuple[str, str, list[bytes]]]
) -> None:
    body = Multipart(fields, [file_part(*chunks, field=field, name=name) for field, name, chunks in files])
    text = anyio.run(sent, body)
    assert len(text) == body.length
    assert received(text, body.content_type) == (
        list(fields.items()),
        [(field, name, "audio/mpeg", b"".join(chunks)) for field, name, chunks in files],
    )


async def test_a_body_can_be_sent_again() -> None:
    body = Multipart({"language": "it"}, [file_part(b"abc"), file_part(b"def", b"ghi")])
    async with aclosing(aiter(body)) as blocks:
        await anext(blocks)
        await anext(blocks)
    assert await sent(body) == await sent(body)


@pytest.mark.parametrize("chunks", [[], [b"ab"], [b"ab", b"cd"], [b"abcd"]])
async def test_a_file_of_another_size_than_told_stops_the_body_and_never_overfills_it(chunks: list[bytes]) -> None:
    body = Multipart({}, [file_part(*chunks, size=3)])
    blocks: list[bytes] = []

    async def send() -> None:
        async for block in body:
            blocks.append(block)  # noqa: PERF401  # what came before the error counts

    with pytest.raises(DiskError, match=CHANGED):
        await send()
    assert len(b"".join(blocks)) < body.length - 3


async def test_an_error_in_reading_comes_out_after_what_was_read() -> None:
    async def read() -> AsyncIterator[bytes]:
        yield b"ab"
        raise DiskError("The disk is gone.")

    blocks = aiter(Multipart({}, [FormFile("audio", "a.mp3", "audio/mpeg", 3, read)]))
    assert await anext(blocks)
    assert await anext(blocks) == b"ab"
    with pytest.raises(DiskError, match=r"^The disk is gone\.$"):
        await anext(blocks)


# ---- reading ahead ----


class Disk:
    """A file of three blocks that notes what is read of it and when the reading was ended."""

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


async def test_one_block_is_read_while_its_predecessor_is_sent() -> None:
    disk = Disk()
    seen = []
    async for block in disk.body():
        await anyio.wait_all_tasks_blocked()
        seen.append((block[:1], disk.read))
    assert seen == [(b"-", 0), (b"1", 2), (b"2", 3), (b"3", 3), (b"\r", 3)]
    assert disk.closed


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
async def test_a_body_left_early_reads_no_further(blocks: int) -> None:
    disk = Disk()
    async with aclosing(aiter(disk.body())) as body:
        for _ in range(blocks):
            await anext(body)
    already = disk.read
    await anyio.wait_all_tasks_blocked()
    assert disk.read == already
    assert disk.closed == (blocks > 1)
    assert len(asyncio.all_tasks()) == 1


async def test_an_error_ahead_of_a_body_left_early_is_dropped() -> None:
    disk = Disk()
    disk.failing_at = 2
    async with aclosing(aiter(disk.body())) as body:
        await anext(body)
        await anext(body)
        await anyio.wait_all_tasks_blocked()
    assert disk.closed


@pytest.mark.parametrize("shielded", [False, True])
async def test_a_cancelled_sender_waits_for_the_reading_to_end(shielded: bool) -> None:
    disk = Disk()
    disk.stuck_at = 2

    async def send() -> None:
        body = aiter(disk.body())
        try:
            async for _ in body:
                pass
        finally:
            with anyio.CancelScope(shield=shielded):
                await body.aclose()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(send)
        await anyio.wait_all_tasks_blocked()
        assert (disk.read, disk.closed) == (1, False)
        tasks.cancel_scope.cancel()
    assert disk.closed
    assert len(asyncio.all_tasks()) == 1


async def test_any_iterator_will_do_as_the_chunks_of_a_file() -> None:
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


# ---- through the HTTP client ----


@asynccontextmanager
async def server(answer: Callable[[dict[str, str], asyncio.StreamReader], Any]) -> AsyncIterator[str]:
    """A bare HTTP server on loopback: gives the headers and the stream to `answer`, then says 204."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        await answer({name.lower(): value for name, _, value in (line.partition(": ") for line in head)}, reader)
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


async def test_the_length_that_is_announced_is_the_length_that_is_sent() -> None:
    seen: dict[str, Any] = {}

    async def answer(headers: dict[str, str], reader: asyncio.StreamReader) -> None:
        body = await reader.readexactly(int(headers["content-length"]))
        seen.update(headers=headers, form=received(body, headers["content-type"]))

    content = [bytes([number]) * 100_000 for number in range(8)]
    body = Multipart({"language": "it"}, [file_part(*content)])
    async with server(answer) as url:
        response = await post(url, body)
    assert response.status_code == 204
    assert seen["form"] == ([("language", "it")], [("audio", "a.mp3", "audio/mpeg", b"".join(content))])
    assert seen["headers"]["content-length"] == str(body.length)
    assert "transfer-encoding" not in seen["headers"]


async def test_a_file_that_shrank_breaks_the_request_off() -> None:
    left: list[bytes] = []
    ended = anyio.Event()

    async def answer(headers: dict[str, str], reader: asyncio.StreamReader) -> None:
        left.append(await reader.read())
        ended.set()

    async with server(answer) as url:
        with pytest.raises(DiskError, match=CHANGED):
            await post(url, Multipart({}, [file_part(b"abc", size=4)]))
        await ended.wait()
    assert left[0].endswith(b"\r\n\r\nabc")


async def test_a_request_cancelled_while_it_is_sent_leaves_nothing_behind() -> None:
    disk = Disk()
    disk.stuck_at = 2
    begun, ended = anyio.Event(), anyio.Event()

    async def answer(headers: dict[str, str], reader: asyncio.StreamReader) -> None:
        await reader.readuntil(b"\r\n\r\n1")
        begun.set()
        await reader.read()
        ended.set()

    async with server(answer) as url:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(post, url, disk.body())
            await begun.wait()
            tasks.cancel_scope.cancel()
        assert (disk.read, disk.closed) == (1, True)
        await ended.wait()
