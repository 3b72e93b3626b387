"""Recordings, films and pictures in formats that the service does not take."""

import errno
import io
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult

from tests.files.samples import put
from tests.jobs.world import BY_TOOL
from tests.studio.recordings import Shape, av, hear, make
from tests.support import MakeSettings, ScriptedTransport, answer, connected, failed, fields, form
from webvoice_mcp.errors import DiskError, InvalidArgument, UnsupportedMedia, WebVoiceError
from webvoice_mcp.files import Files
from webvoice_mcp.server import create_server
from webvoice_mcp.studio import convert as conversion
from webvoice_mcp.studio.convert import convert
from webvoice_mcp.studio.sound import extract_sound

pillow: Any = import_module("PIL.Image")
heif: Any = import_module("pillow_heif")

STT, EDIT = BY_TOOL["webvoice_stt"], BY_TOOL["webvoice_image_to_image"]
VOICE_NOTE = Shape("ogg", "libopus", rate=48_000, layout="mono")
FILM = Shape("mp4", "aac", "libx264", tags=(("location", "+48.1+11.5/"), ("title", "Secret")))
CLIP = Shape("mov", "aac", "libx264", layout="mono", tags=(("com.apple.quicktime.location.ISO6709", "+48.1+11.5/"),))

RECORDINGS = {
    "film.mp4": (FILM, "audio/mp4", "aac"),
    "film.mov": (CLIP, "audio/mp4", "aac"),
    "lossless.mov": (Shape("mov", "alac", "libx264"), "audio/mp4", "alac"),
    "camera.mov": (Shape("mov", "pcm_s16le", "libx264", rate=48_000), "audio/flac", "flac"),
    "opus.webm": (Shape("webm", "libopus", rate=48_000, layout="mono"), "audio/flac", "flac"),
    "film.webm": (Shape("webm", "libopus", "libvpx", rate=48_000), "audio/flac", "flac"),
    "mp3.mkv": (Shape("matroska", "libmp3lame", "libx264"), "audio/mpeg", "mp3"),
    "aac.mkv": (Shape("matroska", "aac"), "audio/mp4", "aac"),
    "flac.mkv": (Shape("matroska", "flac"), "audio/flac", "flac"),
    "surround.mkv": (Shape("matroska", "ac3", rate=48_000), "audio/flac", "flac"),
    "note.ogg": (VOICE_NOTE, "audio/flac", "flac"),
    "vorbis.ogg": (Shape("ogg", "vorbis"), "audio/flac", "flac"),
    "flac.ogg": (Shape("ogg", "flac"), "audio/flac", "flac"),
    "radio.aac": (Shape("adts", "aac"), "audio/mp4", "aac"),
    "memo.aiff": (Shape("aiff", "pcm_s16be"), "audio/flac", "flac"),
    "fine.aiff": (Shape("aiff", "pcm_s24be", rate=48_000), "audio/flac", "flac"),
    "memo.caf": (Shape("caf", "pcm_s16be", layout="mono"), "audio/flac", "flac"),
    "lossless.caf": (Shape("caf", "alac"), "audio/mp4", "alac"),
}
SUFFIX = {"audio/mp4": ".m4a", "audio/mpeg": ".mp3", "audio/flac": ".flac"}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The output folder."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


async def converted(
    files: Files, content: bytes, name: str = "a", family: Literal["audio", "image"] = "audio"
) -> tuple[bytes, str, str, float | None]:
    """Return what is sent of a file, its name and type, and the seconds that it plays."""
    put(Path(files._settings.output_dir) / name, content)
    async with files.open_input(name, family=family, argument="file", convert=convert) as file:
        sent = b"".join([chunk async for chunk in file.chunks()])
        assert len(sent) == file.size
        return sent, file.name, file.mime_type, await file.seconds()


class Limited(NamedTuple):
    """Settings with a limit in bytes."""

    output_dir: Path
    max_upload_bytes: int = 1 << 24
    allowed_dirs: tuple[Path, ...] = ()
    state_dirs: tuple[Path, ...] = ()
    overwrite: bool = False
    max_file_bytes: int = 1 << 24


