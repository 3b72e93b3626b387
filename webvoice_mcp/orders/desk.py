"""Where a call that may cost credits is carried out: checks first, then the order, the one request, the file."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.client.jsonbody import JsonBody
from webvoice_mcp.client.multipart import FilePart, Multipart
from webvoice_mcp.client.requests import Body
from webvoice_mcp.client.stream import OnText
from webvoice_mcp.contract.endpoint import Endpoint, Q, R, Request
from webvoice_mcp.errors import FileError, InvalidResponse
from webvoice_mcp.files import Files, InputFile, Output, SavedFile, Target
from webvoice_mcp.orders._harvest import Harvest
from webvoice_mcp.orders._receipt import Receipt
from webvoice_mcp.orders.budget import Budget
from webvoice_mcp.orders.history import History
from webvoice_mcp.orders.jobs import Jobs, Order
from webvoice_mcp.orders.quotes import Quotes

R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Delivery(Generic[R_co]):
    """What came of a call: the reply, the files, and what the user should know of them ("" = nothing)."""

    reply: R_co
    files: tuple[SavedFile, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where a result shall lie, as the caller said it.

    Attributes:
        path: the caller's `output_path`; "" for a name of our own in the output folder.
        tool: the tool's name, for names that we make.
        words: text whose first words show in such a name.
        suffixes: extensions that the result may have, the usual one first.
        family: what its content has to be.
        background: whether the caller does not want to wait.
    """

    path: str
    tool: str
    words: str
    suffixes: tuple[str, ...]
    family: Literal["audio", "image", "video", "text"]
    background: bool = False


@dataclass(frozen=True, slots=True)
class Office:
    """What all orders of a server share."""

    client: Client
    keys: Keys
    files: Files
    quotes: Quotes
    budget: Budget
    history: History
    jobs: Jobs


class Desk:
    """Carries out one order. Everything that can be refused is refused before the request."""

    def __init__(self, office: Office, order: Order) -> None:
        self.order = order
        self.jobs = office.jobs
        self._office = office

    async def call(self, endpoint: Endpoint[Q, R], request: Q) -> R:
        """Make a call whose answer is text.

        Raises:
            WebVoiceError: as `Client.call`; `BudgetExceeded`.
        """
        await self._office.keys.require()
        receipt = await self._ordered(request)
        reply = await self._office.client.call(endpoint, request)
        receipt.of(reply)
        return reply

    async def stream(self, endpoint: Endpoint[Q, R], request: Q, on_text: OnText) -> R:
        """The same with the answer's text handed on while it comes."""
        await self._office.keys.require()
        receipt = await self._ordered(request)
        reply = await self._office.client.stream(endpoint, request, on_text)
        receipt.of(reply)
        return reply

    async def check(self, request: Request, wanted: Wanted) -> None:  # noqa: ARG002 - what a quote is made of
        """See that a result could be saved there, for a tool that has to ask the service something first.

        Raises:
            NotAuthenticated: no key is known.
            FileError: as `Files.target`.
        """
        await self._office.keys.require()
        await self._office.files.release(await self._target(wanted))

    async def save(
        self,
        endpoint: Endpoint[Q, R],
        request: Q,
        wanted: Wanted,
        *,
        inputs: Sequence[str] = (),
        expected: int = 1,
    ) -> Delivery[R]:
        """Make something and save it.

        Args:
            inputs: pictures for the endpoint's `file_field`: local paths, with links among them where they are mixed.
            expected: how many files were ordered; fewer are delivered with a note.

        Raises:
            WebVoiceError: as `Client.download` and `Files`; `BudgetExceeded`.
        """
        self.order.background = wanted.background
        await self._office.keys.require()
        async with AsyncExitStack() as stack:
            body = await self._body(stack, endpoint, request, inputs)
            part = await stack.enter_async_context(self._office.files.create(await self._target(wanted)))
            harvest = Harvest(part, wanted.family)
            receipt = await self._ordered(request)
            reply, media = await self._office.client.download(endpoint, request, harvest.open, body, self.order.watch)
            receipt.of(reply)
            try:
                files, note = await harvest.bring_in(media, expected)
            finally:
                receipt.files = tuple(each.path for each in harvest.saved)
            return Delivery(reply, files, note)

    async def transcribe(self, endpoint: Endpoint[Q, R], request: Q, audio_path: str, wanted: Wanted) -> Delivery[R]:
        """Send a recording and, where the caller wants one, save the text of the answer (its field `text`).

        Raises:
            WebVoiceError: as `Client.upload` and `Files`; `BudgetExceeded`.
        """
        self.order.background = wanted.background
        await self._office.keys.require()
        async with AsyncExitStack() as stack:
            source = await self._opened(stack, audio_path, "audio", "audio_path")
            part = None
            if wanted.path:
                part = await stack.enter_async_context(self._office.files.create(await self._target(wanted)))
            receipt = await self._ordered(request, source.path)
            body = Multipart(request.form(), [_part(endpoint.file_field, source)])
            reply = await self._office.client.upload(endpoint, request, body)
            receipt.of(reply)
            if part is None:
                return Delivery(reply)
            try:
                part.write(str(getattr(reply, "text", "")).encode())
                saved = await part.publish()
            except (FileError, InvalidResponse) as error:  # the text was paid for: it is delivered all the same
                return Delivery(reply, note=f"The text could not be saved: {error}")
            receipt.files = (saved.path,)
            return Delivery(reply, (saved,))

    async def _ordered(self, request: Request, recording: Path | None = None) -> Receipt:
        # Everything was checked; from here on credits may be spent, and it is written down before they are.
        office = self._office
        quote = await office.quotes.of(request, recording, ask=office.budget.is_limited)
        receipt = Receipt(self.order, quote, office.budget.hold(quote), office.history)
        await receipt.open()
        return receipt

    async def _body(
        self, stack: AsyncExitStack, endpoint: Endpoint[Q, R], request: Q, inputs: Sequence[str]
    ) -> Body | None:
        if not inputs:
            return None
        field = endpoint.file_field
        opened: list[str | FilePart] = []
        for number, each in enumerate(inputs):
            argument = f"{field}[{number}]" if field.endswith("s") else field
            is_link = each.lower().startswith("https://")
            opened.append(each if is_link else _part(field, await self._opened(stack, each, "image", argument)))
        files = [each for each in opened if isinstance(each, FilePart)]
        if len(files) == len(opened):
            return Multipart(request.form(), files)
        return JsonBody(
            lambda standing_for: {
                **request.fields(),
                field: [standing_for(each) if isinstance(each, FilePart) else each for each in opened],
            }
        )

    async def _opened(
        self, stack: AsyncExitStack, path: str, family: Literal["audio", "image"], argument: str
    ) -> InputFile:
        return await stack.enter_async_context(self._office.files.open_input(path, family=family, argument=argument))

    async def _target(self, wanted: Wanted) -> Target:
        prefix = wanted.tool.removeprefix("webvoice_")
        output = Output(wanted.path, prefix, wanted.words, wanted.suffixes, wanted.family)
        return await self._office.files.resolve(output)


def _part(field: str, source: InputFile) -> FilePart:
    return FilePart(field, source.name, source.mime_type, source.size, source.chunks)
