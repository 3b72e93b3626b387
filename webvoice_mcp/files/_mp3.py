"""The length of MP3 files, from their frames, with tags or junk before, between and after them."""

from functools import cache

from webvoice_mcp.files._bytes import Readable, read_at
from webvoice_mcp.files.mp3_frames import SYNC, Header, begins_frames, header_at, parse_header, skip_tags, stated

_BLOCK_BYTES = 1024 * 1024
_MAX_FRAME_SECONDS = 0.144  # of any layer
_TOLERANCE = 0.05


def seconds(file: Readable) -> float | None:
    """Return how long all frames play, None if that is not certain within 5 %.

    It is not certain if the header of the first frame says something else, or if there are many bytes that another
    decoder could take for frames.
    """
    tags_end = skip_tags(file)
    total, frames, end = 0.0, 0, 0
    first: int | None = None
    position, strays = _next_frames(file, 0, tags_end)  # from 0: some decoders ignore the size that a tag states
    while position is not None and (header := header_at(file, position)):
        if first is None or first < tags_end:
            first = position
        end, run = _walk(file, position, header)
        frames += run
        total += run * header.seconds
        position, more = _next_frames(file, end, tags_end)
        strays += more
    if first is None or strays * _MAX_FRAME_SECONDS > _TOLERANCE * total:
        return None
    said = stated(read_at(file, first, 200))
    if said is None:
        return total
    is_true = _is_near(said.frames, frames, 3) and _is_near(said.size, end - first, 3000)
    return total * (frames - 1) / frames if is_true else None  # the frame with the header is not played


def _walk(file: Readable, position: int, header: Header) -> tuple[int, int]:
    """Follow the frames of one stream; return the position after the last one, and how many there are."""
    sizes = _sizes(header.stream)
    frames = 0
    while len(block := read_at(file, position, _BLOCK_BYTES)) > 2:
        offset = 0
        while size := sizes.get(block[offset : offset + 3]):
            offset += size
            frames += 1
        position += offset
        if offset + 3 <= len(block):
            break
    return position, frames


@cache
def _sizes(stream: tuple[int, int]) -> dict[bytes, int]:
    """Return the sizes of all frames of a stream, by the first three bytes of their headers."""
    heads = (bytes([0xFF, second, third, 0]) for second in range(0xE2, 0x100) for third in range(0x100))
    headers = {head[:3]: parse_header(head) for head in heads}
    return {head: header.size for head, header in headers.items() if header and header.stream == stream}


def _next_frames(file: Readable, position: int, tags_end: int) -> tuple[int | None, int]:
    """Return the next position with two frames, or with one at the end of the file, None if there is none.

    Also return the number of headers before it that begin no such frames, without those in the tags.
    """
    strays = 0
    while len(block := read_at(file, position, _BLOCK_BYTES)) > 2:
        for found in SYNC.finditer(block):
            if begins_frames(file, position + found.start(), 2):
                return position + found.start(), strays
            strays += position + found.start() >= tags_end
        position += len(block) - 2
    return None, strays


def _is_near(number: int | None, found: int, least: int) -> bool:
    return number is None or abs(number - found) <= max(least, _TOLERANCE * found)
