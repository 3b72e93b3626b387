"""Helpers for all tests: scripted HTTP responses, an in-memory MCP client, checks of results."""

import base64
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

CANARY = "wv_canary_1234567890abcdef"  # the API key in all tests; it may appear in the key store and nowhere else
EXAMPLES = Path(__file__).parent / "contract" / "examples"
BASE_URL = "http://127.0.0.1:9/api/v1"  # nothing listens there, so a request that is not scripted fails

MakeSettings = Callable[..., Settings]  # takes environment variables without the prefix WEBVOICE_
Answer = httpx2.Response | Exception
Handler = Callable[[httpx2.Request], Awaitable[httpx2.Response]]


class ScriptedTransport(httpx2.AsyncBaseTransport):
    """A transport that returns the given responses in order and records the requests.

    Attributes:
        answers: the remaining responses. An exception is raised; a function is called with the request.
        requests: the requests received.
        bodies: their bodies.
    """

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
        """The method of each request, and its path below the base URL."""
        return [(request.method, request.url.path.removeprefix("/api/v1/")) for request in self.requests]


class ChunkedBody(httpx2.AsyncByteStream):
    """A response body in chunks. An exception among the chunks is raised."""

    def __init__(self, chunks: Sequence[bytes | Exception]) -> None:
        self.chunks = chunks
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    async def aclose(self) -> None:
        self.closed = True


def answer(body: Any, status: int = 200) -> httpx2.Response:
    """Return a JSON response."""
    return httpx2.Response(status, json=body)


def http(body: bytes, status: str = "200 OK", kind: str = "application/json", **headers: Any) -> bytes:
    """Return a raw HTTP response; the names of `headers` have underscores in place of hyphens."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def example(name: str) -> Any:
    """Return a JSON example from the service's documentation."""
    return json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))


def events(*chunks: str) -> httpx2.Response:
    """Return a response of server-sent events, one for each chunk."""
    body = "".join(f"data: {chunk}\n\n" for chunk in chunks)
    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, text=body)


@asynccontextmanager
async def connected(
    settings: Settings, transport: httpx2.AsyncBaseTransport, mode: str = "auto"
) -> AsyncIterator[Client]:
    """Connect an MCP client to a server in this process, in memory."""
    async with Client(create_server(settings, transport=transport), mode=mode) as client:
        yield client


def fields(result: CallToolResult) -> dict[str, Any]:
    """Return the structured content of a successful call, after checking that the first text block is the same JSON."""
    text = result.content[0]
    assert isinstance(text, TextContent)
    assert not result.is_error, text.text
    structured: dict[str, Any] = result.structured_content
    assert json.loads(text.text) == structured
    return structured


async def ask(
    settings: Settings, tool: str, arguments: dict[str, Any], *answers: Answer | Handler
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Call a tool; return its structured content and the JSON body of its first request."""
    sent = ScriptedTransport(*answers)
    async with connected(settings, sent) as client:
        result = fields(await client.call_tool(tool, arguments))
    return result, json.loads(sent.bodies[0])


def text_of(result: CallToolResult) -> str:
    """Return the text blocks of a result, joined."""
    return "".join(block.text for block in result.content if isinstance(block, TextContent))


def base64_text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def count_descriptors() -> int:
    """Return the number of open file descriptors of this process; not on Windows."""
    return len(list(Path("/dev/fd").iterdir()))


def failed(result: CallToolResult) -> str:
    """Return the error text of a failed call, after checking that `_meta` has the same error code."""
    (text,) = result.content
    assert isinstance(text, TextContent)
    assert result.is_error
    assert result.structured_content is None
    assert result.meta is not None
    assert text.text.startswith(f"{result.meta['webvoice/error']['code']}: ")
    return text.text


def form(request: httpx2.Request, body: bytes) -> list[tuple[str, str | None, str, bytes]]:
    """Return the parts of a multipart body as (field, file name, content type, content)."""
    head = b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n"
    message = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + body)
    parts = []
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        field = part.get_param("name", header="content-disposition")
        parts.append((str(field), part.get_filename(), part.get_content_type(), content))
    return parts
