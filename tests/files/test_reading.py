import errno
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.files.samples import FLAC_BYTES, JPEG_BYTES, MP3_BYTES, PNG_BYTES, mp4_bytes, wav_bytes, without_root
from tests.support import MakeSettings
from webvoice_mcp.errors import (
    DiskError,
    FileNotFound,
    InvalidArgument,
    PathNotAllowed,
    UnsupportedMedia,
    WebVoiceError,
)
from webvoice_mcp.files import Files
from webvoice_mcp.files.names import upload_name
from webvoice_mcp.files.places import Places
from webvoice_mcp.files.reading import Upload, _SourceFile

MIB = 1024 * 1024


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


async def read(files: Files, path: str, family: Literal["audio", "image"] = "audio") -> bytes:
    async with files.reading(path, family=family, argument="audio_path") as source:
        return b"".join([chunk async for chunk in source.chunks()])


async def refusal(kind: type[WebVoiceError], files: Files, path: str) -> str:
    with pytest.raises(kind) as caught:
        await read(files, path)
    assert type(caught.value) is kind
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "name", "mime_type"),
    [
        (MP3_BYTES, "talk.mp3", "audio/mpeg"),
        (wav_bytes(), "talk.wav", "audio/wav"),
        (FLAC_BYTES, "talk.flac", "audio/flac"),
        (mp4_bytes(b"M4A "), "talk.m4a", "audio/mp4"),
    ],
)
async def test_a_file_is_what_its_bytes_say_whatever_it_is_called(
    files: Files, out: Path, content: bytes, name: str, mime_type: str
) -> None:
    (out / "talk.doc").write_bytes(content)

    async with files.reading("talk.doc", family="audio", argument="audio_path") as source:
        assert (source.path, source.name, source.size, source.mime_type) == (
            out / "talk.doc",
            name,
            len(content),
            mime_type,
        )
        assert b"".join([chunk async for chunk in source.chunks()]) == content


async def test_pictures_are_read_where_pictures_are_wanted(files: Files, out: Path) -> None:
    (out / ".hidden").write_bytes(JPEG_BYTES)

    assert await read(files, ".hidden", "image") == JPEG_BYTES


async def test_a_file_is_read_in_blocks_as_often_as_one_likes(files: Files, out: Path) -> None:
    content = wav_bytes(2 * MIB)
    (out / "long.wav").write_bytes(content)

    async with files.reading("long.wav", family="audio", argument="audio_path") as source:
        first = [chunk async for chunk in source.chunks()]
        await anext(source.chunks())
        again = [chunk async for chunk in source.chunks()]

    assert len(first) == 3
    assert max(map(len, first)) <= 2 * MIB
    assert b"".join(first) == b"".join(again) == content


async def test_paths_are_absolute_or_from_home_or_from_the_output_folder(
    files: Files, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (out / "a.mp3").write_bytes(MP3_BYTES)

    uris = (f"file://{out}/a.mp3", f"FILE://{out}/a.mp3", f"file://localhost{out}/a.mp3")
    for path in ("a.mp3", f"{out}/a.mp3", "~/out/a.mp3", "../out/x/../a.mp3", *uris):
        assert await read(files, path) == MP3_BYTES


@given(st.text())
def test_the_name_that_the_service_sees_is_plain(stem: str) -> None:
    name = upload_name(Path(f"x{stem}.Wav".replace("/", "").replace("\x00", "")), ".mp3")

    assert name.removesuffix(".mp3").replace("-", "").replace("_", "").isalnum()
    assert name.isascii()
    assert len(name) <= 64


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("My talk (2).WAV", "My-talk-2.mp3"),
        ("Ärger & Zank_1.wav", "Arger-Zank_1.mp3"),
        ("-x-.wav", "x.mp3"),
        ("x" * 59 + " y" * 9 + ".wav", "x" * 59 + ".mp3"),
        ("X.part.wav", "X-part.mp3"),
    ],
)
def test_that_name_keeps_what_is_plain(name: str, plain: str) -> None:
    assert upload_name(Path(name), ".mp3") == plain


async def test_a_name_without_plain_letters_is_replaced(files: Files, out: Path) -> None:
    (out / "录音.mp3").write_bytes(MP3_BYTES)

    async with files.reading("录音.mp3", family="audio", argument="audio_path") as source:
        assert source.name == "file.mp3"


