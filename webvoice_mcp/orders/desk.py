"""Where a call that makes or reads a file is carried out: checks first, then the one request, then the file."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Generic, Literal, TypeVar

import anyio
import anyio.to_thread

from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Body, Client
from webvoice_mcp.client.jsonbody import JsonBody
from webvoice_mcp.client.multipart import FilePart, Multipart
from webvoice_mcp.contract.endpoint import Endpoint, Q, R
from webvoice_mcp.errors import DiskError, FileError, InvalidResponse
from webvoice_mcp.files import Files, SavedFile, Target
from webvoice_mcp.orders._harvest import Harvest

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
    """

    path: str
    tool: str
    words: str
    suffixes: tuple[str, ...]
    family: Literal["audio", "image", "video", "text"]


class Desk:
    """Carries out calls with files. Everything that can be refused is refused before the request."""

    def __init__(self, client: Client, keys: Keys, files: Files) -> None:
        self._client = client
        self._keys = keys
        self._files = files
        self._threads = anyio.CapacityLimiter(4)  # never anyio's own limiter: stdin and stdout live on it

    async def check(self, wanted: Wanted) -> None:
        """See that a result could be saved there, for a tool that has to ask the service something first.

        Raises:
            NotAuthenticated: no key is known.
            FileError: as `Files.target`.
        """
        self._keys.require()
        target = await self._target(wanted)
        await anyio.to_thread.run_sync(self._files.abandon, target, limiter=self._threads)

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
            WebVoiceError: as `Client.download` and `Files`.
        """
        self._keys.require()
        async with AsyncExitStack() as stack:
            body = await self._body(stack, endpoint, request, inputs)
            part = await stack.enter_async_context(self._files.saving(await self._target(wanted)))
            harvest = Harvest(part, wanted.family)
            try:
                reply, media = await self._client.download(endpoint, request, harvest.open, body)
            except DiskError as error:
                raise DiskError(f"{error} The service had answered, so credits may have been spent.") from error
            files, note = await harvest.bring_in(endpoint, media, expected)
            return Delivery(reply, files, note)

    async def transcribe(self, endpoint: Endpoint[Q, R], request: Q, audio_path: str, wanted: Wanted) -> Delivery[R]:
        """Send a recording and, where the caller wants one, save the text of the answer (its field `text`).

        Raises:
            WebVoiceError: as `Client.upload` and `Files`.
        """
        self._keys.require()
        async with AsyncExitStack() as stack:
            file = await self._opened(stack, audio_path, endpoint.file_field, "audio", "audio_path")
            part = None
            if wanted.path:
                part = await stack.enter_async_context(self._files.saving(await self._target(wanted)))
            reply = await self._client.upload(endpoint, request, Multipart(request.form(), [file]))
            if part is None:
                return Delivery(reply)
            try:
                part.write(str(getattr(reply, "text", "")).encode())
                return Delivery(reply, (await part.publish(),))
            except (FileError, InvalidResponse) as error:  # the text was paid for: it is delivered all the same
                return Delivery(reply, note=f"The text could not be saved: {error}")

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
            opened.append(each if is_link else await self._opened(stack, each, field, "image", argument))
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
        self, stack: AsyncExitStack, path: str, field: str, family: Literal["audio", "image"], argument: str
    ) -> FilePart:
        source = await stack.enter_async_context(self._files.reading(path, family=family, argument=argument))
        return FilePart(field, source.name, source.mime_type, source.size, source.chunks)

    async def _target(self, wanted: Wanted) -> Target:
        find = partial(self._files.target, wanted.path, tool=wanted.tool, words=wanted.words, suffixes=wanted.suffixes)
        return await anyio.to_thread.run_sync(find, limiter=self._threads)
