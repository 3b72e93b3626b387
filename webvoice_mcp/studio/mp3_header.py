"""The header frame of MP3 files (Xing or Info, with LAME's fields): the file's length and table of contents."""

from dataclasses import dataclass, field
from typing import NamedTuple

from webvoice_mcp.files.mp3_frames import Header, parse_header
from webvoice_mcp.studio.mp3_silence import head_of

_ALL_FIELDS = 0x0F  # frames, bytes, table of contents, quality
_XING_BYTES = 8 + 4 + 4 + 100 + 4
_LAME_BYTES = 36
_DECODER_DELAY = 529  # samples, which players add to the encoder's
_MAX_SKIPPED_SECONDS = 0.03


class Encoder(NamedTuple):
    """The encoder of a file, as its header frame names it.

    Attributes:
        name: nine bytes.
        delay: samples of silence that it put before the sound.
    """

    name: bytes
    delay: int


@dataclass(slots=True)
class Summary:
    """The frames of a file that is being planned.

    Attributes:
        frames: number of frames.
        size: bytes of all frames.
        marks: frames and bytes before some of the frames, in order.
    """

    frames: int = 0
    size: int = 0
    marks: list[tuple[int, int]] = field(default_factory=list)

    def add(self, frames: int, size: int, bookmarks: tuple[int, ...], stride: int) -> None:
        """Add frames; a bookmark for every `stride` of them says how many bytes are before it."""
        self.marks += [(self.frames + stride * number, self.size + mark) for number, mark in enumerate(bookmarks)]
        self.frames += frames
        self.size += size

    def add_equal(self, frames: int, frame_size: int) -> None:
        """Add frames of one size."""
        self.add(frames, frames * frame_size, (0,), 1)

    def contents(self, first: int) -> bytes:
        """Return the table of contents: for each percent of the time the position in the file, in 256ths.

        Args:
            first: bytes of the file before the first frame.
        """
        marks = [*self.marks, (self.frames, self.size)]
        table, number = bytearray(), 0
        for percent in range(100):
            wanted = self.frames * percent / 100
            while number + 2 < len(marks) and marks[number + 1][0] <= wanted:
                number += 1
            (frame, position), (next_frame, next_position) = marks[number], marks[number + 1]
            share = (wanted - frame) / (next_frame - frame) if next_frame > frame else 0.0
            place = first + position + share * (next_position - position)
            table.append(min(255, int(256 * place / (first + self.size))))
        return bytes(table)


def encoder_of(frame: bytes) -> Encoder | None:
    """Return what a header frame says about its encoder, None if it does not say it in LAME's way."""
    header = parse_header(frame)
    if header is None or frame[_mark(header) :][:4] not in {b"Xing", b"Info"}:
        return None
    flags = int.from_bytes(frame[_mark(header) + 4 :][:4], "big")
    start = _mark(header) + 8 + sum(size for bit, size in ((1, 4), (2, 4), (4, 100), (8, 4)) if flags & bit)
    fields = frame[start : start + _LAME_BYTES]
    if len(fields) < _LAME_BYTES or not fields.startswith((b"LAME", b"Lavf", b"Lavc")):
        return None
    return Encoder(fields[:9], fields[21] << 4 | fields[22] >> 4)


def header_frame(like: bytes, kbits: int | None, summary: Summary, encoder: Encoder | None) -> bytes:
    """Return the header frame of a file.

    Args:
        like: the file's first frame.
        kbits: the bit rate of all frames, None if they differ.
        summary: the frames after the header.
        encoder: the first part's encoder, None if it is unknown. It is named if players that skip its delay show
            at most 30 ms less than others.
    """
    header = parse_header(like)
    assert header is not None  # noqa: S101 - `like` is a frame
    has_encoder = encoder and (encoder.delay + _DECODER_DELAY) / header.stream[1] <= _MAX_SKIPPED_SECONDS
    least = _mark(header) + _XING_BYTES + _LAME_BYTES
    head = head_of(like, kbits or 0, least)
    own = parse_header(head)
    assert own is not None  # noqa: S101 - `head_of` returns a header
    total = own.size + summary.size
    frame = bytearray(head.ljust(own.size, b"\x00"))
    content = (
        (b"Info" if kbits else b"Xing")
        + _number(_ALL_FIELDS)
        + _number(summary.frames)
        + _number(total)
        + summary.contents(own.size)
        + _number(0)
    )
    start = _mark(header)
    frame[start : start + len(content)] = content
    if encoder and has_encoder:
        start += len(content)
        fields = encoder.name + bytes([0 if kbits is None else 1]) + bytes(11)
        fields += (encoder.delay << 12).to_bytes(3, "big") + bytes(4) + _number(total) + bytes(2)
        frame[start : start + len(fields)] = fields
        end = start + len(fields)
        frame[end : end + 2] = _crc16(frame[:end]).to_bytes(2, "big")
    return bytes(frame)


def _mark(header: Header) -> int:
    return 4 + header.side_size


def _number(value: int) -> bytes:
    return min(value, 0xFFFFFFFF).to_bytes(4, "big")


def _crc16(data: bytes | bytearray) -> int:
    """Return the checksum of LAME's fields: CRC-16 with the polynomial 0x8005, reflected."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value