# What is refused


@pytest.mark.parametrize("path", ["missing.mp3", "x/missing.mp3", "a.mp3/missing.mp3", "x" * 300])
async def test_a_file_that_is_not_there_is_named_with_the_place_where_it_was_sought(
    files: Files, out: Path, path: str
) -> None:
    (out / "a.mp3").write_bytes(MP3_BYTES)

    assert await refusal(FileNotFound, files, path) == (
        f"audio_path: there is no file {out}/{path}. Give an absolute path, or one relative to the output folder {out}."
    )


@pytest.mark.parametrize("path", ["", "  ", "a\x00b", "a\ud800b", "~nobody-of-this-name/a"])
async def test_what_is_no_path_is_refused(files: Files, path: str) -> None:
    assert (await refusal(InvalidArgument, files, path)).startswith("audio_path")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"-----BEGIN OPENSSH PRIVATE KEY-----", "plain text"),
        (PNG_BYTES, "PNG"),
        (mp4_bytes(b"isom", b"vide", b"soun"), "MP4"),
        (b"OggS" + bytes(100), "neither audio nor a picture that is known here"),
    ],
)
async def test_content_of_another_kind_is_refused(files: Files, out: Path, content: bytes, found: str) -> None:
    (out / "a.mp3").write_bytes(content)

    assert await refusal(UnsupportedMedia, files, "a.mp3") == (
        f"audio_path: a.mp3 is {found}, judged by its content. Accepted are MP3, WAV, M4A and FLAC."
    )


async def test_sound_is_refused_where_a_picture_is_wanted(files: Files, out: Path) -> None:
    (out / "a.png").write_bytes(MP3_BYTES)

    with pytest.raises(UnsupportedMedia, match="Accepted are PNG, JPEG, WebP and GIF"):
        await read(files, "a.png", "image")


async def test_an_empty_file_is_refused(files: Files, out: Path) -> None:
    (out / "a.mp3").touch()

    assert "a.mp3 is empty" in await refusal(UnsupportedMedia, files, "a.mp3")


async def test_folders_devices_pipes_and_sockets_are_refused_without_waiting(files: Files, out: Path) -> None:
    os.mkfifo(out / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(out / "socket"))
        for path in (".", "pipe", "socket", "/dev/zero", "/dev/tty"):
            assert "is a folder, device or pipe" in await refusal(UnsupportedMedia, files, path)


