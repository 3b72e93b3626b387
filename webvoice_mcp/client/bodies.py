"""Reading an answer's body: whole where it is small JSON, in pieces where it carries media."""

import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import anyio
import anyio.to_thread
import httpx2
from pydantic import ValidationError

from webvoice_mcp.client.splitter import Medium, Splitter, Write
from webvoice_mcp.client.turns import Turns
from webvoice_mcp.contract.endpoint import Endpoint, Q, R
from webvoice_mcp.errors import InvalidResponse

OpenSink = Callable[[str, int], Write]
Watch = Callable[[int, int | None], None]

_MAX_JSON = 8 << 20  # bytes of an answer without media
_LENGTH = re.compile(r"[0-9]{1,18}")
_SLOW_FEED = 0.010  # seconds; a piece that took longer to decode and write: the disk blocks
_THREADED_FEEDS = 256
_ERROR_SECONDS = 5.0  # for the rest of an answer whose status says all that matters


async def small(response: httpx2.Response, *, limit: int = _MAX_JSON) -> bytes:
    """A body of at most `limit` decoded bytes.

    Raises:
        InvalidResponse: there is more.
    """
    body, turns = bytearray(), Turns()
    async for piece in response.aiter_bytes():
        body += piece
        await turns.taken()
        if len(body) > limit:
            raise InvalidResponse(f"The service's answer is larger than {limit >> 20} MiB and was stopped.")
    return bytes(body)


async def beginning(response: httpx2.Response, *, limit: int) -> bytes:
    """The first bytes of a body, for an error's message; what follows, or does not come whole, is not missed."""
    body, turns = bytearray(), Turns()
    if is_stacked(response):
        return b""
    with suppress(httpx2.HTTPError), anyio.move_on_after(_ERROR_SECONDS):
        async for piece in response.aiter_bytes():
            body += piece
            await turns.taken()
            if len(body) >= limit:
                break
    return bytes(body[:limit])


async def media(
    response: httpx2.Response,
    fields: frozenset[str],
    open_sink: OpenSink,
    threads: anyio.CapacityLimiter,
    watch: Watch,
) -> tuple[Any, list[Medium]]:
    """A JSON body whose base64 goes to the sinks while it comes; the rest of the document, and what was taken out.

    Decoding and writing one piece costs less than handing it to a thread, so it is done at once; while the disk
    turns out slow, pieces go through a thread, so that the event loop never waits for it.
    """
    splitter = Splitter(fields, open_sink)
    expected, received = _length(response), 0
    threaded, turns = 0, Turns()
    async for piece in response.aiter_bytes():
        received += len(piece)
        await turns.taken()
        watch(received, expected)
        if threaded:
            threaded -= 1
            await anyio.to_thread.run_sync(splitter.feed, piece, limiter=threads)
            continue
        started = time.perf_counter()
        splitter.feed(piece)
        if time.perf_counter() - started > _SLOW_FEED:
            threaded = _THREADED_FEEDS
    return splitter.finish()


def reply(endpoint: Endpoint[Q, R], document: Any) -> R:
    """The typed reply in a decoded document.

    Raises:
        InvalidResponse: something without which the reply is of no use is missing.
    """
    if isinstance(document, list):  # a bare list where the documentation names none
        document = {"data": document}
    try:
        return endpoint.reply.model_validate(document)
    except ValidationError as error:
        missing = ", ".join(sorted({str(each["loc"][0]) for each in error.errors(include_url=False) if each["loc"]}))
        raise InvalidResponse(
            f"The service's answer to {endpoint.path} has no usable {missing or 'content'}."
        ) from None


def lacks(endpoint: Endpoint[Q, R], made: R, taken: Sequence[Medium]) -> str:
    """What a reply has not, though it was asked for, as a sentence; "" where it has something of it.

    Args:
        taken: the media that came with it.
    """
    if endpoint.media:
        found, wanted = bool(taken), " or ".join(sorted(endpoint.media))
    else:
        found = bool(made.model_fields_set & type(made).model_fields.keys() - {"success", "message"})
        wanted = "content"
    return "" if found else f"The service's answer to {endpoint.path} has no {wanted}."


def unwatched(_received: int, _expected: int | None) -> None:
    """For a download that nobody watches."""


def _length(response: httpx2.Response) -> int | None:
    # The length of a compressed body says nothing about what comes out of it.
    text: str = response.headers.get("content-length", "")
    compressed = response.headers.get("content-encoding", "identity") != "identity"
    return int(text) if _LENGTH.fullmatch(text) and not compressed else None


def is_stacked(response: httpx2.Response) -> bool:
    """Whether a body is compressed more than once, a thousandfold each time, while nothing of it need come out."""
    return "," in response.headers.get("content-encoding", "")


def is_events(response: httpx2.Response) -> bool:
    """Whether a body is a stream of server-sent events."""
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower() == "text/event-stream"
