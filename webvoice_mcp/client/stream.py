"""Server-sent events of a chat: each piece of text handed on as it comes, all of them joined into one reply."""

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol, cast

import anyio
import httpx2

from webvoice_mcp.client.document import parsed, whole
from webvoice_mcp.client.joined import JoinedChat
from webvoice_mcp.client.turns import Turns
from webvoice_mcp.errors import InvalidResponse, WebVoiceError

_MAX_EVENT = 8 << 20  # bytes; some models put a picture into one
_LINGER = 5.0  # seconds that a finished answer may wait for what is said after it, such as its price
_NO_WAIT = 0.0008  # seconds, within which a piece was there already
_GATHER = 0.2  # seconds; callers are told as often
_SLICE = 32 << 10  # characters that are taken apart in one go

OnText = Callable[[str], Awaitable[None]]


class Refuse(Protocol):
    """Makes an error of a chunk that reports one."""

    def __call__(self, chunk: dict[str, Any], /, *, begun: bool) -> WebVoiceError:
        """The error.

        Args:
            begun: whether a part of the answer had come by then.
        """
        ...


async def join(response: httpx2.Response, on_text: OnText, refuse: Refuse) -> dict[str, Any]:
    """Read a stream to its end, handing on each piece of text.

    Raises:
        InvalidResponse: a chunk is not JSON, or the stream ends before the answer is whole.
        WebVoiceError: what `refuse` makes of an error that the service reports in the stream.
    """
    response.encoding = "utf-8"  # which events always have, whatever a header says
    joined = JoinedChat()
    try:
        with anyio.CancelScope() as patience:
            async for event in httpx2.EventSource(cast("httpx2.Response", _InSlices(response)), _MAX_EVENT):
                data = event.data.strip()
                if data == "[DONE]":
                    joined.end()
                    break
                if not data:  # no event at all, by the specification
                    continue
                if text := joined.add(_chunk(event, joined, refuse)):
                    await on_text(text)
                if joined.finished and patience.deadline == math.inf:
                    patience.deadline = anyio.current_time() + _LINGER
    except (httpx2.HTTPError, WebVoiceError):
        if not joined.finished:  # what is whole was paid for, whatever comes after it
            raise
    if not joined.finished:
        raise InvalidResponse("The streamed answer was cut short.")
    return joined.document()


def _chunk(event: httpx2.ServerSentEvent, joined: JoinedChat, refuse: Refuse) -> dict[str, Any]:
    chunk = parsed(event.data.strip().encode(), halves=True)
    if not isinstance(chunk, dict):
        raise InvalidResponse("The service's stream holds something else than chunks of an answer.")
    if event.event == "error" or chunk.get("error") or chunk.get("success") is False:
        raise refuse(whole(chunk), begun=joined.begun)
    return chunk


class _InSlices:
    """A response whose text comes in slices: a million lines that come at once hold nobody else up.

    And tokens that come one by one are gathered for a moment: waking up for each costs more than reading it.
    """

    def __init__(self, response: httpx2.Response) -> None:
        self.headers = response.headers
        self.request = response.request
        self._response = response

    async def aiter_text(self) -> AsyncIterator[str]:
        """The text as it comes."""
        asked, turns = time.perf_counter(), Turns()
        async for piece in self._response.aiter_text():
            waited = time.perf_counter() - asked > _NO_WAIT
            for start in range(0, len(piece), _SLICE):
                yield piece[start : start + _SLICE]
                await turns.taken()
            if waited:
                await anyio.sleep(_GATHER)
            asked = time.perf_counter()
