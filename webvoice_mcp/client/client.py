"""The API client: every request of this package goes through it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import anyio
import httpx2

from webvoice_mcp.client import answers, bodies, connection, stream
from webvoice_mcp.client.answers import CallContext
from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.decompression import decompressed
from webvoice_mcp.client.document import parse_json
from webvoice_mcp.client.failures import (
    billed,
    billing_advice,
    broken_connection_error,
    mark_billed,
    stream_error,
    with_billing_advice,
)
from webvoice_mcp.client.pictures import Pictures
from webvoice_mcp.client.redaction import RedactingStream, redact, redact_document
from webvoice_mcp.client.requests import Body, build_request
from webvoice_mcp.client.retries import Retries
from webvoice_mcp.client.splitter import MediaItem
from webvoice_mcp.contract.account import links
from webvoice_mcp.contract.endpoint import Endpoint, FreeEndpoint, PaidEndpoint, Q, R, Request
from webvoice_mcp.errors import InvalidResponse, TimedOut
from webvoice_mcp.settings import Settings
from webvoice_mcp.storage.threads import WorkerThreads

T = TypeVar("T")
ReadBody = Callable[[httpx2.Response, CallContext], Awaitable[T]]
Sleep = Callable[[float], Awaitable[None]]

_MAX_QUICK_BYTES = 128 << 10  # a larger answer is parsed in a thread, because 8 MiB can take a second
_MAX_MEMO_CHARACTERS = 64


class Client:
    """Typed calls to the API over a connection pool, which is created for the first call.

    All methods raise a `WebVoiceError` when they fail: `NotAuthenticated`, a `ServiceError`, a `NoAnswer` or an
    `InvalidResponse`. Errors raised by a download's sinks propagate.

    Attributes:
        last_date: the Date header of the last answer, whatever its status; "" for none.
    """

    def __init__(
        self,
        settings: Settings,
        keys: Keys,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Sleep = anyio.sleep,
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._transport = transport
        self._sleep = sleep
        self._http: httpx2.AsyncClient | None = None
        self._http_lock = anyio.Lock()
        self._threads = WorkerThreads(4)
        self._solana_memo = ""
        self._links = links(settings.site)
        self.last_date = ""

    async def aclose(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()

    async def call(self, endpoint: FreeEndpoint[Q, R], request: Q) -> R:
        """Call a free endpoint.

        Raises:
            TypeError: the endpoint costs credits.
        """
        if endpoint.paid:
            raise TypeError(f"{endpoint.path} costs credits: return a PaidCall instead of calling it")
        return await self._perform(endpoint, request, partial(self._read_reply, endpoint))

    async def call_paid(self, endpoint: PaidEndpoint[Q, R], request: Q) -> R:
        """Call a paid endpoint whose answer is text."""
        return await self._perform(endpoint, request, partial(self._read_reply, endpoint))

    async def upload(self, endpoint: PaidEndpoint[Q, R], request: Q, body: Body, *, at_least_seconds: float = 0) -> R:
        """Call a paid endpoint with files, which are streamed from the disk.

        Args:
            endpoint: the endpoint to call.
            request: its fields.
            body: body with the fields and the files.
            at_least_seconds: time that the answer may take, if that is more than WEBVOICE_TIMEOUT.
        """
        read = partial(self._read_reply, endpoint)
        return await self._perform(endpoint, request, read, body, at_least_seconds)

    async def download(
        self,
        endpoint: PaidEndpoint[Q, R],
        request: Q,
        open_sink: bodies.OpenSink,
        body: Body | None = None,
        on_progress: bodies.OnProgress = bodies.ignore_progress,
    ) -> tuple[R, list[MediaItem]]:
        """Call a paid endpoint whose answer carries media, which are written to sinks as they arrive.

        Args:
            endpoint: the endpoint to call.
            request: its fields.
            open_sink: takes a media item's field name and index, and returns a function that takes its bytes.
            body: body to send instead of the request's JSON, if it has files.
            on_progress: takes the number of bytes received and the number expected, None if it is not known.
        """

        async def read(response: httpx2.Response, context: CallContext) -> tuple[R, list[MediaItem]]:
            document, media = await bodies.read_media_body(
                response, endpoint.media, open_sink, self._threads, on_progress
            )
            if isinstance(document, dict):  # the media fields hold no media now
                document = {name: value for name, value in document.items() if name not in endpoint.media}
            # Links are shown to the user.
            media = [replace(item, text=redact_document(item.text, context.key)) for item in media]
            return self._to_reply(endpoint, document, context, media), media

        return await self._perform(endpoint, request, read, body)

    async def chat(
        self, endpoint: PaidEndpoint[Q, R], request: Q, on_text: stream.OnText, pictures: Pictures | None = None
    ) -> R:
        """Call a paid endpoint that answers a chat with a stream of events or as a whole.

        Args:
            endpoint: the endpoint to call.
            request: its fields.
            on_text: takes the pieces of a streamed answer's text as they arrive.
            pictures: takes the pictures in the answer; the reply's texts have marks in their place.
        """

        async def read(response: httpx2.Response, context: CallContext) -> R:
            redacting = RedactingStream(context.key, on_text)
            document = await stream.read_chat(
                response,
                redacting.feed,
                partial(stream_error, endpoint, context),
                pictures or Pictures(),
                self._threads,
            )
            await redacting.finish()
            if pictures:
                pictures.redact_sources(lambda source: redact_document(source, context.key))
            return await self._threads.run(self._to_reply, endpoint, document, context)

        return await self._perform(endpoint, request, read)

    async def _read_reply(self, endpoint: Endpoint[Q, R], response: httpx2.Response, context: CallContext) -> R:
        body = await bodies.read_json_body(response)

        def parse() -> R:
            return self._to_reply(endpoint, parse_json(body), context)

        if len(body) <= _MAX_QUICK_BYTES:
            return parse()
        return await self._threads.run(parse)

    def _to_reply(
        self, endpoint: Endpoint[Q, R], document: Any, context: CallContext, media: Sequence[MediaItem] = ()
    ) -> R:
        document = redact_document(document, context.key)
        fields = document if isinstance(document, dict) else {}
        if answers.is_refusal(fields):
            raise answers.refusal_error(document, context)
        self._remember_memo(fields.get("onboarding", fields))
        try:
            reply = bodies.parse_reply(endpoint, document)
        except InvalidResponse as error:
            raise answers.incomplete_reply_error(fields, str(error), context) from None
        missing = "" if fields.get("success") is True else bodies.describe_missing(endpoint, reply, media)
        if missing and (fields.get("error") or (endpoint.media and answers.message_in(fields))):
            raise answers.incomplete_reply_error(fields, missing, context)
        return reply

    def _remember_memo(self, onboarding: Any) -> None:
        # A later error about missing credits names this memo.
        solana = onboarding.get("solana") if isinstance(onboarding, dict) else None
        memo = solana.get("memo_code") if isinstance(solana, dict) else None
        if isinstance(memo, str):
            self._solana_memo = redact(memo)[:_MAX_MEMO_CHARACTERS]

    async def _perform(
        self,
        endpoint: Endpoint[Q, R],
        request: Q,
        read: ReadBody[T],
        body: Body | None = None,
        at_least_seconds: float = 0,
    ) -> T:
        seconds = max(self._settings.timeout, at_least_seconds)
        try:
            with anyio.fail_after(seconds):
                return await self._send_with_retries(endpoint, request, read, body)
        except TimeoutError:
            raise mark_billed(
                TimedOut(
                    f"No complete answer within {seconds:g} seconds (WEBVOICE_TIMEOUT). {billing_advice(endpoint)}"
                )
            ) from None
        except InvalidResponse as error:
            if error.status is not None:  # only a redirect has a status, and it is never billed
                raise
            raise billed(error, InvalidResponse(f"{error} {billing_advice(endpoint)}")) from None

    async def _send_with_retries(self, endpoint: Endpoint[Q, R], request: Q, read: ReadBody[T], body: Body | None) -> T:
        retries = Retries(endpoint.method, _time_left)
        while True:
            context = await self._create_context(endpoint, request)
            http = await self._get_http_client()
            has_response = False
            try:
                response = await _send(http, build_request(http, endpoint, request, context, body))
                has_response = True
                self.last_date = response.headers.get("date", "")
                self._keys.take_note(context.key, response.status_code)
                try:
                    if response.is_success:
                        if bodies.is_multiply_compressed(response):
                            raise InvalidResponse("The service's answer is compressed more than once.")
                        return await read(response, context)
                    error_body = await bodies.read_error_body(response, limit=answers.MAX_ERROR_BYTES)
                finally:
                    await response.aclose()
            except connection.NOT_SENT_ERRORS as error:
                pause = retries.after_connection_error(maybe_processed=False)
                if pause is None:
                    raise connection.unreachable_error(self._settings.base_url, error) from None
            except httpx2.HTTPError as error:
                pause = retries.after_connection_error(maybe_processed=True)
                if pause is None:
                    raise broken_connection_error(endpoint, error, has_response=has_response) from None
            else:
                retry_after = answers.parse_retry_after(response.headers.get("retry-after"))
                refusal = answers.status_error(response.status_code, error_body, context, retry_after=retry_after)
                is_repeatable = not (endpoint.paid and refusal.billed)
                pause = retries.after_status(response.status_code, retry_after) if is_repeatable else None
                if pause is None:
                    raise with_billing_advice(endpoint, refusal)
            await self._sleep(pause)

    async def _create_context(self, endpoint: Endpoint[Q, R], request: Request) -> CallContext:
        key = await self._keys.require() if endpoint.key else None
        provider = getattr(request, "provider", None) or endpoint.default_provider
        return CallContext(
            base_url=self._settings.base_url,
            links=self._links,
            solana_memo=self._solana_memo,
            key=key.value if key else "",
            key_source=key.source if key else "",
            provider=provider,
            other_providers=endpoint.other_providers(provider),
            names_model=endpoint.names_model,
        )

    async def _get_http_client(self) -> httpx2.AsyncClient:
        if self._http is not None:
            return self._http
        async with self._http_lock:
            if self._http is None:
                self._http = await self._threads.run(
                    connection.create_http_client, self._settings.base_url, self._transport
                )
            return self._http


async def _send(http: httpx2.AsyncClient, request: httpx2.Request) -> httpx2.Response:
    try:
        return decompressed(await http.send(request, stream=True))
    except connection.UNUSABLE_PROXY_ERRORS:
        raise connection.unusable_proxy_error() from None


def _time_left() -> float:
    return anyio.current_effective_deadline() - anyio.current_time()
