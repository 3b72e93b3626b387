"""A piece of a recording, as it is sent."""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Protocol

from webvoice_mcp.files.kinds import Kind
from webvoice_mcp.files.pieces import Piece, length_of
from webvoice_mcp.files.pieces import Span as ByteRange
from webvoice_mcp.storage.threads import WorkerThreads
from webvoice_mcp.studio.pauses import Span

_BLOCK_BYTES = 3 * 640 * 1024  # a multiple of three, so that base64 needs no padding between blocks


class Source(Protocol):
    """An open file that can be read at any position; `files.input_file.OpenedFile` is one."""

    @property
    def size(self) -> int:
        """The number of bytes."""
        ...

    def read(self, start: int, end: int) -> bytes:
        """Return this range, which lies in the file. Blocks.

        Raises:
            DiskError: it cannot be read, or has changed.
        """
        ...


class SourceFile:
    """A source in the form of a file at whose positions one can read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._position = 0

    def seek(self, position: int, whence: int = 0, /) -> int:
        """Go to a position and return it."""
        self._position = position + (0, self._position, self._source.size)[whence]
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def read(self, size: int, /) -> bytes:
        """Return the next bytes."""
        start, end = (min(place, self._source.size) for place in (self._position, self._position + size))
        self._position = end
        return self._source.read(start, end) if start < end else b""


@dataclass(frozen=True, slots=True)
class RecordingPiece:
    """A piece that can be uploaded.

    Attributes:
        name: name to send to the service.
        mime_type: media type.
        span: its place in the recording.
        source: the open file that the ranges in `parts` belong to.
        parts: the content: ranges of the file, and bytes of ours.
        close: releases the piece's own temporary file, if it has one.
    """

    name: str
    mime_type: str
    span: Span
    source: Source
    parts: tuple[Piece, ...]
    close: Callable[[], None] = field(default=lambda: None, compare=False)

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return self.span.end - self.span.start

    @property
    def size(self) -> int:
        """The number of bytes that are sent."""
        return length_of(self.parts)

    def blocks(self) -> Iterator[bytes]:
        """Yield what is sent in blocks of at most 2 MiB, any number of times. Reading blocks.

        Raises:
            DiskError: the file cannot be read, or has changed since it was opened.
        """
        for part in self.parts:
            if isinstance(part, bytes):
                yield part
                continue
            for start in range(part.start, part.end, _BLOCK_BYTES):
                yield self.source.read(start, min(start + _BLOCK_BYTES, part.end))

    def digest(self) -> str:
        """Return a name for these bytes, by which a piece that was paid for is found again. Blocks."""
        found = hashlib.sha256()
        for block in self.blocks():
            found.update(block)
        return found.hexdigest()

    async def chunks(self, threads: WorkerThreads) -> AsyncIterator[bytes]:
        """Yield the same as `blocks`, which is read in a thread."""
        blocks = self.blocks()
        while block := await threads.run(next, blocks, b""):
            yield block


def whole(source: Source, kind: Kind, name: str, span: Span) -> RecordingPiece:
    """Return all of a recording as it is."""
    return RecordingPiece(piece_name(name, kind), kind.mime_type, span, source, (ByteRange(0, source.size),))


def piece_name(name: str, kind: Kind, span: Span | None = None) -> str:
    """Return the name of a piece: that of the recording, where the piece begins, and the kind's extension."""
    begin = f"-{span.start:.2f}s" if span else ""
    return f"{PurePath(name).stem}{begin}{kind.suffixes[0]}"
