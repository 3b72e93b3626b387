"""Silence as MP3 frames."""

from collections.abc import Sequence
from dataclasses import dataclass

from webvoice_mcp.files.mp3_frames import KBITS, parse_header

_HAS_NO_CHECKSUM = 0x01
_HAS_PADDING = 0x02


@dataclass(frozen=True, slots=True)
class Silence:
    """A pause between parts.

    Attributes:
        seconds: its length, 0 or more.
    """

    seconds: float

    def __post_init__(self) -> None:
        """Check the length."""
        if not 0 <= self.seconds < float("inf"):
            raise ValueError(f"A silence of {self.seconds} seconds is not possible.")


class SilentFrames:
    """Silent frames in the format of a given frame.

    Attributes:
        frame: one silent frame.
        seconds: the length of a frame.
    """

    def __init__(self, like: bytes, kbits: int | None) -> None:
        """Make silent frames of this bit rate, of the lowest one if it is None."""
        head = head_of(like, kbits or 0)
        header = parse_header(head)
        assert header is not None  # noqa: S101 - `like` is a frame
        self.frame = head.ljust(header.size, b"\x00")
        self.seconds = header.seconds

    def counts(self, pieces: Sequence[object]) -> list[int]:
        """Return the number of frames of each silence among the pieces, 0 for the others.

        The total differs from the wanted one by at most half a frame, however many silences there are.
        """
        counts: list[int] = []
        wanted, done = 0.0, 0
        for piece in pieces:
            count = 0
            if isinstance(piece, Silence):
                wanted += piece.seconds
                count = round(wanted / self.seconds) - done
            counts.append(count)
            done += count
        return counts


def head_of(like: bytes, kbits: int, least_size: int = 0) -> bytes:
    """Return a frame's first four bytes with the lowest bit rate from `kbits`, at which it has so many bytes.

    It has neither checksum nor padding.
    """
    version = like[1] >> 3 & 3
    rest = like[2] & 0x0F & ~_HAS_PADDING
    indexes = (index for index, rate in enumerate(KBITS[version], 1) if rate >= kbits)
    heads = (bytes([0xFF, like[1] | _HAS_NO_CHECKSUM, index << 4 | rest, like[3]]) for index in indexes)
    return next(head for head in heads if (header := parse_header(head)) and header.size >= least_size)


def silent(frame: bytes) -> bytes:
    """Return a frame of the same size that plays silence. Its other data stay, as frames after it may refer to them."""
    header = parse_header(frame)
    assert header is not None  # noqa: S101 - it is a frame
    side = bytes(header.side_size)
    head = bytes([frame[0], frame[1] | _HAS_NO_CHECKSUM, *frame[2:4]])
    # Without the checksum the data begin two bytes earlier, so that references to them stay right from the end.
    return head + side + frame[4 + header.side_size :][: header.size - 4 - header.side_size]
