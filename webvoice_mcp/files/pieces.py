"""A file as it is sent: ranges of the file on the disk, and bytes in place of what is taken out."""

from collections.abc import Iterable
from typing import NamedTuple

MAX_PARTS = 200_000  # of a picture; a hostile one may have millions
_MAX_PIECES = 10_000


class Span(NamedTuple):
    """A range of a file.

    Attributes:
        start: position of its first byte.
        end: position after its last byte.
    """

    start: int
    end: int


Piece = Span | bytes


class MalformedPicture(Exception):
    """The structure of a picture cannot be followed, so its metadata cannot be taken out."""


class Pieces:
    """The parts of a picture that are kept, in its order.

    Attributes:
        dropped: True if something was taken out.
    """

    def __init__(self) -> None:
        self.dropped = False
        self._pieces: list[Piece] = []

    def keep(self, start: int, end: int) -> None:
        """Keep a range of the file.

        Raises:
            MalformedPicture: the picture has too many parts.
        """
        last = self._pieces[-1] if self._pieces else None
        if isinstance(last, Span) and last.end == start:
            self._pieces[-1] = Span(last.start, end)
        else:
            self.add(Span(start, end))

    def add(self, piece: Piece) -> None:
        """Add bytes of ours, or a range that starts a new piece.

        Raises:
            MalformedPicture: the picture has too many parts.
        """
        if len(self._pieces) >= _MAX_PIECES:
            raise MalformedPicture
        self._pieces.append(piece)

    def drop(self) -> None:
        """Note that something is taken out."""
        self.dropped = True

    def finish(self, size: int, *, shows: bool) -> tuple[Piece, ...]:
        """Return the pieces of a file of this size, as few as possible.

        Args:
            shows: True if there is something in them that a decoder can show. A file without that is sent as it is,
                since there is nothing to tell its metadata from, unless some were found.

        Raises:
            MalformedPicture: nothing to show is left.
        """
        if shows:
            return tuple(self._pieces)
        if self.dropped:
            raise MalformedPicture
        return (Span(0, size),)


def length_of(pieces: Iterable[Piece]) -> int:
    """Return the number of bytes in all pieces."""
    return sum(piece.end - piece.start if isinstance(piece, Span) else len(piece) for piece in pieces)
