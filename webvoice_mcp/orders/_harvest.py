"""The media of one answer on their way to files: what was paid for is kept, and what it is is told truly."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

from webvoice_mcp.client.answers import plain
from webvoice_mcp.client.splitter import Medium, Write
from webvoice_mcp.errors import FileError, InvalidResponse, WebVoiceError
from webvoice_mcp.files import PendingFile, SavedFile

_SPENT = "The service had answered, so credits may have been spent. See webvoice_status before you repeat the call."
_LINKS_SHOWN = 250  # characters of links that a message has room for

E = TypeVar("E", bound=WebVoiceError)


class Harvest:
    """Takes the media while they come, the first into a part file that is open already; then gives them their names.

    Attributes:
        saved: what has its name and stays, usable or not, also where `bring_in` fails.
    """

    def __init__(self, part: PendingFile, family: str) -> None:
        self.saved: list[SavedFile] = []
        self._first = part
        self._family = family
        self._parts: dict[tuple[str, int], PendingFile] = {}

    def open(self, field: str, index: int) -> Write:
        """Where this medium's bytes go.

        Raises:
            FileError: no further file can be opened. The function that takes the bytes raises it, too.
        """
        with _paid():
            part = self._first.sibling() if self._parts else self._first
        self._parts[field, index] = part

        def write(data: bytes) -> None:
            with _paid():
                part.write(data)

        return write

    async def bring_in(self, media: Sequence[Medium], expected: int) -> tuple[tuple[SavedFile, ...], str]:
        """Publish what came; the files, and what the user should know of them ("" = nothing).

        Raises:
            InvalidResponse: nothing usable came. What was of no use but may have been paid for is kept and named.
            FileError: the file system refuses all of it.
        """
        files: list[SavedFile] = []
        odd: list[SavedFile] = []
        refused: list[FileError] = []
        for part in await self._distinct():
            try:
                kind = await part.kind()
                saved = await part.publish(kind.suffixes[0] if kind else ".bin")
            except FileError as error:
                refused.append(error)
                continue
            self.saved.append(saved)
            (files if kind and kind.family == self._family else odd).append(saved)
        links = list(dict.fromkeys(plain(each.text).split()[0] for each in media if each.text))
        if not files:
            raise await self._nothing(odd, links, refused)
        notes = self._notes(odd, await self._told(links))
        notes += [f"One more came and could not be saved: {each}" for each in refused]
        came = len(files) + len(links) + len(refused)
        if came < expected:
            notes.insert(0, f"{expected} were ordered, {came} came.")
        return tuple(files), " ".join(notes)

    async def _distinct(self) -> list[PendingFile]:
        # An answer that lists its pictures also repeats the first of them as a single one. Of these two the one that
        # was opened first is kept: it alone may replace a file.
        opened = list(self._parts.values())
        parts = [self._parts[place] for place in sorted(self._parts) if place[0].endswith("s")]
        for single in [part for place, part in self._parts.items() if not place[0].endswith("s")]:
            with _paid():
                twins = [each for each in parts if await single.same_as(each)]
            if not twins:
                parts.append(single)
            elif opened.index(single) < opened.index(twins[0]):
                parts[parts.index(twins[0])] = single
        return parts

    def _notes(self, odd: Sequence[SavedFile], links: str) -> list[str]:
        kept = ", ".join(f"{each.path} ({each.size_bytes} bytes)" for each in odd)
        notes = [f"Not {self._family}, kept as it came: {kept}."] if odd else []
        return notes + ([f"The service sent a link; fetch it yourself: {links}"] if links else [])

    async def _nothing(
        self, odd: Sequence[SavedFile], links: Sequence[str], refused: Sequence[FileError]
    ) -> WebVoiceError:
        notes = self._notes(odd, await self._told(links))
        if refused:
            return _billed(refused[0], *notes)
        return _billed(InvalidResponse(f"The service's answer has no {self._family} in it."), *notes)

    async def _told(self, links: Sequence[str]) -> str:
        """Links as they may be shown: where they are long, the path of a file with them."""
        told = " ".join(links)
        if len(told) > _LINKS_SHOWN:
            with suppress(FileError):
                part = self._first.sibling()
                part.write("\n".join(links).encode())
                self.saved.append(await part.publish(".txt"))
                return self.saved[-1].path
        return told


@contextmanager
def _paid() -> Iterator[None]:
    """What the file system refuses from now on comes after the service's answer."""
    try:
        yield
    except FileError as error:
        raise _billed(error) from error


def _billed(error: E, *notes: str) -> E:
    said = type(error)(" ".join([str(error), _SPENT, *notes]))
    said.billed = True
    return said
