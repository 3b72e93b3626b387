"""Reading of an answer's body: small JSON as a whole, media in pieces."""

import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import anyio
import httpx2
from pydantic import ValidationError

from webvoice_mcp.client.checkpoint import Checkpointer
from webvoice_mcp.client.splitter import MediaItem, Splitter, Write
from webvoice_mcp.contract.endpoint import Endpoint, Q, R
from webvoice_mcp.errors import InvalidResponse
from webvoice_mcp.storage.threads import WorkerThreads

OpenSink = Callable[[str, int], Write]
"""Takes the field's name and the index of a media item, and returns a function that takes its bytes."""

OnProgress = Callable[[int, int | None], None]
"""Takes the number of bytes received and the number expected, None if it is not known."""

_MAX_JSON_BYTES = 8 << 20  # of an answer without media
_LENGTH = re.compile(r"[0-9]{1,18}")
_SLOW_FEED_SECONDS = 0.010  # a piece that takes longer to decode and write is waiting for the disk
_THREADED_FEEDS = 256  # pieces that are fed in a thread after a slow one
_ERROR_BODY_SECONDS = 5.0  # an error's status matters more than the rest of its body


async def read_json_body(response: httpx2.Response, *, limit: int = _MAX_JSON_BYTES) -> bytes:
    """Read a body of at most `limit` decoded bytes.

    Raises:
        InvalidResponse: the body is larger.
    """
    body, checkpointer = bytearray(), Checkpointer()
    async for piece in response.aiter_bytes():
        body += piece
        await checkpointer.checkpoint()
        if len(body) > limit:
            raise InvalidResponse(f"The service's answer is larger than {limit >> 20} MiB and was discarded.")
    return bytes(body)


async def read_error_body(response: httpx2.Response, *, limit: int) -> bytes:
    """Read the first `limit` bytes of a body for an error's message, or fewer if it breaks off or stalls."""
    body, checkpointer = bytearray(), Checkpointer()
    if is_multiply_compressed(response):
        return b""
    with suppress(httpx2.HTTPError), anyio.move_on_after(_ERROR_BODY_SECONDS):
        async for piece in response.aiter_bytes():
            body += piece
            await checkpointer.checkpoint()
            if len(body) >= limit:
                break
    return bytes(body[:limit])


async def read_media_body(
    response: httpx2.Response,
    fields: frozenset[str],
    open_sink: OpenSink,
    threads: WorkerThreads,
    on_progress: OnProgress,
) -> tuple[Any, list[MediaItem]]:
    """Read a JSON body and write its base64 to sinks as it arrives. Return the rest of the document, and the media.

    Decoding and writing a piece usually takes less time than handing it to a thread, so it happens in the event loop.
    While the disk is slow, it happens in a thread, so that the event loop does not wait for the disk.
    """
    splitter = Splitter(fields, open_sink)
    expected, received = _content_length(response), 0
    threaded_left, checkpointer = 0, Checkpointer()
    async for piece in response.aiter_bytes():
        received += len(piece)
        await checkpointer.checkpoint()
        on_progress(received, expected)
        if threaded_left:
            threaded_left -= 1
            await threads.run(splitter.feed, piece)
            continue
        started = time.perf_counter()
        splitter.feed(piece)
        if time.perf_counter() - started > _SLOW_FEED_SECONDS:
            threaded_left = _THREADED_FEEDS
    return splitter.finish()


def parse_reply(endpoint: Endpoint[Q, R], document: Any) -> R:
    """Return the typed reply in a decoded document.

    Raises:
        InvalidResponse: a required part of the reply is missing or invalid.
    """
    if isinstance(document, list):  # some endpoints without a documented reply send a bare list
        document = {"data": document}
    try:
        return endpoint.reply.model_validate(document)
    except ValidationError as error:
        details = error.errors(include_url=False)
        missing = ", ".join(sorted({str(detail["loc"][0]) for detail in details if detail["loc"]}))
        raise InvalidResponse(f"The service's answer has no usable {missing or 'content'}.") from None


def describe_missing(endpoint: Endpoint[Q, R], reply: R, media: Sequence[MediaItem]) -> str:
    """Return a sentence that says what a reply lacks, "" if it has any of the requested content.

    Args:
        endpoint: the endpoint that was called.
        reply: its reply.
        media: the media of the reply.
    """
    if endpoint.media:
        is_found, wanted = bool(media), " or ".join(sorted(endpoint.media))
    else:
        documented = type(reply).model_fields.keys() - {"success", "message"}
        is_found, wanted = bool(reply.model_fields_set & documented), "content"
    return "" if is_found else f"The service's answer has no {wanted}."


def ignore_progress(_received: int, _expected: int | None) -> None:
    """Do nothing, for a download without progress reports."""


def is_multiply_compressed(response: httpx2.Response) -> bool:
    """Return True if a body is compressed more than once, so that a small answer could expand a millionfold."""
    return "," in response.headers.get("content-encoding", "")


def _content_length(response: httpx2.Response) -> int | None:
    # The length of a compressed body does not give the decompressed length.
    text: str = response.headers.get("content-length", "")
    is_compressed = response.headers.get("content-encoding", "identity") != "identity"
    return int(text) if _LENGTH.fullmatch(text) and not is_compressed else None
