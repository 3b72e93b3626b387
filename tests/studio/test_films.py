"""Films joined from clips, and sound of different formats joined to one file."""

import io
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.files.samples import FRAME
from tests.studio.recordings import Shape, hear, make
from webvoice_mcp.studio.decoder import Guard, TimeIsUpError, TooLargeError
from webvoice_mcp.studio.films import BrokenClipError, BrokenSoundError, Subtitle, join_films
from webvoice_mcp.studio.mp3_silence import Silence
from webvoice_mcp.studio.sound_joined import BrokenPartError, join_sound_anew

av: Any = import_module("av")

CLIP = Shape("mp4", "aac", "libx264", rate=24_000, layout="mono", seconds=2)
SILENT = CLIP._replace(sound="")
MP3 = Shape("mp3", "libmp3lame", seconds=1)


class Seen(NamedTuple):
    """The tracks that a decoder finds in a film.

    Attributes:
        greys: the brightness in the middle of the pictures, of one for each second.
        borders: the brightness at the left edge of them.
    """

    codec: str
    size: tuple[int, int]
    fps: Fraction
    frames: int
    seconds: float
    greys: list[int]
    borders: list[int]
    is_indexed: bool
    tracks: list[str]


def see(film: bytes) -> Seen:
    greys, borders, last = [], [], -1
    with av.open(io.BytesIO(film)) as container:
        track = container.streams.video[0]
        for number, frame in enumerate(container.decode(track)):
            assert frame.pts > last
            last = frame.pts
            if number % 24 == 12:
                plane = frame.planes[0]
                row = bytes(plane)[frame.height // 2 * plane.line_size :]
                greys.append(row[frame.width // 2])
                borders.append(row[2])
        return Seen(
            track.codec_context.name,
            (track.width, track.height),
            track.average_rate,
            number + 1,
            container.duration / 1e6,
            greys,
            borders,
            film.index(b"moov") < film.index(b"mdat"),
            [stream.type for stream in container.streams],
        )


def join(clips: Sequence[bytes], **options: Any) -> tuple[bytes, float]:
    output = io.BytesIO()
    film = join_films([io.BytesIO(clip) for clip in clips], output, **options)
    return output.getvalue(), film.seconds


def loudness(film: bytes, start: float, end: float) -> int:
    """Return the loudest sample between two times, as players time it."""
    loudest = 0
    with av.open(io.BytesIO(film)) as container:
        for frame in container.decode(audio=0):
            if start <= frame.time < end:
                values = memoryview(bytes(frame.planes[0])[: frame.samples * 4]).cast("f")
                loudest = max(loudest, round(1000 * max(map(abs, values))))
    return loudest


def packets_of(film: bytes) -> list[bytes]:
    with av.open(io.BytesIO(film)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


@pytest.mark.slow
def test_clips_of_one_form_are_copied_and_nothing_is_lost() -> None:
    clips = [make(CLIP._replace(colour=colour)) for colour in (40, 80, 120, 160, 200)]

    film, seconds = join(clips)

    seen, heard = see(film), hear(film)
    assert seconds == 10.0
    assert packets_of(film) == [packet for clip in clips for packet in packets_of(clip)]
    assert (seen.codec, seen.size, seen.frames, seen.seconds) == ("h264", (64, 48), 240, 10.0)
    assert seen.fps == 24
    assert seen.greys == pytest.approx([40, 40, 80, 80, 120, 120, 160, 160, 200, 200], abs=3)
    assert (heard.codec, heard.rate, heard.channels) == ("aac", 24_000, 1)
    assert heard.seconds == pytest.approx(10, abs=0.05)
    assert seen.is_indexed
    assert seen.tracks == ["video", "audio"]


@pytest.mark.slow
def test_copied_sound_stays_with_its_pictures() -> None:
    clips = [make(CLIP._replace(seconds=1.3, hertz=hertz)) for hertz in (0, 500) * 5]
    film, seconds = join(clips)
    assert seconds == pytest.approx(13, abs=0.2)
    length = seconds / 10
    for number in range(10):
        middle = loudness(film, number * length + 0.1, (number + 1) * length - 0.1)
        assert (middle > 100) == (number % 2 == 1), number


@pytest.mark.slow
def test_unlike_clips_are_encoded_anew_in_the_size_of_the_first() -> None:
    tall = make(CLIP._replace(size=(48, 96), fps=30, rate=44_100, layout="stereo", colour=200))
    film, seconds = join([make(CLIP), tall, make(SILENT)])

    seen, heard = see(film), hear(film)
    assert seconds == 6.0
    assert seen.seconds == pytest.approx(6, abs=0.03)
    assert (seen.codec, seen.size, seen.frames) == ("h264", (64, 48), 144)
    assert seen.fps == 24
    assert seen.greys == pytest.approx([100, 100, 200, 200, 100, 100], abs=6)
    assert seen.borders == pytest.approx([100, 100, 16, 16, 100, 100], abs=6)
    assert (heard.codec, heard.rate, heard.channels) == ("aac", 48_000, 2)
    assert heard.seconds == pytest.approx(6, abs=0.05)
    assert loudness(film, 0.1, 3.9) > 100
    assert loudness(film, 4.1, 5.9) < 5


def test_a_size_of_odd_numbers_is_made_even() -> None:
    odd = make(Shape("mp4", "", "mpeg4", size=(65, 49)))
    film, _ = join([odd, make(SILENT)])
    assert see(film).size == (64, 48)


def test_films_without_any_sound_get_none() -> None:
    film, seconds = join([make(SILENT)] * 2)
    assert (seconds, see(film).tracks) == (4.0, ["video"])


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "loud_until"), [(1, 1), (9, 4)], ids=["shorter", "longer"])
def test_a_sound_laid_under_takes_the_place_of_the_clips_own(seconds: int, loud_until: int) -> None:
    clips = [make(CLIP._replace(hertz=2000))] * 2
    film, length = join(clips, sound=io.BytesIO(make(MP3._replace(seconds=seconds, hertz=300))))

    heard = hear(film)
    assert length == 4.0
    assert heard.seconds == pytest.approx(4, abs=0.05)
    assert heard.hertz * heard.seconds / loud_until == pytest.approx(300, abs=20)
    assert loudness(film, 0.1, loud_until - 0.1) > 100
    assert loudness(film, loud_until + 0.2, 4) < 5
    assert packets_of(film) == packets_of(clips[0]) * 2


def test_subtitles_are_a_track_that_players_can_show() -> None:
    texts = [
        Subtitle(2.5, 9.0, "The end"),
        Subtitle(0.5, 1.0, "Grüße – 你好"),
        Subtitle(1.0, 2.0, "second"),
        Subtitle(3.0, 3.0, "never"),
        Subtitle(7.0, 8.0, "after the film"),
    ]
    film, _ = join([make(CLIP)] * 2, subtitles=texts)

    with av.open(io.BytesIO(film)) as container:
        shown = [
            (packet.pts * packet.time_base, packet.duration * packet.time_base, bytes(packet)[2:].decode())
            for packet in container.demux(container.streams.subtitles[0])
            if packet.size > 2
        ]
        assert container.streams.subtitles[0].codec_context.name == "mov_text"
    assert shown == [(0.5, 0.5, "Grüße – 你好"), (1.0, 1.0, "second"), (2.5, 1.5, "The end")]
    with av.open(io.BytesIO(film)) as container:
        assert [str(subtitle.dialogue, "utf-8") for subtitle in container.decode(subtitles=0)] == [
            "Grüße – 你好",
            "second",
            "The end",
        ]


def test_subtitles_at_the_same_time_are_shown_together() -> None:
    texts = [
        Subtitle(0.0, 1.5, "Sea."),
        Subtitle(0.5, 1.0, "Wind."),
        Subtitle(0.5, 1.0, "Rain."),
        Subtitle(1, 3, "Sun."),
    ]
    film, _ = join([make(CLIP)], subtitles=texts)
    with av.open(io.BytesIO(film)) as container:
        shown = [
            (float(packet.pts * packet.time_base), bytes(packet)[2:].decode())
            for packet in container.demux(container.streams.subtitles[0])
            if packet.size > 2
        ]
    assert shown == [(0, "Sea."), (0.5, "Sea.\nWind.\nRain."), (1, "Sea.\nSun."), (1.5, "Sun.")]


@pytest.mark.parametrize(
    "broken",
    [b"no film", make(CLIP)[:3000], make(Shape("mp4", "aac")), make(SILENT._replace(fps=240, seconds=0.1))],
    ids=["no film", "cut short", "no pictures", "too many pictures a second"],
)
def test_a_broken_clip_is_named_by_its_place(broken: bytes) -> None:
    with pytest.raises(BrokenClipError) as caught:
        join([make(SILENT), make(SILENT), broken])
    assert caught.value.index == 2
    assert str(caught.value) == "clip 2 is damaged, or no film"


def test_a_clip_whose_pictures_cannot_be_decoded_is_named_by_its_place() -> None:
    clip = make(CLIP._replace(fps=30))
    start = clip.index(b"mdat") + 4
    broken = clip[:start] + bytes(clip.index(b"moov") - 4 - start) + clip[clip.index(b"moov") - 4 :]
    with pytest.raises(BrokenClipError) as caught:
        join([make(CLIP), broken])
    assert caught.value.index == 1


def test_a_clip_without_its_key_picture_is_named_by_its_place() -> None:
    clip = make(SILENT._replace(fps=30))
    with av.open(io.BytesIO(clip)) as container:
        first = next(container.demux(video=0))
        start, end = first.pos, first.pos + first.size
    with pytest.raises(BrokenClipError) as caught:
        join([make(SILENT), clip[:start] + bytes(end - start) + clip[end:]])
    assert caught.value.index == 1


def test_a_clip_shorter_than_a_picture_is_not_called_damaged() -> None:
    short = make(SILENT._replace(fps=100, seconds=0.01))
    film, _ = join([make(SILENT), short, make(SILENT)])
    assert see(film).frames == 96


def test_pictures_that_are_missing_at_the_end_are_replaced_by_the_last() -> None:
    clip = make(Shape("mp4", "", "mpeg4", seconds=2, colour=150))
    cut = clip.index(b"mdat") + (clip.index(b"moov") - clip.index(b"mdat")) // 2
    film, _ = join([make(SILENT), clip[:cut] + bytes(clip.index(b"moov") - 4 - cut) + clip[clip.index(b"moov") - 4 :]])
    seen = see(film)
    assert seen.frames == 96
    assert seen.greys[-1] > 130


def test_the_end_of_the_work_is_told_whatever_ffmpeg_makes_of_it() -> None:
    guard = Guard(lambda: None, -1)
    with pytest.raises(TimeIsUpError), guard.told(), suppress(TimeIsUpError):
        guard.check()


def test_a_sound_that_is_no_recording_is_refused() -> None:
    with pytest.raises(BrokenSoundError):
        join([make(SILENT)], sound=io.BytesIO(b"no sound" * 1000))


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(data=st.data())
@pytest.mark.untraced
def test_a_damaged_clip_is_joined_or_named_and_no_crash(data: st.DataObject) -> None:
    good = make(CLIP)
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 20))):
        damaged[data.draw(st.integers(8, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        film, seconds = join([good, bytes(damaged), make(SILENT)])
    except (BrokenClipError, TooLargeError, TimeIsUpError):
        return
    assert (len(film) > 1000, seconds > 2) == (True, True)


def test_a_film_has_a_largest_size() -> None:
    with pytest.raises(TooLargeError):
        join([make(CLIP)] * 2, max_bytes=10_000)


def test_joining_ends_when_its_caller_wants_it() -> None:
    class Cancelled(BaseException):
        pass

    calls = 0

    def checkpoint() -> None:
        nonlocal calls
        calls += 1
        if calls > 100:
            raise Cancelled

    with pytest.raises(Cancelled):
        join([make(CLIP)] * 2, checkpoint=checkpoint)
    with pytest.raises(Cancelled):
        join_sound_anew([io.BytesIO(make(MP3))], io.BytesIO(), checkpoint=checkpoint)


# Sound


def test_mp3_files_of_different_formats_are_joined_to_one() -> None:
    shapes = [
        MP3._replace(rate=24_000, layout="mono", hertz=400),
        MP3._replace(rate=44_100, layout="stereo", hertz=400),
        MP3._replace(rate=16_000, layout="mono", hertz=400, seconds=2),
    ]
    output = io.BytesIO()

    seconds = sum(join_sound_anew([io.BytesIO(make(shape)) for shape in shapes], output))

    heard = hear(output.getvalue())
    assert seconds == pytest.approx(4, abs=0.15)
    assert (heard.codec, heard.rate, heard.channels) == ("mp3", 44_100, 2)
    assert heard.seconds == pytest.approx(seconds, abs=0.06)
    assert heard.hertz == pytest.approx(400, abs=20)


def test_each_piece_plays_as_long_as_it_is_said_to(tmp_path: Path) -> None:
    for name, rate in (("a", 24_000), ("b", 44_100)):
        (tmp_path / name).write_bytes(make(MP3._replace(rate=rate, layout="mono")))
    pieces = [piece for _ in range(6) for piece in (tmp_path / "a", Silence(0.1), tmp_path / "b", Silence(0))]
    output = io.BytesIO()
    lengths = join_sound_anew(pieces, output)
    assert lengths == pytest.approx([1, 0.1, 1, 0] * 6, abs=0.001)
    assert hear(output.getvalue()).seconds == pytest.approx(sum(lengths), abs=0.06)


def test_sound_of_whole_packets_has_no_rest() -> None:
    part = make(MP3)
    (seconds,) = join_sound_anew([io.BytesIO(part)], io.BytesIO())
    filling = Silence((1152 - round(seconds * 44_100) % 1152) / 44_100)
    output = io.BytesIO()
    lengths = join_sound_anew([io.BytesIO(part), filling], output)
    assert hear(output.getvalue()).seconds == pytest.approx(sum(lengths), abs=0.03)


@pytest.mark.parametrize(
    "broken",
    [b"", b"no sound" * 100, (FRAME[:4] + b"\xff" * (len(FRAME) - 4)) * 9],
    ids=["empty", "no MP3", "frames without sound"],
)
def test_a_part_that_is_no_mp3_is_named_by_its_place(tmp_path: Path, broken: bytes) -> None:
    (tmp_path / "part").write_bytes(broken)  # unlike memory, the disk refuses some positions of an empty file
    with pytest.raises(BrokenPartError) as caught:
        join_sound_anew([io.BytesIO(make(MP3)), tmp_path / "part"], io.BytesIO())
    assert caught.value.index == 1
