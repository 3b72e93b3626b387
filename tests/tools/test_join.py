"""Joining: MP3 files, or films, become one file; what cannot be joined is refused before any work."""

import errno
import io
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from tests.files.samples import MP3_BYTES, PNG_BYTES, everything_in, mp4_bytes, wav_bytes
from tests.studio.mp3_frames import frame, header_frame
from tests.studio.recordings import Shape, hear, make
from tests.studio.test_films import loudness, packets_of, see
from tests.support import MakeSettings, ScriptedTransport, connected, count_descriptors, failed, fields
from webvoice_mcp.errors import DiskError, InvalidArgument, UnsupportedMedia
from webvoice_mcp.studio.extra import how_to_add
from webvoice_mcp.studio.joining import Limits, join_clips, join_sounds

av: Any = import_module("av")

JOIN = "webvoice_join"
HOW_MANY = "Give 2 to 100 MP3 files, or 1 to 100 MP4 films."
MP3 = Shape("mp3", "libmp3lame")
CLIP = Shape("mp4", "aac", "libx264", rate=24_000, layout="mono")
UNREADABLE = "is damaged or has no sound that can be read. Leave it out, or give another MP3 file."
SRT = "1\n00:00:00,500 --> 00:00:01,000\n<i>Hello</i>\nyou\n\n2\n00:00:09,000 --> 00:00:10,000\nlate\n"
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other links and descriptors")

made = cache(make)