async def test_a_file_over_the_limit_is_refused(make_settings: MakeSettings, out: Path) -> None:
    files = Files(make_settings(MAX_UPLOAD_MB="0.5"))
    with (out / "a.mp3").open("wb") as file:
        file.truncate(MIB // 2 + 1)

    assert await refusal(InvalidArgument, files, "a.mp3") == (
        "audio_path: a.mp3 has 524289 bytes, more than the 0.5 MB that WEBVOICE_MAX_UPLOAD_MB allows."
        " Send a smaller file, or raise the setting."
    )


async def test_a_file_of_just_the_limit_is_sent(make_settings: MakeSettings, out: Path) -> None:
    files = Files(make_settings(MAX_UPLOAD_MB=1))
    content = wav_bytes(100) + bytes(MIB - len(wav_bytes(100)))
    (out / "a.wav").write_bytes(content)

    assert await read(files, "a.wav") == content


async def test_with_allowed_folders_only_what_lies_in_them_is_read(
    make_settings: MakeSettings, out: Path, tmp_path: Path
) -> None:
    files = Files(make_settings(ALLOWED_DIRS=tmp_path / "allowed"))
    (tmp_path / "allowed").mkdir()
    for path in (out / "a.mp3", tmp_path / "allowed/a.mp3", tmp_path / "secret.mp3"):
        path.write_bytes(MP3_BYTES)
    (out / "link.mp3").symlink_to(tmp_path / "secret.mp3")
    (out / "folder").symlink_to(tmp_path)

    for inside in ("a.mp3", f"{tmp_path}/allowed/a.mp3"):
        assert await read(files, inside) == MP3_BYTES
    for outside in (f"{tmp_path}/secret.mp3", "../secret.mp3", "link.mp3", "folder/secret.mp3", "../nothing.mp3"):
        assert re.match(
            r"audio_path: /.+\.mp3 lies outside the folders of WEBVOICE_ALLOWED_DIRS",
            await refusal(PathNotAllowed, files, outside),
        )


async def test_a_file_without_permission_is_a_disk_error(make_settings: MakeSettings, public: Path) -> None:
    files = Files(make_settings(OUTPUT_DIR=public))
    (public / "a.mp3").write_bytes(MP3_BYTES)
    (public / "a.mp3").chmod(0)
    (public / "closed").mkdir(mode=0)

    with without_root():
        for path in ("a.mp3", "closed/a.mp3"):
            assert await refusal(DiskError, files, path) == (
                f"Cannot read {public}/{path}: Permission denied. Check the path, or choose another folder."
            )


# What happens meanwhile


def swap_for_a_link(path: Path, other: Path) -> None:
    path.unlink()
    path.symlink_to(other)


def swap_for_another(path: Path, other: Path) -> None:
    other.replace(path)


def move_behind_a_link(path: Path, other: Path) -> None:
    path.replace(other)
    path.symlink_to(other)


@pytest.mark.parametrize("swap", [swap_for_a_link, swap_for_another, move_behind_a_link])
async def test_a_file_that_is_swapped_for_another_while_it_is_opened_is_not_read(
    files: Files, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swap: Callable[[Path, Path], None]
) -> None:
    (tmp_path / "secret.mp3").write_bytes(MP3_BYTES)
    (out / "a.mp3").write_bytes(MP3_BYTES)
    really_open = os.open

    def swapped(path: str | Path, *arguments: int) -> int:
        swap(out / "a.mp3", tmp_path / "secret.mp3")
        return really_open(path, *arguments)

    monkeypatch.setattr("os.open", swapped)

    assert await refusal(PathNotAllowed, files, "a.mp3") == (
        "audio_path: a.mp3 was replaced while it was being opened. Try again."
    )


@pytest.mark.parametrize("change", [-1, 1])
async def test_a_file_that_changes_its_size_while_it_is_read_is_an_error(files: Files, out: Path, change: int) -> None:
    content = wav_bytes(MIB)
    (out / "a.wav").write_bytes(content)

    async with files.reading("a.wav", family="audio", argument="audio_path") as source:
        chunks = source.chunks()
        await anext(chunks)
        os.truncate(source.path, len(content) + change)
        with pytest.raises(DiskError) as caught:
            [chunk async for chunk in chunks]

    assert str(caught.value) == (f"{out}/a.wav changed while it was being read. Try again when it is complete.")


async def test_a_disk_that_fails_while_a_file_is_read_is_a_clear_error(
    files: Files, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out / "a.mp3").write_bytes(MP3_BYTES)

    def broken(_: int) -> os.stat_result:
        raise OSError(errno.EIO, "Input/output error")

    async with files.reading("a.mp3", family="audio", argument="audio_path") as source:
        monkeypatch.setattr("os.fstat", broken)
        with pytest.raises(DiskError) as caught:
            await anext(source.chunks())
        monkeypatch.undo()  # pytest uses it as well

    assert str(caught.value) == (
        f"Cannot read {out}/a.mp3: Input/output error. Check the path, or choose another folder."
    )


@pytest.mark.parametrize("cancelled", [False, True])
async def test_after_the_end_of_the_block_nothing_more_is_read(files: Files, out: Path, cancelled: bool) -> None:
    (out / "a.mp3").write_bytes(MP3_BYTES)
    with anyio.CancelScope() as scope:
        async with files.reading("a.mp3", family="audio", argument="audio_path") as source:
            if cancelled:
                scope.cancel()

    with pytest.raises(ValueError, match=r"^The file is closed\.$"):
        await anext(source.chunks())


def test_a_file_that_was_given_up_before_it_was_opened_is_never_opened(out: Path) -> None:
    # What remains of a task that is cancelled at that moment: the thread comes too late.
    (out / "a.mp3").write_bytes(MP3_BYTES)
    file = _SourceFile(Upload("a.mp3", "audio_path", "audio", MIB), Places(out, ()))
    file.close()
    file.open()

    with pytest.raises(ValueError, match="closed"):
        file.block(0)
