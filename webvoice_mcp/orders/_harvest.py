"""The media of one answer on their way to files: what was paid for is kept, and what it is is told truly."""

from collections.abc import Sequence
from typing import Any

from webvoice_mcp.client.splitter import Medium, Write
from webvoice_mcp.contract.endpoint import Endpoint
from webvoice_mcp.errors import InvalidResponse
from webvoice_mcp.files import Part, SavedFile


class Harvest:
    """Takes the media while they come, the first into a part file that is open already; then gives them their names."""

    def __init__(self, part: Part, family: str) -> None:
        self._first = part
        self._family = family
        self._parts: dict[tuple[str, int], Part] = {}

    def open(self, field: str, index: int) -> Write:
        """Where this medium's bytes go.

        Raises:
            DiskError: no further file can be opened.
        """
        part = self._first.beside() if self._parts else self._first
        self._parts[field, index] = part
        return part.write

    async def bring_in(
        self, endpoint: Endpoint[Any, Any], media: Sequence[Medium], expected: int
    ) -> tuple[tuple[SavedFile, ...], str]:
        """Publish what came; the files, and what the user should know of them ("" = nothing).

        Raises:
            InvalidResponse: nothing usable came. Something unusable that may have been paid for is kept and named.
            DiskError: the file system refuses.
        """
        if not self._parts:
            raise InvalidResponse(_nothing(endpoint, [each.text for each in media]))
        parts = await self._distinct()
        files: list[SavedFile] = []
        odd: list[SavedFile] = []
        for part in parts:
            kind = await part.kind()
            saved = await part.publish(kind.suffixes[0] if kind else ".bin")
            (files if kind and kind.family == self._family else odd).append(saved)
        kept = ", ".join(f"{each.path} ({each.size_bytes} bytes)" for each in odd)
        if not files:
            raise InvalidResponse(
                f"The service sent something that is not {self._family}. It may have been paid for, so it was kept as "
                f"it came: {kept}."
            )
        notes = [f"Not {self._family}, kept as it came: {kept}."] if odd else []
        if len(files) < expected:
            notes.insert(0, f"{expected} were ordered, {len(files)} came.")
        return tuple(files), " ".join(notes)

    async def _distinct(self) -> list[Part]:
        # An answer that lists its pictures also repeats the first of them as a single one.
        listed = [self._parts[place] for place in sorted(self._parts) if place[0].endswith("s")]
        single = [self._parts[place] for place in self._parts if not place[0].endswith("s")]
        return listed + [part for part in single if not [each for each in listed if await part.same_as(each)]]


def _nothing(endpoint: Endpoint[Any, Any], texts: Sequence[str]) -> str:
    links = " ".join(text for text in texts if text.startswith("https://"))
    if links:
        return f"The service sent a link in place of the media; fetch it yourself: {links}"
    return f"The service's answer has no {' or '.join(sorted(endpoint.media))} in it."
