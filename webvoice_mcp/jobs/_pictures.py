"""Pictures inside a chat's answer, saved as files while they arrive."""

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any, Self, TypeVar

from webvoice_mcp.client.pictures import MAX_PICTURES, TOO_MANY, Picture, Pictures
from webvoice_mcp.client.redaction import redact
from webvoice_mcp.contract.endpoint import Reply
from webvoice_mcp.errors import FileError, InvalidResponse
from webvoice_mcp.files import Files, Output, PendingFile, SavedFile
from webvoice_mcp.files.kinds import GIF, WEBP
from webvoice_mcp.storage.threads import WorkerThreads

_TINY_KINDS = (GIF, WEBP)  # of which a whole picture can be shorter than an example in a text
_LOST = "a picture that could not be saved"

R = TypeVar("R", bound=Reply)


class ChatPictures:
    """The files of one answer, in the output folder; those that are not published are removed at the end.

    A picture that cannot be saved never costs the user the text, which was paid for too.

    Attributes:
        pictures: the answer's pictures, for `Client.chat`.
        saved: the files that have their final name.
        note: a remark about them for the user, "" for none.
    """

    def __init__(self, files: Files, name_from: str) -> None:
        """Prepare to save.

        Args:
            files: the user's files.
            name_from: text whose first words show in the files' names.
        """
        self.pictures = Pictures(self)
        self.saved: list[SavedFile] = []
        self.note = ""
        self._files = files
        self._name_from = name_from
        self._resources = AsyncExitStack()
        self._threads = WorkerThreads(1)
        self._pending: dict[int, PendingFile] = {}
        self._shown: dict[int, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._resources.aclose()

    async def write(self, number: int, blocks: Sequence[bytes]) -> None:
        """Append to a picture, whose file is created with its first bytes.

        Raises:
            FileError: the output folder cannot be used.
            InvalidResponse: the files would exceed WEBVOICE_MAX_FILE_MB.
        """
        if number not in self._pending:
            self._pending[number] = await self._create()
        file = self._pending[number]
        await self._threads.run(_write, file, blocks)

    async def publish(self, links: Sequence[str] = ()) -> None:
        """Give the pictures that are complete their names.

        Args:
            links: links of pictures that the answer has besides.
        """
        notes: list[str] = []
        for link in dict.fromkeys(links):
            if link.lower().startswith(("http://", "https://")):
                notes.append(f"A picture came as a link; fetch it yourself: {redact(link).split()[0]}")
            else:
                notes.append("A picture could not be saved: It is neither base64 nor a link.")
        await self.pictures.settle()
        same = await self._repetitions()
        for picture in self._items:
            try:
                await self._publish(picture, same.get(picture.number))
            except (FileError, InvalidResponse) as error:
                picture.problem = str(error)
            if picture.number not in self._shown:
                self._shown[picture.number] = picture.source or _LOST
                if picture.problem != TOO_MANY and not picture.source:
                    notes.append(f"A picture could not be saved: {picture.problem}")
        if self.pictures.count > MAX_PICTURES:
            notes.append(f"The answer has {self.pictures.count} pictures; {len(self.saved)} were saved.")
        self.note = " ".join(notes)

    async def show_paths(self, reply: R) -> R:
        """Return the reply with the files' paths in place of the links in its texts."""
        if not self._items:
            return reply
        return await self._threads.run(lambda: type(reply).model_validate(self._with_paths(reply.model_dump())))

    async def _create(self) -> PendingFile:
        if self._pending:
            return next(iter(self._pending.values())).sibling()
        target = await self._files.resolve(Output("", "chat", self._name_from, (".bin",), "text"))
        return await self._resources.enter_async_context(self._files.create(target))

    async def _publish(self, picture: Picture, same: int | None) -> None:
        if same is not None:
            self._shown[picture.number] = self._shown.get(same, _LOST)
            return
        if not picture.is_complete and not picture.problem:
            picture.fail("The answer ended before it was complete.")
        file = self._pending.get(picture.number)
        if file is None or picture.problem:
            return
        if picture.source and await file.kind() not in _TINY_KINDS:
            return  # an example in a text about links
        self.saved.append(await file.publish())
        self._shown[picture.number] = self.saved[-1].path

    async def _repetitions(self) -> dict[int, int]:
        """Return the pictures that a whole message repeats after its deltas, and the ones that they repeat."""
        found: dict[int, int] = {}
        originals = {number: file for number, file in self._pending.items() if not self._items[number].is_repeated}
        with suppress(FileError):  # one file too many is better than none
            for number, file in self._pending.items():
                if self._items[number].is_repeated:
                    same = [original for original, other in originals.items() if await file.same_as(other)]
                    if same:
                        found[number] = same[0]
        return found

    def _with_paths(self, value: Any, key: str = "") -> Any:
        match value:
            case str():
                return self.pictures.replace_marks(value, lambda picture: self._shown_in(picture, key))
            case list():
                return [self._with_paths(item, key) for item in value]
            case dict():
                return {name: self._with_paths(item, name) for name, item in value.items()}
            case _:
                return value

    def _shown_in(self, picture: Picture, key: str) -> str:
        shown = self._shown[picture.number]
        return json.dumps(shown, ensure_ascii=False)[1:-1] if key == "arguments" else shown  # these are JSON text

    @property
    def _items(self) -> list[Picture]:
        return self.pictures.items


def _write(file: PendingFile, blocks: Sequence[bytes]) -> None:
    for block in blocks:
        file.write(block)