class Caller:
    """Calls the tool on one server."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def join(self, *files: str, **arguments: Any) -> dict[str, Any]:
        return fields(await self.client.call_tool(JOIN, {"files": list(files), **arguments}))

    async def refused(self, *files: str, **arguments: Any) -> str:
        return failed(await self.client.call_tool(JOIN, {"files": list(files), **arguments}))


@asynccontextmanager
async def calling(make_settings: MakeSettings, mode: str = "auto", **variables: Any) -> AsyncIterator[Caller]:
    service = ScriptedTransport()
    async with connected(make_settings(**variables), service, mode) as client:
        yield Caller(client)
    assert service.requests == []


@pytest.fixture
def put(out: Path) -> Callable[..., None]:
    """Return a function that writes files into the output folder."""

    def put_files(**contents: bytes | str) -> None:
        out.mkdir(exist_ok=True)
        for name, content in contents.items():
            data = content.encode() if isinstance(content, str) else content
            (out / name.replace("_", ".")).write_bytes(data)

    return put_files


def write_then(monkeypatch: pytest.MonkeyPatch, action: Callable[[], None]) -> None:
    """Run an action before each write of more than the byte by which a folder is tried."""
    write = os.write

    def acting(descriptor: int, data: Any) -> int:
        if len(data) > 1:
            action()
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", acting)


def no_room() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def without_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)  # Python's own way to make an import fail


# Sound


async def test_mp3_of_one_format_join_without_the_extra(
    make_settings: MakeSettings, put: Callable[..., None], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(one_mp3=made(MP3._replace(hertz=300)), two_mp3=made(MP3._replace(hertz=900, seconds=2)))
    with monkeypatch.context() as patch:
        without_extra(patch)
        async with calling(make_settings) as caller:
            result = await caller.join("one.mp3", "two.mp3", output_path="both")
    (file,) = result["files"]
    content = (out / "both.mp3").read_bytes()
    assert file["path"] == str(out / "both.mp3")
    assert (file["mime_type"], file["size_bytes"]) == ("audio/mpeg", len(content))
    assert set(result) == {"files", "duration"}
    assert result["duration"] == pytest.approx(3.1, abs=0.1)
    heard = hear(content)
    assert heard.seconds == pytest.approx(result["duration"], abs=0.06)
    assert heard.hertz == pytest.approx(700, abs=40)


async def test_a_name_is_made_of_the_first_file_unless_given(
    make_settings: MakeSettings, put: Callable[..., None]
) -> None:
    put(intro_mp3=MP3_BYTES)
    async with calling(make_settings) as caller:
        (file,) = (await caller.join("intro.mp3", "intro.mp3"))["files"]
    name = Path(file["path"]).name
    assert (name[:5], name[-10:]) == ("join-", "-intro.mp3")


async def test_unlike_mp3_are_encoded_anew_or_the_extra_is_named(
    make_settings: MakeSettings, put: Callable[..., None], monkeypatch: pytest.MonkeyPatch, out: Path
) -> None:
    put(one_mp3=made(MP3), two_mp3=made(MP3._replace(rate=24_000, layout="mono")))
    async with calling(make_settings) as caller:
        result = await caller.join("one.mp3", "two.mp3", output_path="both.mp3")
        with monkeypatch.context() as patch:
            without_extra(patch)
            refusal = await caller.refused("one.mp3", "two.mp3", output_path="none.mp3")
    assert result["note"] == "The files differ in format, so their sound was encoded anew."
    heard = hear((out / "both.mp3").read_bytes())
    assert (heard.codec, heard.rate, heard.channels) == ("mp3", 44_100, 2)
    assert heard.seconds == pytest.approx(result["duration"], abs=0.06)
    assert refusal == (
        "unsupported_media: files[1]: two.mp3 has 24000 Hz, mono (MPEG-2 layer III), but the sound before it 44100 Hz,"
        " stereo (MPEG-1 layer III). Unlike MP3 files are joined with the extra `media`; to add it, "
        f"{how_to_add()}."
    )
    assert everything_in(out) == ["both.mp3", "one.mp3", "two.mp3"]


@posix
async def test_a_hundred_files_are_joined_and_closed(
    make_settings: MakeSettings, put: Callable[..., None], out: Path
) -> None:
    put(a_mp3=MP3_BYTES)
    async with calling(make_settings) as caller:
        await caller.join("a.mp3", "a.mp3")
        before = count_descriptors()
        result = await caller.join(*["a.mp3"] * 100, output_path="all.mp3")
        assert result["duration"] == pytest.approx(300 * 1152 / 44_100, abs=0.001)
        assert count_descriptors() == before
        for refused in (101, 0):
            assert await caller.refused(*["a.mp3"] * refused) == (
                f"invalid_argument: files has {refused} paths. {HOW_MANY}"
            )


async def test_long_sound_is_written_in_blocks(
    make_settings: MakeSettings, put: Callable[..., None], out: Path
) -> None:
    content = MP3_BYTES * 300
    put(a_mp3=content)
    async with calling(make_settings) as caller:
        await caller.join("a.mp3", "a.mp3", output_path="both.mp3")
    assert (out / "both.mp3").read_bytes().endswith(content * 2)


# Films


async def test_alike_clips_are_copied_to_one_film(
    make_settings: MakeSettings, put: Callable[..., None], out: Path
) -> None:
    clips = [made(CLIP._replace(colour=colour)) for colour in (40, 200)]
    put(a_mp4=clips[0], b_mp4=clips[1])
    async with calling(make_settings) as caller:
        result = await caller.join("a.mp4", "b.mp4", output_path="film")
    film = (out / "film.mp4").read_bytes()
    assert (result["duration"], result["files"][0]["mime_type"]) == (2.0, "video/mp4")
    assert "note" not in result
    assert packets_of(film) == packets_of(clips[0]) + packets_of(clips[1])
    assert see(film).is_indexed


async def test_sound_and_subtitles_are_added_to_a_film(
    make_settings: MakeSettings, put: Callable[..., None], out: Path
) -> None:
    vtt = "WEBVTT\n\n00:00.500 --> 00:01.000\n<v Ann>Tom &amp;\nJerry\n"
    put(a_mp4=made(CLIP._replace(hertz=0)), music_mp3=made(MP3), a_srt=SRT, a_vtt=vtt)
    async with calling(make_settings) as caller:
        srt = await caller.join("a.mp4", sound="music.mp3", subtitles="a.srt", output_path="srt.mp4")
        result = await caller.join("a.mp4", subtitles="a.vtt", output_path="vtt.mp4")
    assert srt["note"] == "Subtitles that begin after the end of the film are left out: 1 of 2."
    assert "note" not in result
    for name, shown in (("srt.mp4", "Hello\nyou"), ("vtt.mp4", "Tom &\nJerry")):
        film = (out / name).read_bytes()
        assert see(film).tracks == ["video", "audio", "subtitle"]
        with av.open(io.BytesIO(film)) as container:
            packets = [packet for packet in container.demux(container.streams.subtitles[0]) if packet.size > 2]
            assert [(float(p.pts * p.time_base), bytes(p)[2:].decode()) for p in packets] == [(0.5, shown)]
    assert loudness((out / "srt.mp4").read_bytes(), 0.1, 0.9) > 100
    assert loudness((out / "vtt.mp4").read_bytes(), 0.1, 0.9) < 5


async def test_the_result_tells_of_a_sound_longer_than_its_film(
    make_settings: MakeSettings, put: Callable[..., None]
) -> None:
    put(a_mp4=made(CLIP), music_mp3=made(MP3._replace(seconds=3.0)))
    async with calling(make_settings) as caller:
        result = await caller.join("a.mp4", sound="music.mp3", output_path="film.mp4")
    assert result["duration"] == 1.0
    assert result["note"] == "The sound is 3.0 s long, the film 1.0 s: the end of the sound is left out."


async def test_unlike_clips_are_encoded_anew_and_the_result_says_so(
    make_settings: MakeSettings, put: Callable[..., None], out: Path
) -> None:
    put(a_mp4=made(CLIP), b_mp4=made(CLIP._replace(size=(48, 64), rate=44_100)))
    async with calling(make_settings) as caller:
        result = await caller.join("a.mp4", "b.mp4", output_path="film.mp4")
    assert result["note"] == (
        "The clips' pictures differ in form, so they were encoded anew in the size of the first. The clips' sound"
        " differs in form, so it was encoded anew."
    )
    assert see((out / "film.mp4").read_bytes()).size == (64, 48)


async def test_films_without_the_extra_are_refused_with_the_command_that_adds_it(
    make_settings: MakeSettings, put: Callable[..., None], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(a_mp4=made(CLIP), b_mp4=made(CLIP._replace(size=(48, 64))))
    without_extra(monkeypatch)
    async with calling(make_settings) as caller:
        text = await caller.refused("a.mp4", "b.mp4", output_path="new/film.mp4")
    assert text == f"unsupported_media: Films are joined with the extra `media`; to add it, {how_to_add()}."
    assert everything_in(out) == ["a.mp4", "b.mp4"]


# What the files are afterwards


@pytest.mark.parametrize("kind", ["mp3", "mp4"])
async def test_what_was_joined_is_a_resource_and_listed(
    make_settings: MakeSettings, put: Callable[..., None], out: Path, kind: str
) -> None:
    put(a_mp3=MP3_BYTES, a_mp4=made(CLIP))
    async with calling(make_settings) as caller:
        (file,) = (await caller.join(f"a.{kind}", f"a.{kind}", output_path="both"))["files"]
        newest = (await caller.client.list_resources()).resources[-1]
        assert (newest.uri, newest.size) == (file["uri"], file["size_bytes"])
        assert (await caller.client.read_resource(file["uri"])).contents[0].mime_type == file["mime_type"]
        assert fields(await caller.client.call_tool("webvoice_jobs", {}))["jobs"] == []
        assert fields(await caller.client.call_tool("webvoice_usage", {}))["total_credits"] == 0


async def test_an_existing_file_is_replaced_only_where_the_settings_say_so(
    make_settings: MakeSettings, put: Callable[..., None], out: Path
) -> None:
    put(a_mp3=MP3_BYTES)
    async with calling(make_settings) as caller:
        assert (await caller.refused("a.mp3", "a.mp3", output_path="a.mp3")).startswith("file_exists: ")
    assert (out / "a.mp3").read_bytes() == MP3_BYTES
    async with calling(make_settings, OVERWRITE=1) as caller:
        (file,) = (await caller.join("a.mp3", "a.mp3", output_path="a.mp3"))["files"]
    name = "a.mp3" if os.name != "nt" else Path(file["path"]).name  # Windows does not replace a file that is open
    assert file["path"] == str(out / name)
    assert (out / name).read_bytes().endswith(MP3_BYTES * 2)


# What is refused


async def test_what_cannot_be_joined_is_refused_in_one_sentence_and_nothing_stays(
    make_settings: MakeSettings, put: Callable[..., None], out: Path
) -> None:
    put(
        a_mp3=MP3_BYTES,
        a_mp4=made(CLIP),
        picture_mp4=PNG_BYTES,
        a_wav=wav_bytes(),
        empty_mp4=mp4_bytes(b"isom", b"vide"),
        a_txt="1\n",
        no_srt="Hello\n",
        none_vtt="WEBVTT\n",
        a_srt=SRT,
        latin_srt=SRT.encode() + b"\xe9",
        back_srt=SRT.replace("01,000", "00,400"),
        early_srt=SRT.replace("00:00:00,500", "-0:00:00,500"),
    )
    before = everything_in(out)
    two = ("a.mp3", "a.mp3")
    is_png = "picture.mp4 is PNG, judged by its content. Accepted are MP3, MP4."
    damaged = "is damaged or has no pictures that can be read. Leave it out, or give another film."
    cases: list[tuple[tuple[str, ...], dict[str, str], str]] = [
        (("a.mp3",), {}, f"invalid_argument: files has one MP3 only. {HOW_MANY}"),
        (("a.mp4", "gone.mp4"), {}, f"file_not_found: files[1]: there is no file {out / 'gone.mp4'}. "),
        (("a.mp4", "picture.mp4"), {}, f"unsupported_media: files[1]: {is_png}"),
        (("a.mp4", "empty.mp4"), {}, f"unsupported_media: files[1]: empty.mp4 {damaged}"),
        (("a.mp4", " "), {}, "invalid_argument: files[1] is empty. Give the path of a file."),
        (("a.mp3", "a.mp4"), {}, "invalid_argument: files[1]: a.mp4 is MP4, but files[0] is MP3, judged by their "),
        (two, {"sound": "a.mp3"}, "invalid_argument: sound belongs to a film, but files are MP3. Leave sound out, "),
        (two, {"subtitles": "a.srt"}, "invalid_argument: subtitles belongs to a film, but files are MP3. "),
        (two, {"output_path": "b.wav"}, f"invalid_argument: output_path: {out / 'b.wav'} ends in .wav, but the file "),
        (("a.mp4",), {"output_path": "b.mp3"}, f"invalid_argument: output_path: {out / 'b.mp3'} ends in .mp3, but"),
        (("a.mp4",), {"sound": "a.mp4"}, "unsupported_media: sound: a.mp4 is MP4, judged by its content. Give an MP3"),
        (("a.mp4",), {"sound": "a.wav"}, "unsupported_media: sound: a.wav is WAV, judged by its content. Accepted are"),
        (("a.mp4",), {"subtitles": "a.txt"}, "unsupported_media: subtitles: a.txt is no subtitle file by its name. "),
        (("a.mp4",), {"subtitles": "gone.srt"}, "file_not_found: subtitles: there is no file "),
        (
            ("a.mp4",),
            {"subtitles": "no.srt"},
            "unsupported_media: subtitles: no.srt cannot be read. Line 1 is not the beginning of an SRT file: ",
        ),
        (("a.mp4",), {"subtitles": "none.vtt"}, "unsupported_media: subtitles: none.vtt cannot be read. No cue of it"),
        (("a.mp4",), {"subtitles": "latin.srt"}, "unsupported_media: latin.srt is not UTF-8: "),
        (
            ("a.mp4",),
            {"subtitles": "back.srt"},
            "unsupported_media: subtitles: back.srt cannot be read. The cue in line 2 ends before it begins.",
        ),
        (
            ("a.mp4",),
            {"subtitles": "early.srt"},
            "unsupported_media: subtitles: early.srt cannot be read. The cue in line 2 begins before 00:00:00.",
        ),
    ]
    async with calling(make_settings) as caller:
        for files, arguments, beginning in cases:
            text = await caller.refused(*files, **arguments)
            assert text.startswith(beginning), (files, arguments, text)
    assert everything_in(out) == before


async def test_files_that_are_damaged_inside_are_named(
    make_settings: MakeSettings, put: Callable[..., None], out: Path
) -> None:
    foreign = made(CLIP).replace(b"avc1", b"vp08")  # VP8, which no MP4 holds
    put(a_mp3=frame() * 3, junk_mp3=header_frame() * 3, foreign_mp4=foreign)
    before = everything_in(out)
    async with calling(make_settings) as caller:
        assert await caller.refused("a.mp3", "junk.mp3") == f"unsupported_media: files[1]: junk.mp3 {UNREADABLE}"
        text = await caller.refused("foreign.mp4")
        assert text.startswith("unsupported_media: The files cannot be joined: ")
        assert text.endswith(". Save them anew in another program, and try again.")
    assert everything_in(out) == before


async def test_a_result_over_the_largest_size_is_refused(
    make_settings: MakeSettings, put: Callable[..., None], out: Path
) -> None:
    put(a_mp3=MP3_BYTES * 200, a_mp4=made(CLIP))
    before = everything_in(out)
    async with calling(make_settings, MAX_FILE_MB=0.015625) as caller:
        for name in ("a.mp3", "a.mp4"):
            assert await caller.refused(name, name, output_path="both") == (
                "invalid_argument: The joined file would be larger than the 0.015625 MB that WEBVOICE_MAX_FILE_MB"
                " allows. Join fewer files, or ask the user to raise the setting."
            )
    assert everything_in(out) == before


async def test_work_that_takes_too_long_is_stopped(
    make_settings: MakeSettings, put: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(a_mp4=made(CLIP))
    monkeypatch.setattr("webvoice_mcp.studio.films._MAX_SECONDS", -1)
    async with calling(make_settings) as caller:
        assert await caller.refused("a.mp4", "a.mp4") == (
            "invalid_argument: Joining takes longer than half an hour, so it was stopped. Join fewer files."
        )


# What happens meanwhile


@pytest.mark.parametrize("kind", ["mp3", "mp4"])
async def test_a_full_disk_is_told_and_nothing_half_done_stays(
    make_settings: MakeSettings, put: Callable[..., None], out: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    put(a_mp3=MP3_BYTES, a_mp4=made(CLIP))
    before = everything_in(out)
    async with calling(make_settings) as caller:
        write_then(monkeypatch, no_room)
        text = await caller.refused(f"a.{kind}", f"a.{kind}", output_path=f"new/both.{kind}")
    path = out / f"new/both.{kind}"
    reason = "No space left on device. Make room, or choose a folder on another disk."
    assert text == f"disk_error: Cannot write {path}: {reason}"
    assert everything_in(out) == before


async def test_a_file_that_changes_meanwhile_is_not_joined(
    make_settings: MakeSettings, put: Callable[..., None], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(a_mp3=MP3_BYTES, b_mp3=MP3_BYTES)

    def grow() -> None:
        with (out / "b.mp3").open("ab") as file:
            file.write(MP3_BYTES)

    async with calling(make_settings) as caller:
        write_then(monkeypatch, grow)
        text = await caller.refused("a.mp3", "b.mp3", output_path="both.mp3")
    assert text == ("disk_error: files[1]: b.mp3 changed while it was being read. Try again when it is complete.")
    assert everything_in(out) == ["a.mp3", "b.mp3"]


@posix
@pytest.mark.parametrize("by", ["file", "link"])
async def test_a_file_that_is_replaced_while_it_is_opened_is_refused(
    make_settings: MakeSettings, put: Callable[..., None], out: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    put(a_mp3=MP3_BYTES, b_mp3=MP3_BYTES)
    opened = os.open

    def swap(path: Any, *arguments: Any, **options: Any) -> int:
        if path == out / "b.mp3":
            path.rename(out / "old.mp3")
            path.write_bytes(MP3_BYTES) if by == "file" else path.symlink_to(out / "a.mp3")
        return opened(path, *arguments, **options)

    async with calling(make_settings) as caller:
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", swap)
            text = await caller.refused("a.mp3", "b.mp3")
    assert text == "path_not_allowed: files[1]: b.mp3 was replaced while it was being opened. Try again."


async def test_a_file_that_may_not_be_read_is_refused(
    make_settings: MakeSettings, put: Callable[..., None], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(a_mp3=MP3_BYTES)
    opened = os.open

    def deny(path: Any, *arguments: Any, **options: Any) -> int:
        if path == out / "a.mp3":
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, *arguments, **options)

    async with calling(make_settings) as caller:
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", deny)
            text = await caller.refused("a.mp3", "a.mp3")
    assert text.startswith(f"disk_error: Cannot read {out / 'a.mp3'}: Permission denied. ")


@pytest.mark.parametrize("kind", ["mp3", "mp4"])
async def test_a_caller_that_goes_away_ends_the_work(
    make_settings: MakeSettings, put: Callable[..., None], out: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    put(a_mp3=MP3_BYTES * 2000, a_mp4=made(CLIP))
    before = everything_in(out)
    is_reading = anyio.Event()

    def wait() -> None:
        anyio.from_thread.run_sync(is_reading.set)
        while True:
            anyio.from_thread.check_cancelled()

    async with calling(make_settings) as caller:
        with monkeypatch.context() as patch:
            write_then(patch, wait)
            with anyio.fail_after(20):
                async with anyio.create_task_group() as calls:
                    calls.start_soon(caller.join, f"a.{kind}", f"a.{kind}")
                    await is_reading.wait()
                    calls.cancel_scope.cancel()
        with anyio.fail_after(20):
            while everything_in(out) != before:  # noqa: ASYNC110 - a folder has no event
                await anyio.sleep(0.01)


async def test_progress_tells_how_much_was_written(
    make_settings: MakeSettings, put: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(a_mp3=MP3_BYTES * 900)
    told: list[tuple[float, float | None, str | None]] = []
    is_told = anyio.Event()

    async def wait() -> None:
        with anyio.fail_after(20):
            await is_told.wait()

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))
        is_told.set()

    async with calling(make_settings, "legacy") as caller:
        write_then(monkeypatch, lambda: anyio.from_thread.run(wait))
        await caller.client.call_tool(JOIN, {"files": ["a.mp3"] * 2}, progress_callback=tell)
    assert told[0][1:] == (None, "webvoice_join: 0.0 MiB written")


# Files that fail while they are read


class Failing(io.BytesIO):
    def read(self, _: int | None = -1) -> bytes:
        raise OSError(errno.EIO, "Input/output error")


class Opened:
    def __init__(self, name: str, file: io.BytesIO) -> None:
        self.name, self.file = name, file


def test_a_disk_that_cannot_be_read_is_told() -> None:
    sources = [Opened("files[0]: a", Failing())]
    limits = Limits(1 << 20)
    expected = "The files cannot be read: Input/output error. Check the disk, and try again."
    with pytest.raises(DiskError, match=expected):
        join_sounds(sources, io.BytesIO(), limits)
    with pytest.raises(DiskError, match=expected):
        join_clips(sources, io.BytesIO(), limits, sound=None, subtitles=[])


def test_a_sound_that_cannot_be_decoded_is_named() -> None:
    clip, sound = Opened("files[0]: a", io.BytesIO(made(CLIP))), Opened("sound: b", io.BytesIO(b"no sound" * 1000))
    with pytest.raises(UnsupportedMedia, match=f"^sound: b {UNREADABLE}$"):
        join_clips([clip], io.BytesIO(), Limits(1 << 20), sound=sound, subtitles=[])


def test_unlike_sounds_that_would_be_too_large_are_refused() -> None:
    sounds = [
        Opened("files[0]", io.BytesIO(made(MP3))),
        Opened("files[1]", io.BytesIO(made(MP3._replace(rate=24_000)))),
    ]
    with pytest.raises(InvalidArgument, match=r"larger than the 0\.00390625 MB"):
        join_sounds(sounds, io.BytesIO(), Limits(4096))