async def refused(
    error: type[WebVoiceError], files: Files, content: bytes, family: Literal["audio", "image"] = "audio"
) -> str:
    with pytest.raises(error) as caught:
        await converted(files, content, family=family)
    return str(caught.value)


@pytest.fixture
def files(make_settings: MakeSettings) -> Files:
    return Files(make_settings())


@pytest.mark.parametrize("name", RECORDINGS)
async def test_the_sound_of_every_format_is_sent_in_one_that_is_accepted(files: Files, name: str) -> None:
    shape, mime_type, codec = RECORDINGS[name]
    original = make(shape)

    sent, sent_as, kind, seconds = await converted(files, original, name)

    heard = hear(sent)
    assert (sent_as, kind) == (Path(name).stem + SUFFIX[mime_type], mime_type)
    assert (heard.codec, heard.rate) == (codec, shape.rate)
    assert heard.channels == (1 if shape.layout == "mono" else 2)
    assert heard.hertz == pytest.approx(440, abs=25)  # the encoder's silence counts
    assert heard.seconds == pytest.approx(1, abs=0.08)
    assert seconds == pytest.approx(heard.seconds, abs=0.08)
    assert b"48.1" not in sent
    assert b"Secret" not in sent


@pytest.mark.slow
async def test_a_film_is_priced_asked_about_and_sent_as_its_sound(make_settings: MakeSettings, out: Path) -> None:
    film = make(FILM._replace(seconds=70.0, fps=1, rate=8000))
    put(out / "My clip.mp4", film)
    questions: list[str] = []

    async def agree(context: Any, params: ElicitRequestParams) -> ElicitResult:
        questions.append(params.message)
        (out / "My clip.mp4").write_bytes(b"changed meanwhile")  # what was agreed to is a copy
        return ElicitResult(action="accept", content={"go_on": True})

    service = ScriptedTransport(answer(STT.answer))
    server = create_server(make_settings(CONFIRM_ABOVE=0.1), transport=service)
    async with Client(server, mode="legacy", elicitation_callback=agree) as client:
        fields(await client.call_tool("webvoice_stt", {"audio_path": "My clip.mp4"}))

    (question,) = questions
    assert "about 0.6 credits" in question
    part = form(service.requests[0], service.bodies[0])[-1]
    assert "My-clip.m4a" in str(part[:-1])
    assert hear(part[-1]).seconds == pytest.approx(70, abs=0.1)
    assert len(part[-1]) < len(film)


async def test_an_estimate_counts_the_sound_of_a_voice_note(make_settings: MakeSettings, out: Path) -> None:
    put(out / "note.ogg", make(VOICE_NOTE))
    async with connected(make_settings(), ScriptedTransport()) as client:
        asked = {"tool": "webvoice_stt", "arguments": {"audio_path": "note.ogg"}}
        assert fields(await client.call_tool("webvoice_estimate_credits", asked))["credits"] == 0.3


async def test_only_the_sound_of_a_film_counts_for_the_limit(out: Path) -> None:
    film = make(FILM) + b"\x00\x10\x00\x08free" + bytes(1 << 20)

    sent, *_ = await converted(Files(Limited(out, 1 << 19)), film)

    assert hear(sent).codec == "aac"
    assert len(sent) < 1 << 19 < len(film)


async def test_sound_that_would_be_too_large_becomes_smaller(out: Path) -> None:
    tone = make(Shape("aiff", "pcm_s16be", rate=48_000, seconds=4))
    full, *_ = await converted(Files(Limited(out)), tone)
    small, *_ = await converted(Files(Limited(out, len(full) - 1)), tone)

    assert hear(full)[1:3] == (48_000, 2)
    assert hear(small)[1:3] == (16_000, 1)
    assert hear(small).seconds == pytest.approx(4, abs=0.01)
    assert await refused(InvalidArgument, Files(Limited(out, 1 << 13)), tone) == (
        "file: a is AIFF, and what would be sent of it has more than the 0.0078125 MB that WEBVOICE_MAX_UPLOAD_MB"
        " allows. Give a shorter part of it, or raise the setting."
    )


