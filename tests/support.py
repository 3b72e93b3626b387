"""What tests of all rooms use: scripted answers."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.types import CallToolResult, TextContent

from webvoice_mcp.server import create_server
from webvoice_mcp.settings import Settings

CANARY = "wv_canary_1234567890abcdef"  # the key of every test; it must show up nowhere but in the key store
EXAMPLES = Path(__file__).parent / "contract" / "examples"
SNAPSHOTS = Path(__file__).parent / "snapshots"
BASE_URL = "http://127.0.0.1:9/api/v1"  # nothing listens there: whatever is not scripted fails

MakeSettings = Callable[..., Settings]  # takes variables without their WEBVOICE_
Answer = httpx2.Response | Exception
Handler = Callable[[httpx2.Request], Awaitable[httpx2.Response]]


class Scripted(httpx2.AsyncBaseTransport):
    """Answers in the given order, and what was asked."""

    def __init__(self, *answers: Answer | Handler) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.bodies: list[bytes] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        self.bodies.append(await request.aread())
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx2.Response) else await answer(request)

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Method and path, below the base URL, of each request."""
        return [(each.method, each.url.path.removeprefix("/api/v1/")) for each in self.requests]


class Pieces(httpx2.AsyncByteStream):
    """A body that comes in pieces; an exception among them breaks it off there."""

    def __init__(self, pieces: Sequence[bytes | Exception]) -> None:
        self.pieces = pieces
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def aclose(self) -> None:
        self.closed = True


def answer(body: Any, status: int = 200) -> httpx2.Response:
    """An answer of JSON."""
    return httpx2.Response(status, json=body)


def http(body: bytes, status: str = "200 OK", kind: str = "application/json", **headers: Any) -> bytes:
    """An answer; of its headers a name is written with lines below."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def example(name: str) -> Any:
    """One of the documentation's own JSON examples."""
    return json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))


def events(*chunks: str) -> httpx2.Response:
    """An answer of server-sent events."""
    body = "".join(f"data: {chunk}\n\n" for chunk in chunks)
    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, text=body)


@asynccontextmanager
async def connected(
    settings: Settings, transport: httpx2.AsyncBaseTransport, mode: str = "auto"
) -> AsyncIterator[Client]:
    """A real MCP client of a real server in this process."""
    async with Client(create_server(settings, transport=transport), mode=mode) as client:
        yield client


def fields(result: CallToolResult) -> dict[str, Any]:
    """The structured content of a call that went well, which the first text repeats."""
    text = result.content[0]
    assert isinstance(text, TextContent)
    assert not result.is_error, text.text
    structured: dict[str, Any] = result.structured_content
    assert json.loads(text.text) == structured
    return structured


async def ask(
    settings: Settings, tool: str, arguments: dict[str, Any], *answers: Answer | Handler
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a tool answers, and the JSON that it sent first."""
    sent = Scripted(*answers)
    async with connected(settings, sent) as client:
        result = fields(await client.call_tool(tool, arguments))
    return result, json.loads(sent.bodies[0])


def failed(result: CallToolResult) -> str:
    """The sentence of a call that failed, which `_meta` goes with."""
    (text,) = result.content
    assert isinstance(text, TextContent)
    assert result.is_error
    assert result.structured_content is None
    assert result.meta is not None
    assert text.text.startswith(f"{result.meta['webvoice/error']['code']}: ")
    return text.text


def form(request: httpx2.Request, body: bytes) -> list[tuple[str, str | None, str, bytes]]:
    """The parts of a multipart body: field, file name, type and content."""
    head = b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n"
    message = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + body)
    parts = []
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        field = part.get_param("name", header="content-disposition")
        parts.append((str(field), part.get_filename(), part.get_content_type(), content))
    return parts
