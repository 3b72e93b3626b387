"""Writes the media of one answer to files. What was paid for is kept, and the user is told what it really is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

from webvoice_mcp.client.redaction import redact
from webvoice_mcp.client.splitter import MediaItem, Write
from webvoice_mcp.errors import FileError, InvalidResponse, WebVoiceError
from webvoice_mcp.files import PendingFile, SavedFile

_MAYBE_SPENT = "The service had answered, so credits may have been spent: see webvoice_jobs and webvoice_usage."
_MAX_LINK_CHARACTERS = 250  # in a message; longer links go to a file

E = TypeVar("E", bound=WebVoiceError)


class MediaWriter:
    """Writes media to files while they arrive: the first to a file that is already open, the others beside it.

    Attributes:
        saved: the files that have their final name, usable or not, also if `publish` fails; the usable ones first.
    """

    def __init__(self, pending: PendingFile, family: str, suffixes: Sequence[str] = ()) -> None:
        """Prepare to write.

        Args:
            pending: the first file, already open.
            family: the family of media that was ordered.
            suffixes: the extensions that were to be expected; a note names files with another. None: any.
        """
        self.saved: list[SavedFile] = []
        self._first = pending
        self._family = family
        self._suffixes = suffixes
        self._files: dict[tuple[str, int], PendingFile] = {}

    def open(self, field: str, index: int) -> Write:
        """Return the function that takes the bytes of this medium.

        Raises:
            FileError: no further file can be opened. The returned function raises it, too.
        """
        with _after_payment():
            file = self._first.sibling() if self._files else self._first
        self._files[field, index] = file

        def write(data: bytes) -> None:
            with _after_payment():
                file.write(data)

        return write

    async def publish(self, media: Sequence[MediaItem], expected: int) -> tuple[tuple[SavedFile, ...], str]:
        """Give the files their final names; return them, and a note for the user, "" for none.

        Raises:
            InvalidResponse: nothing usable arrived. Unusable content that may have been paid for is kept and named.
            FileError: the file system refuses all files.
        """
        usable: list[SavedFile] = []
        unusable: list[SavedFile] = []
        errors: list[FileError] = []
        others: list[str] = []
        for file in await self._without_duplicates():
            try:
                kind = await file.kind()
                saved = await file.publish(kind.suffixes[0] if kind else ".bin")
            except FileError as error:
                errors.append(error)
                continue
            self.saved.append(saved)
            if kind is None or kind.family != self._family:
                unusable.append(saved)
                continue
            usable.append(saved)
            if self._suffixes and not set(kind.suffixes) & set(self._suffixes):
                others.append(f"It came as {kind.name}, so its extension is {kind.suffixes[0]}: {saved.path}.")
        self.saved.sort(key=lambda file: file not in usable)  # in the order of the result, which has the usable ones
        links = list(dict.fromkeys(redact(item.text).split()[0] for item in media if item.text))
        notes = others + self._notes(unusable, await self._shown(links))
        if not usable:
            failure = errors[0] if errors else InvalidResponse(f"The service's answer has no {self._family} in it.")
            raise billed_error(failure, *notes)
        notes += [f"One more arrived and could not be saved: {error}" for error in errors]
        arrived = len(usable) + len(links) + len(errors)
        if arrived < expected:
            notes.insert(0, f"{expected} were ordered, {arrived} arrived.")
        return tuple(usable), " ".join(notes)

    async def _without_duplicates(self) -> list[PendingFile]:
        # An answer with a list of pictures repeats the first of them as a single field. Of these two the file that was
        # opened first is kept, because only that one may replace an existing file.
        opened = list(self._files.values())
        files = [self._files[place] for place in sorted(self._files) if place[0].endswith("s")]
        for single in [file for place, file in self._files.items() if not place[0].endswith("s")]:
            with _after_payment():
                duplicates = [file for file in files if await single.same_as(file)]
            if not duplicates:
                files.append(single)
            elif opened.index(single) < opened.index(duplicates[0]):
                files[files.index(duplicates[0])] = single
        return files

    def _notes(self, unusable: Sequence[SavedFile], links: str) -> list[str]:
        kept = ", ".join(f"{file.path} ({file.size_bytes} bytes)" for file in unusable)
        notes = [f"Not {self._family}, kept as it came: {kept}."] if unusable else []
        return notes + ([f"The service sent a link; fetch it yourself: {links}"] if links else [])

    async def _shown(self, links: Sequence[str]) -> str:
        """Return the links, or the path of a file with them if they are long."""
        shown = " ".join(links)
        if len(shown) > _MAX_LINK_CHARACTERS:
            with suppress(FileError):
                file = self._first.sibling()
                file.write("\n".join(links).encode())
                self.saved.append(await file.publish(".txt"))
                return self.saved[-1].path
        return shown


@contextmanager
def _after_payment() -> Iterator[None]:
    """Say of an error of the file system that the call may have been billed."""
    try:
        yield
    except FileError as error:
        raise billed_error(error) from error


def billed_error(error: E, *notes: str) -> E:
    """Return the error of a call that was answered, so that it may have cost credits."""
    billed = type(error)(" ".join([str(error), _MAYBE_SPENT, *notes]))
    billed.billed = True
    return billed