async def test_sound_whose_copy_would_be_too_large_is_encoded_anew(out: Path) -> None:
    lossless = make(Shape("matroska", "alac", rate=48_000, seconds=4))
    copy, *_ = await converted(Files(Limited(out)), lossless)
    smaller, _, mime_type, _ = await converted(Files(Limited(out, len(copy) - 1)), lossless)
    assert (mime_type, hear(smaller).codec) == ("audio/flac", "flac")


async def test_a_film_without_sound_is_refused(files: Files) -> None:
    silent = make(Shape("mp4", "", "libx264"))
    assert await refused(UnsupportedMedia, files, silent) == (
        "file: a is MP4 without sound that can be read. Give a file in which something is heard."
    )


@pytest.mark.parametrize("codec", ["alac", "pcm_s16le"])
async def test_a_track_without_any_sound_is_refused(files: Files, codec: str) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mov", options={"movflags": "empty_moov"}) as container:
        film = container.add_stream("libx264", rate=24)
        film.width = film.height = 64
        film.pix_fmt = "yuv420p"
        container.add_stream(codec, rate=48_000, layout="mono")
        container.start_encoding()
    assert "without sound that can be read" in await refused(UnsupportedMedia, files, file.getvalue())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["film.mp4", "note.ogg", "memo.caf", "radio.aac", "mp3.mkv"])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
