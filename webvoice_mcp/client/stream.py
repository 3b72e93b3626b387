"""Reading of a chat's server-sent events: text is passed on as it arrives, and joined into one reply."""

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol, cast

import anyio
import httpx2

from webvoice_mcp.client.answers import is_refusal
from webvoice_mcp.client.chat_accumulator import ChatAccumulator
from webvoice_mcp.client.checkpoint import Checkpointer
from webvoice_mcp.client.document import parse_json, replace_surrogates
from webvoice_mcp.contract.bills import dearest
from webvoice_mcp.errors import InvalidResponse, WebVoiceError

TEXT_INTERVAL_SECONDS = 0.2
"""Seconds for which tokens are collected before they are passed on together."""

_MAX_EVENT_BYTES = 8 << 20  # some models put an image into one event
_LINGER_SECONDS = 5.0  # for events after a complete answer, such as its price
_NO_WAIT_SECONDS = 0.0008  # a piece that arrives faster was already available
_SLICE_CHARACTERS = 32 << 10  # parsed between two checkpoints

OnText = Callable[[str], Awaitable[None]]


class ErrorFactory(Protocol):
    """Makes an error from a chunk that reports one."""

    def __call__(self, chunk: dict[str, Any], /, *, has_content: bool) -> WebVoiceError:
        """Return the error.

        Args:
            chunk: the chunk that reports the error.
            has_content: True if part of the answer has already arrived.
        """
        ...


async def read_chat(response: httpx2.Response, on_text: OnText, make_error: ErrorFactory) -> dict[str, Any]:
    """Read a stream to its end, pass on each piece of text, and return the whole answer.

    Raises:
        InvalidResponse: a chunk is not JSON, or the stream ends before the answer is complete.
        WebVoiceError: the stream reports an error, which `make_error` converts.
    """
    response.encoding = "utf-8"  # events are always UTF-8, even if a header names another charset
    chat, checkpointer = ChatAccumulator(), Checkpointer()
    try:
        with anyio.CancelScope() as linger:
            events = httpx2.EventSource(cast("httpx2.Response", _SlicedResponse(response)), _MAX_EVENT_BYTES)
            async for event in events:
                await checkpointer.checkpoint()  # a slice can hold thousands of events
                data = event.data.strip()
                if data == "[DONE]":
                    chat.mark_done()
                    break
                if not data:  # the specification says to ignore empty data
                    continue
                if text := chat.add(_parse_chunk(event, chat, make_error)):
                    await on_text(text)
                if chat.is_complete and linger.deadline == math.inf:
                    linger.deadline = anyio.current_time() + _LINGER_SECONDS
    except WebVoiceError as error:
        if not chat.is_complete:  # a complete answer was paid for, so it is delivered despite later errors
            error.credits_used = dearest([error.credits_used, chat.bill])
            raise
    except httpx2.HTTPError:
        pass
    if not chat.is_complete:
        cut = InvalidResponse("The streamed answer was cut short.")
        cut.credits_used = chat.bill
        raise cut
    return chat.document()


def _parse_chunk(event: httpx2.ServerSentEvent, chat: ChatAccumulator, make_error: ErrorFactory) -> dict[str, Any]:
    chunk = parse_json(event.data.strip().encode(), keep_surrogates=True)
    if not isinstance(chunk, dict):
        raise InvalidResponse("The service's stream contains something other than chunks of an answer.")
    if event.event == "error" or chunk.get("error") or is_refusal(chunk):
        raise make_error(replace_surrogates(chunk), has_content=chat.has_content)
    return chunk


class _SlicedResponse:
    """A response that yields its text in slices, so that a million lines in one piece do not block the event loop.

    Tokens that arrive one by one are collected for `TEXT_INTERVAL_SECONDS`, because waking up costs more than reading a
    token.
    """

    def __init__(self, response: httpx2.Response) -> None:
        self.headers = response.headers
        self.request = response.request
        self._response = response

    async def aiter_text(self) -> AsyncIterator[str]:
        """Iterate over the text as it arrives."""
        started, checkpointer = time.perf_counter(), Checkpointer()
        async for piece in self._response.aiter_text():
            has_waited = time.perf_counter() - started > _NO_WAIT_SECONDS
            for start in range(0, len(piece), _SLICE_CHARACTERS):
                yield piece[start : start + _SLICE_CHARACTERS]
                await checkpointer.checkpoint()
            if has_waited:
                await anyio.sleep(TEXT_INTERVAL_SECONDS)
            started = time.perf_counter()
