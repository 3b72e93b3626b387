"""The one client of the API: every request of this package goes through it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import httpx2

from webvoice_mcp.client import answers, bodies, connection, requests, stream
from webvoice_mcp.client.answers import Asked
from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.document import parsed
from webvoice_mcp.client.requests import Body
from webvoice_mcp.client.retries import Retries
from webvoice_mcp.client.splitter import Medium
from webvoice_mcp.contract.account import links
from webvoice_mcp.contract.endpoint import Endpoint, Q, R, Request
from webvoice_mcp.errors import InvalidResponse, NetworkError, TimedOut, WebVoiceError
from webvoice_mcp.settings import Settings

T = TypeVar("T")
E = TypeVar("E", bound=WebVoiceError)
Read = Callable[[httpx2.Response, Asked], Awaitable[T]]
Sleep = Callable[[float], Awaitable[None]]

_MAX_ERROR = 64 << 10  # bytes of an error's body that are read


class Client:
    """Typed calls to the API over one shared connection pool, which is made when first used.

    Every verb raises a `WebVoiceError` when it fails: `NotAuthenticated`, a `ServiceError`, a `NoAnswer` or
    `InvalidResponse`, and whatever the sink of a download raises.

    Attributes:
        dated: the Date header of the last answer, whatever its status; "" for none.
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
        self._opening = anyio.Lock()
        self._threads = anyio.CapacityLimiter(4)  # never anyio's own limiter: stdin and stdout live on it
        self._memo = ""
        self.dated = ""

    async def aclose(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()

    async def call(self, endpoint: Endpoint[Q, R], request: Q) -> R:
        """Send a request whose answer is small JSON."""
        return await self._exchange(endpoint, request, partial(self._read_reply, endpoint))

    async def upload(self, endpoint: Endpoint[Q, R], request: Q, body: Body) -> R:
        """Send a request with files, streamed from the disk; `body` holds its fields and them."""
        return await self._exchange(endpoint, request, partial(self._read_reply, endpoint), body)

    async def download(
        self,
        endpoint: Endpoint[Q, R],
        request: Q,
        open_sink: bodies.OpenSink,
        body: Body | None = None,
        watch: bodies.Watch = bodies.unwatched,
    ) -> tuple[R, list[Medium]]:
        """Send a request whose answer carries media; these go to the sinks while they come.

        Args:
            open_sink: called with the field's name and index, gives the function that takes the decoded bytes.
            body: what is sent in place of the request's JSON, where there are files in it.
            watch: is told how many bytes of the answer came, and how many there are, if that is known.
        """

        async def read(response: httpx2.Response, asked: Asked) -> tuple[R, list[Medium]]:
            document, taken = await bodies.media(response, endpoint.media, open_sink, self._threads, watch)
            if isinstance(document, dict):  # what was there is with the sinks now
                document = {name: value for name, value in document.items() if name not in endpoint.media}
            # A link is quoted to the user, whatever the service wrote into it.
            taken = [replace(each, text=answers.masked(each.text, asked.key)) for each in taken] if asked.key else taken
            return self._reply(endpoint, document, asked, taken), taken

        return await self._exchange(endpoint, request, read, body)

    async def stream(self, endpoint: Endpoint[Q, R], request: Q, on_text: stream.OnText) -> R:
        """Send a request whose answer comes as server-sent events; the pieces of text are handed on as they come."""

        async def read(response: httpx2.Response, asked: Asked) -> R:
            if not bodies.is_events(response):  # a route that does not stream answers as if not asked to
                return await self._read_reply(endpoint, response, asked)
            keyless = answers.Keyless(asked.key, on_text)
            document = await stream.join(response, keyless.hand_on, partial(_refused, endpoint, asked))
            await keyless.end()
            return self._reply(endpoint, document, asked)

        return await self._exchange(endpoint, request, read)

    async def _read_reply(self, endpoint: Endpoint[Q, R], response: httpx2.Response, asked: Asked) -> R:
        return self._reply(endpoint, parsed(await bodies.small(response)), asked)

    def _reply(self, endpoint: Endpoint[Q, R], document: Any, asked: Asked, taken: Sequence[Medium] = ()) -> R:
        if asked.key:
            document = answers.masked(document, asked.key)
        fields = document if isinstance(document, dict) else {}
        if fields.get("success") is False:
            raise answers.refusal(document, asked)
        self._remember_memo(fields.get("onboarding", fields))
        try:
            made = bodies.reply(endpoint, document)
        except InvalidResponse as error:
            raise answers.lacking(fields, str(error), asked) from None
        lacks = "" if fields.get("success") is True else bodies.lacks(endpoint, made, taken)
        if lacks and (fields.get("error") or (endpoint.media and answers.sentence(fields))):
            raise answers.lacking(fields, lacks, asked)
        return made

    def _remember_memo(self, onboarding: Any) -> None:
        # So that a later "not enough credits" can say what to write on a transfer.
        solana = onboarding.get("solana") if isinstance(onboarding, dict) else None
        memo = solana.get("memo_code") if isinstance(solana, dict) else None
        if isinstance(memo, str):
            self._memo = answers.plain(memo)[:64]

    async def _exchange(self, endpoint: Endpoint[Q, R], request: Q, read: Read[T], body: Body | None = None) -> T:
        try:
            with anyio.fail_after(self._settings.timeout):
                return await self._tries(endpoint, request, read, body)
        except TimeoutError:
            raise _maybe_billed(
                TimedOut(
                    f"No whole answer within {self._settings.timeout:g} seconds (WEBVOICE_TIMEOUT). {_spent(endpoint)}"
                )
            ) from None
        except InvalidResponse as error:
            if error.status is not None:  # a redirect: nothing was done
                raise
            raise _maybe_billed(InvalidResponse(f"{error} {_spent(endpoint)}")) from None

    async def _tries(self, endpoint: Endpoint[Q, R], request: Q, read: Read[T], body: Body | None) -> T:
        retries = Retries(endpoint.method, _time_left)
        while True:
            asked = await self._asked(endpoint, request)
            http = await self._opened()
            answered = False
            try:
                response = await _send(http, requests.build(http, endpoint, request, asked, body))
                answered = True
                self.dated = response.headers.get("date", "")
                try:
                    if response.is_success:
                        if bodies.is_stacked(response):
                            raise InvalidResponse("The service's answer is compressed more than once.")
                        return await read(response, asked)
                    said = await bodies.beginning(response, limit=_MAX_ERROR)
                finally:
                    await response.aclose()
            except connection.UNREACHED as error:
                pause = retries.after_break(maybe_processed=False)
                if pause is None:
                    raise connection.unreachable(self._settings.base_url, error) from None
            except httpx2.HTTPError as error:
                pause = retries.after_break(maybe_processed=True)
                if pause is None:
                    raise _broken(endpoint, error, answered=answered) from None
            else:
                wait = answers.retry_after(response.headers.get("retry-after"))
                pause = retries.after_status(response.status_code, wait)
                if pause is None:
                    raise _told(endpoint, answers.failure(response.status_code, said, asked, wait=wait))
            await self._sleep(pause)

    async def _asked(self, endpoint: Endpoint[Q, R], request: Request) -> Asked:
        key = await self._keys.require() if endpoint.key else None
        provider = getattr(request, "provider", None) or endpoint.default_provider
        return Asked(
            base_url=self._settings.base_url,
            links=links(self._settings.site),
            memo=self._memo,
            key=key.value if key else "",
            key_source=key.source if key else "",
            provider=provider,
            others=endpoint.others(provider),
            names_model=endpoint.names_model,
        )

    async def _opened(self) -> httpx2.AsyncClient:
        if self._http is not None:
            return self._http
        async with self._opening:
            if self._http is None:
                make = partial(connection.set_up, self._settings.base_url, self._transport)
                self._http = await anyio.to_thread.run_sync(make, limiter=self._threads)
            return self._http


async def _send(http: httpx2.AsyncClient, request: httpx2.Request) -> httpx2.Response:
    try:
        return await http.send(request, stream=True)
    except connection.UNUSABLE:
        raise connection.unusable_proxy() from None


def _refused(endpoint: Endpoint[Any, Any], asked: Asked, chunk: dict[str, Any], *, begun: bool) -> WebVoiceError:
    return answers.broken_off(chunk, asked, _spent(endpoint)) if begun else answers.refusal(chunk, asked)


def _broken(endpoint: Endpoint[Any, Any], error: httpx2.HTTPError, *, answered: bool) -> NetworkError | InvalidResponse:
    if isinstance(error, httpx2.DecodingError):
        return InvalidResponse("The service's answer is compressed in a broken way.")
    if answered:
        return InvalidResponse("The service's answer was cut short.")
    return _maybe_billed(NetworkError(f"The connection broke before an answer came. {_spent(endpoint)}"))


def _maybe_billed(error: E) -> E:
    error.billed = True
    return error


def _told(endpoint: Endpoint[Any, Any], error: WebVoiceError) -> WebVoiceError:
    # A gateway that gave up waiting does not know either whether the order was carried out.
    if error.billed and endpoint.paid:
        return _maybe_billed(type(error)(f"{error} {_spent(endpoint)}", status=error.status))
    return error


def _spent(endpoint: Endpoint[Any, Any]) -> str:
    # What a failure that leaves it open says about what has come of the call.
    if endpoint.paid:
        return "Credits may have been spent: look at webvoice_status before you repeat the call."
    if endpoint.method == "POST":
        return "It may have been carried out all the same: check before you repeat it. This call costs no credits."
    return "This call costs no credits."


def _time_left() -> float:
    return anyio.current_effective_deadline() - anyio.current_time()