@pytest.mark.untraced
def test_a_damaged_recording_is_converted_or_refused_and_no_crash(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    good = bytearray(make(RECORDINGS[name][0]))
    for _ in range(data.draw(st.integers(1, 30))):
        good[data.draw(st.integers(16, len(good) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.sampled_from([len(good), len(good) // 2, 100]))
    folder = tmp_path_factory.mktemp("damaged")

    async def check() -> None:
        try:
            _, sent_as, _, _ = await converted(Files(Limited(folder)), bytes(good[:end]))
        except (UnsupportedMedia, InvalidArgument):
            return
        assert Path(sent_as).suffix in {".m4a", ".flac", ".mp3"}

    anyio.run(check)


async def test_a_file_that_is_cut_short_before_its_index_is_refused(files: Files) -> None:
    assert await refused(UnsupportedMedia, files, make(VOICE_NOTE)[:60]) == (
        "file: a is Ogg, but damaged or in a form that cannot be read. Save it anew, or give MP3, WAV, M4A or FLAC."
    )


async def test_a_film_that_states_millions_of_frames_takes_no_memory(files: Files) -> None:
    film, many = bytearray(make(FILM)), (50_000_000).to_bytes(4, "big")
    for table, place in ((b"stts", 8), (b"stsc", 12), (b"stsz", 8)):
        for found in re.finditer(table, bytes(film)):
            start = found.start() + 4 + place
            film[start : start + 4] = many
    for found in re.finditer(b"stsz", bytes(film)):
        film[found.start() + 8 : found.start() + 12] = b"\x00\x00\x00\x01"  # the size of each
        film[found.start() + 12 : found.start() + 16] = many
    assert "without sound that can be read" in await refused(UnsupportedMedia, files, bytes(film))


async def test_a_recording_that_names_another_file_gets_nothing_of_it(files: Files, out: Path) -> None:
    put(out / "secret.raw", bytes(range(256)) * 400)
    own = make(Shape("mov", "pcm_s16le", "libx264"))
    alias = b"\x00\x00\x00\x1curl \x00\x00\x00\x00" + f"file:{out}/s".encode()[:16].ljust(16, b"\x00")
    outside = own.replace(b"\x00\x00\x00\x0curl \x00\x00\x00\x01", alias[:12])
    assert outside != own
    sent, *_ = await converted(files, outside)
    assert hear(sent).hertz == pytest.approx(440, abs=15)


async def test_a_conversion_that_takes_too_long_ends(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "_MAX_SECONDS", 0.0)
    assert await refused(InvalidArgument, files, make(FILM)) == (
        "file: a is MP4, and takes longer than 0 minutes to convert. Give a shorter part of it, or"
        " MP3, WAV, M4A or FLAC."
    )


@pytest.mark.slow
async def test_a_cancelled_call_ends_its_conversion_soon(files: Files) -> None:
    long = make(Shape("aiff", "pcm_s16be", rate=48_000, seconds=3, layout="mono"))
    head, sound = long.split(b"SSND", 1)
    put(Path(files._settings.output_dir) / "a", head + b"SSND" + b"\x7f\xff\xff\xff" + sound[4:] + sound[12:] * 300)
    with anyio.fail_after(5):
        with anyio.move_on_after(0.3) as scope:
            async with files.open_input("a", family="audio", argument="file", convert=convert):
                raise AssertionError("the conversion was not cancelled")
        assert scope.cancelled_caught


async def test_a_recording_that_changes_during_its_conversion_is_refused(
    files: Files, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = extract_sound

    def slowly(*arguments: Any) -> Any:
        sound = original(*arguments)
        (out / "a").write_bytes(b"changed")
        return sound

    film = make(FILM)
    monkeypatch.setattr(conversion, "extract_sound", slowly)
    assert await refused(DiskError, files, film) == (
        f"{out}/a changed while it was being read. Try again when it is complete."
    )


# Disks


CURE = "Make room there, or set TMPDIR (on Windows TEMP) to a folder on another disk and restart the server."


@pytest.mark.parametrize("content", [FILM, VOICE_NOTE, None], ids=["copied", "encoded", "picture"])
async def test_a_full_disk_for_temporary_files_is_a_clear_error(
    files: Files, monkeypatch: pytest.MonkeyPatch, content: Shape | None
) -> None:
    class FullFile:
        """A temporary file on a full disk."""

        def __init__(self) -> None:
            self._file = io.BytesIO()

        def write(self, _: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            """Fail to write what is in the buffer."""
            raise OSError(errno.ENOSPC, "No space left on device")

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

    monkeypatch.setattr("tempfile.tempdir", "/full")
    monkeypatch.setattr("tempfile.TemporaryFile", FullFile)
    text = await refused(DiskError, files, make(content) if content else heic(), "audio" if content else "image")
    assert text == f"Cannot write temporary files in /full: No space left on device. {CURE}"


async def test_a_folder_of_temporary_files_that_is_gone_is_named(
    files: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    film, picture = make(VOICE_NOTE), heic()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    for content, family in ((film, "audio"), (picture, "image")):
        text = await refused(DiskError, files, content, family)  # type: ignore[arg-type]  # a str to mypy
        assert text == f"Cannot write temporary files in {tmp_path}/gone: No such file or directory. {CURE}"


async def test_without_any_folder_for_temporary_files_the_error_says_so(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("tempfile._candidate_tempdir_list", list)
    text = await refused(DiskError, files, make(VOICE_NOTE))
    assert text.startswith(
        "Cannot write temporary files in the system's folder for them: No usable temporary directory"
    )


# Pictures


def picture(save: Callable[..., None], **options: Any) -> bytes:
    """Return a picture that is red, then blue, to be turned by a quarter; it tells of its camera."""
    image = pillow.new("RGB", (64, 32), "red")
    image.paste("blue", (32, 0, 64, 32))
    exif = pillow.Exif()
    exif[0x0112], exif[0x010F] = 6, "Secret camera"
    file = io.BytesIO()
    save(image, file, exif=exif.tobytes(), **options)
    return file.getvalue()


def heic() -> bytes:
    return picture(lambda image, file, **options: heif.from_pillow(image).save(file, quality=90, **options))


def avif() -> bytes:
    return picture(lambda image, file, **options: image.save(file, "AVIF", quality=90, **options))


@pytest.mark.parametrize("make_picture", [heic, avif])
async def test_a_modern_picture_is_sent_as_jpeg_upright_and_without_metadata(
    make_settings: MakeSettings, out: Path, make_picture: Callable[[], bytes]
) -> None:
    put(out / "IMG_1.heic", make_picture())
    service = ScriptedTransport(answer(EDIT.answer))
    async with connected(make_settings(), service) as client:
        fields(await client.call_tool("webvoice_image_to_image", {**EDIT.arguments, "images": ["IMG_1.heic"]}))

    part = form(service.requests[0], service.bodies[0])[-1]
    sent = pillow.open(io.BytesIO(part[-1]))
    assert "IMG_1.jpg" in str(part[:-1])
    assert (sent.format, sent.size) == ("JPEG", (32, 64))
    assert sent.getpixel((16, 8))[0] > 200 > sent.getpixel((16, 56))[0]
    assert b"Secret" not in part[-1]


async def test_what_can_be_seen_through_becomes_white(files: Files) -> None:
    file = io.BytesIO()
    pillow.new("RGBA", (16, 16), (255, 0, 0, 0)).save(file, "AVIF")
    sent, *_ = await converted(files, file.getvalue(), family="image")
    assert min(pillow.open(io.BytesIO(sent)).getpixel((8, 8))) > 250


async def test_a_damaged_picture_is_refused(files: Files) -> None:
    for content, name in ((heic(), "HEIC"), (avif(), "AVIF")):
        assert await refused(UnsupportedMedia, files, content[:200], "image") == (
            f"file: a is {name}, but damaged or in a form that cannot be read. Save it anew, or give JPEG, PNG or WebP."
        )


async def test_a_picture_that_is_too_large_is_refused(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = avif()
    small = Files(Limited(out, len(content)))
    assert "and what would be sent of it has more than" in await refused(InvalidArgument, small, content, "image")
    monkeypatch.setattr("webvoice_mcp.studio.pictures.MAX_PIXELS", 64 * 32 - 1)
    assert await refused(InvalidArgument, small, content, "image") == (
        "file: a is AVIF of more than 64 million pixels. Give a smaller picture."
    )


async def test_a_film_is_no_picture_and_a_picture_no_recording(files: Files) -> None:
    assert "a is MP4, judged by its content" in await refused(UnsupportedMedia, files, make(FILM), "image")
    assert "a is HEIC, judged by its content" in await refused(UnsupportedMedia, files, heic())


# Without the extra


async def test_without_the_extra_a_file_is_refused_with_the_command_that_helps(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(out / "note.ogg", make(VOICE_NOTE))
    put(out / "IMG_1.heic", heic())
    for module in ("av", "pillow_heif"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(conversion, "how_to_add", lambda: "run: pip install 'webvoice-mcp[media]'")
    service = ScriptedTransport()
    async with connected(make_settings(), service) as client:
        assert failed(await client.call_tool("webvoice_stt", {"audio_path": "note.ogg"})) == (
            "unsupported_media: audio_path: note.ogg is Ogg, judged by its content. Its sound can be sent with the"
            " extra `media`; to add it, run: pip install 'webvoice-mcp[media]'. Or give MP3, WAV, M4A or FLAC."
        )
        call = {**EDIT.arguments, "images": ["IMG_1.heic"]}
        assert failed(await client.call_tool("webvoice_image_to_image", call)) == (
            "unsupported_media: images[0]: IMG_1.heic is HEIC, judged by its content. It can be sent with the extra"
            " `media`; to add it, run: pip install 'webvoice-mcp[media]'. Or give JPEG, PNG or WebP."
        )
    assert service.requests == []


@pytest.mark.slow
def test_nothing_of_the_extra_is_imported_before_it_is_used() -> None:
    code = "import sys, webvoice_mcp.jobs.run; print({'av', 'PIL', 'pillow_heif'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
