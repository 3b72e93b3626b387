"""The pictures of a film: copied from its clips, or encoded anew."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from fractions import Fraction
from itertools import islice
from typing import Any

from webvoice_mcp.studio._film_clip import BrokenClipError, Clip, opened
from webvoice_mcp.studio.decoder import Guard, load
from webvoice_mcp.studio.sound import decoded

_X264 = {"preset": "veryfast", "crf": "18"}


def copied_video(clips: Sequence[Clip], track: Any, guard: Guard) -> Iterator[Any]:
    """Yield the packets of all clips, each clip after the one before."""
    offset, last = Fraction(0), -(1 << 62)
    for clip in clips:
        with _opened(clip, guard) as source:
            own = source.streams.video[0]
            shift = round(offset / own.time_base) - clip.start
            for packet in source.demux(own):
                if not packet.size:
                    continue
                packet.pts += shift
                packet.dts = last = max(packet.dts + shift, last + 1)  # clips can differ in how far they look ahead
                packet.stream = track
                yield packet
        offset += clip.seconds


def encoded_video(clips: Sequence[Clip], sink: Any, guard: Guard) -> Iterator[Any]:
    """Encode all clips as H.264, in the size and rate of the first."""
    first = clips[0]
    size = (first.size[0] // 2 * 2, first.size[1] // 2 * 2)  # H.264 takes even numbers only
    track = sink.add_stream("libx264", rate=first.fps, options=_X264)
    track.width, track.height = size
    track.pix_fmt = "yuv420p"
    track.codec_context.time_base = 1 / first.fps
    return _encoded(clips, size, first.fps, track, guard)


def _encoded(clips: Sequence[Clip], size: tuple[int, int], fps: Fraction, track: Any, guard: Guard) -> Iterator[Any]:
    number, end = 0, Fraction(0)
    for clip in clips:
        end += clip.seconds
        wanted = round(end * fps) - number  # so that sound and pictures stay together
        for frame in _frames(clip, size, fps, wanted, guard):
            frame.pts, frame.time_base, frame.pict_type = number, 1 / fps, 0
            number += 1
            yield from track.encode(frame)
    yield from track.encode(None)


def _frames(clip: Clip, size: tuple[int, int], fps: Fraction, wanted: int, guard: Guard) -> Iterator[Any]:
    """Yield so many frames of a clip; its last one is repeated where there are fewer."""
    frame, count = None, 0
    with _opened(clip, guard) as source:
        for frame in islice(_fitted(clip, source, size, fps, guard), wanted):
            count += 1
            yield frame
    if frame is None and wanted:
        raise BrokenClipError(clip.index)
    for _ in range(wanted - count):
        yield frame


def _fitted(clip: Clip, source: Any, size: tuple[int, int], fps: Fraction, guard: Guard) -> Iterator[Any]:
    """Yield the pictures of a clip fitted inside the size, with black borders, at this rate."""
    width, height = size
    track = source.streams.video[0]
    graph = load().filter.Graph()
    steps = (
        ("fps", f"fps={fps}:start_time=0"),
        ("scale", f"w={width}:h={height}:force_original_aspect_ratio=decrease"),
        ("pad", f"w={width}:h={height}:x=(ow-iw)/2:y=(oh-ih)/2"),
        ("setsar", "1"),
        ("format", "yuv420p"),
    )
    nodes = [graph.add_buffer(template=track), *(graph.add(*step) for step in steps), graph.add("buffersink")]
    graph.link_nodes(*nodes).configure()
    for frame in decoded(source, track, guard):
        frame.pts -= clip.start
        graph.push(frame)
        yield from _pulled(graph)
    graph.push(None)
    yield from _pulled(graph)


def _pulled(graph: Any) -> Iterator[Any]:
    error = load().error
    while True:
        try:
            yield graph.pull()
        except (error.BlockingIOError, error.EOFError):
            return


def _opened(clip: Clip, guard: Guard) -> AbstractContextManager[Any]:
    return opened(clip.index, clip.file, guard, film=True)
