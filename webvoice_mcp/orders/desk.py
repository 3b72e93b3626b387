"""Where a call that makes or reads a file is carried out: checks first, then the one request, then the file."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Generic, Literal, TypeVar

import anyio
import anyio.to_thread

from webvoice_mcp.client.auth import Keys
from webvoice_mcp.client.client import Client
from webvoice_mcp.client.multipart import FilePart
from webvoice_mcp.contract.endpoint import Endpoint, Q, R
from webvoice_mcp.errors import DiskError, FileError, InvalidResponse
from webvoice_mcp.files import Files, SavedFile, Target

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
    family: Literal["audio", "text"]


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

    async def save(self, endpoint: Endpoint[Q, R], request: Q, wanted: Wanted) -> Delivery[R]:
        """Make something and save it.

        Raises:
            WebVoiceError: as `Client.download` and `Files`.
        """
        self._keys.require()
        async with self._files.saving(await self._target(wanted)) as part:
            try:
                reply, media = await self._client.download(endpoint, request, lambda _field, _index: part.write)
            except DiskError as error:
                raise DiskError(f"{error} The service had answered, so credits may have been spent.") from error
            if not part.size:
                raise InvalidResponse(_nothing(endpoint, [each.text for each in media]))
            kind = await part.kind()
            if kind is None or kind.family != wanted.family:
                kept = await part.publish(kind.suffixes[0] if kind else ".bin")
                raise InvalidResponse(
                    f"The service sent something that is not {wanted.family}. It may have been paid for, so it was "
                    f"kept as it came: {kept.path} ({kept.size_bytes} bytes)."
                )
            return Delivery(reply, (await part.publish(kind.suffixes[0]),))

    async def transcribe(self, endpoint: Endpoint[Q, R], request: Q, audio_path: str, wanted: Wanted) -> Delivery[R]:
        """Send a recording and, where the caller wants one, save the text of the answer (its field `text`).

        Raises:
            WebVoiceError: as `Client.upload` and `Files`.
        """
        self._keys.require()
        async with AsyncExitStack() as files:
            source = await files.enter_async_context(
                self._files.reading(audio_path, family="audio", argument="audio_path")
            )
            part = None
            if wanted.path:
                part = await files.enter_async_context(self._files.saving(await self._target(wanted)))
            body = FilePart(endpoint.file_field, source.name, source.mime_type, source.size, source.chunks)
            reply = await self._client.upload(endpoint, request, body)
            if part is None:
                return Delivery(reply)
            try:
                part.write(str(getattr(reply, "text", "")).encode())
                return Delivery(reply, (await part.publish(),))
            except (FileError, InvalidResponse) as error:  # the text was paid for: it is delivered all the same
                return Delivery(reply, note=f"The text could not be saved: {error}")

    async def _target(self, wanted: Wanted) -> Target:
        find = partial(self._files.target, wanted.path, tool=wanted.tool, words=wanted.words, suffixes=wanted.suffixes)
        return await anyio.to_thread.run_sync(find, limiter=self._threads)


def _nothing(endpoint: Endpoint[Q, R], texts: list[str]) -> str:
    links = " ".join(text for text in texts if text.startswith("https://"))
    if links:
        return f"The service sent a link in place of the media; fetch it yourself: {links}"
    return f"The service's answer has no {' or '.join(sorted(endpoint.media))} in it."
