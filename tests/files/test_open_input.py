"""Files for upload: found by path, recognized by content, and always the file that was checked."""

# ruff: noqa: ASYNC240 - nothing else needs the event loop of these tests

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.files.actions import read, refused_input
from tests.files.samples import FLAC_BYTES, JPEG_BYTES, MP3_BYTES, PNG_BYTES, mp4_bytes, wav_bytes, without_root
from tests.support import MakeSettings, count_descriptors
from webvoice_mcp.errors import DiskError, FileNotFound, InvalidArgument, PathNotAllowed, UnsupportedMedia
from webvoice_mcp.files import Files
from webvoice_mcp.files.names import upload_name
from webvoice_mcp.files.opened_file import OpenedFile, Upload
from webvoice_mcp.files.path_policy import PathPolicy

pytestmark = pytest.mark.usefixtures("made_out")

MIB = 1024 * 1024


async def test_a_file_is_described_by_its_content_and_not_its_name(files: Files, out: Path) -> None:
    samples = {
        ("talk.mp3", "audio/mpeg"): MP3_BYTES,
        ("talk.wav", "audio/wav"): wav_bytes(),
        ("talk.flac", "audio/flac"): FLAC_BYTES,
        ("talk.m4a", "audio/mp4"): mp4_bytes(b"M4A ", b"soun"),
    }
    for (name, mime_type), content in samples.items():
        (out / "talk.doc").write_bytes(content)
        async with files.open_input("talk.doc", family="audio", argument="audio_path") as file:
            assert (file.path, file.name, file.mime_type) == (out / "talk.doc", name, mime_type)
            assert file.size == len(content)


async def test_a_hidden_picture_is_read(files: Files, out: Path) -> None:
    (out / ".hidden").write_bytes(JPEG_BYTES)

    assert await read(files, ".hidden", "image") == JPEG_BYTES


async def test_a_file_is_read_in_blocks_any_number_of_times(files: Files, out: Path) -> None:
    content = wav_bytes(2 * MIB)
    (out / "long.wav").write_bytes(content)

    async with files.open_input("long.wav", family="audio", argument="audio_path") as file:
        first = [chunk async for chunk in file.chunks()]
        await anext(file.chunks())
        again = [chunk async for chunk in file.chunks()]

    assert len(first) == 3
    assert max(map(len, first)) <= 2 * MIB
    assert b"".join(first) == b"".join(again) == content


async def test_a_path_is_absolute_or_from_home_or_from_the_output_folder(
    files: Files, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (out / "a.mp3").write_bytes(MP3_BYTES)

    uris = (f"file://{out}/a.mp3", f"FILE:{out}/a.mp3", f"file://localhost{out}/a.mp3")
    for path in ("a.mp3", f"{out}/a.mp3", "~/out/a.mp3", "../out/x/../a.mp3", *uris):
        assert await read(files, path) == MP3_BYTES


@given(st.text(max_size=100))
def test_the_name_for_the_service_is_always_plain_ascii(stem: str) -> None:
    name = upload_name(Path(f"x{stem}.Wav".replace("/", "").replace("\x00", "")), ".mp3")

    assert name.removesuffix(".mp3").replace("-", "").replace("_", "").isalnum()
    assert name.isascii()
    assert len(name) <= 64


def test_the_name_for_the_service_keeps_plain_characters() -> None:
    names = {
        "My talk (2).WAV": "My-talk-2.mp3",
        "Ärger & Zank_1.wav": "Arger-Zank_1.mp3",
        "-x-.wav": "x.mp3",
        "录音.mp3": "file.mp3",
        "X" + "y" * 59 + "z.wav": "X" + "y" * 59 + ".mp3",
    }
    assert {name: upload_name(Path(name), ".mp3") for name in names} == names


# Refused paths and contents


async def test_a_missing_file_is_named_with_its_absolute_path(files: Files, out: Path) -> None:
    (out / "a.mp3").write_bytes(MP3_BYTES)

    for path in ("missing.mp3", "x/missing.mp3", "a.mp3/missing.mp3", "x" * 300):
        assert await refused_input(FileNotFound, files, path) == (
            f"audio_path: there is no file {out}/{path}. Give an absolute path, or one relative to the output folder"
            f" {out}."
        )


async def test_a_text_that_is_not_a_path_is_refused(files: Files) -> None:
    for path in ("", "  "):
        assert await refused_input(InvalidArgument, files, path) == "audio_path is empty. Give the path of a file."
    for path, reason in (
        ("a\x00b", "it contains a NUL character"),
        ("a\ud800b", "it contains characters that are not valid text"),
    ):
        assert await refused_input(InvalidArgument, files, path) == (
            f"audio_path is not a path: {reason}. Give another path."
        )


async def test_content_of_another_kind_is_refused(files: Files, out: Path) -> None:
    audio, image = "MP3, WAV, M4A and FLAC", "PNG, JPEG, WebP and GIF"
    samples: list[tuple[bytes, str, Any]] = [
        (b"-----BEGIN OPENSSH PRIVATE KEY-----", "plain text, judged by its content", "audio"),
        (PNG_BYTES, "PNG, judged by its content", "audio"),
        (mp4_bytes(b"isom", b"vide", b"soun"), "MP4, judged by its content", "audio"),
        (b"OggS" + bytes(100), "not in a known audio or image format, judged by its content", "audio"),
        (MP3_BYTES, "MP3, judged by its content", "image"),
        (b"", "empty", "audio"),
    ]
    for content, found, family in samples:
        (out / "a").write_bytes(content)
        assert await refused_input(UnsupportedMedia, files, "a", family) == (
            f"audio_path: a is {found}. Accepted formats are {audio if family == 'audio' else image}."
        )


async def test_folders_devices_pipes_and_sockets_are_refused_without_waiting(files: Files, out: Path) -> None:
    os.mkfifo(out / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(out / "socket"))
        for path in (".", "pipe", "socket", "/dev/zero", "/dev/tty"):
            assert await refused_input(UnsupportedMedia, files, path) == (
                f"audio_path: {path} is a folder, device or pipe. Give the path of a file."
            )


async def test_a_file_may_be_as_large_as_the_limit_and_no_larger(make_settings: MakeSettings, out: Path) -> None:
    files = Files(make_settings(MAX_UPLOAD_MB="0.5"))
    (out / "a.wav").write_bytes(wav_bytes())
    os.truncate(out / "a.wav", MIB // 2)
    assert len(await read(files, "a.wav")) == MIB // 2

    os.truncate(out / "a.wav", MIB // 2 + 1)
    assert await refused_input(InvalidArgument, files, "a.wav") == (
        "audio_path: a.wav has 524289 bytes, more than the 0.5 MB that WEBVOICE_MAX_UPLOAD_MB allows."
        " Send a smaller file, or raise the setting."
    )


async def test_with_allowed_folders_only_files_in_them_are_read(
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
        assert await refused_input(PathNotAllowed, files, outside) == (
            f"audio_path: {os.path.normpath(out / outside)} is outside the folders in WEBVOICE_ALLOWED_DIRS and the"
            f" output folder {out}. Choose a path inside one of them."
        )


async def test_a_file_without_read_permission_is_a_disk_error(make_settings: MakeSettings, public: Path) -> None:
    files = Files(make_settings(OUTPUT_DIR=public))
    (public / "a.mp3").write_bytes(MP3_BYTES)
    (public / "a.mp3").chmod(0)
    (public / "closed").mkdir(mode=0)

    with without_root():
        for path in ("a.mp3", "closed/a.mp3"):
            assert await refused_input(DiskError, files, path) == (
                f"Cannot read {public}/{path}: Permission denied. Check the path, or choose another folder."
            )


# Files that change while they are read


def swap_for_a_link(path: Path, other: Path) -> None:
    path.unlink()
    path.symlink_to(other)


def swap_for_another(path: Path, other: Path) -> None:
    other.replace(path)


def move_behind_a_link(path: Path, other: Path) -> None:
    path.replace(other)
    path.symlink_to(other)


def swap_for_a_pipe(path: Path, other: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("swap", [swap_for_a_link, swap_for_another, move_behind_a_link, swap_for_a_pipe])
async def test_a_file_that_is_swapped_while_it_is_opened_is_not_read(
    files: Files, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swap: Callable[[Path, Path], None]
) -> None:
    (tmp_path / "secret.mp3").write_bytes(MP3_BYTES)
    (out / "a.mp3").write_bytes(MP3_BYTES)
    original = os.open

    def swapping(path: str | Path, *arguments: int) -> int:
        swap(out / "a.mp3", tmp_path / "secret.mp3")
        return original(path, *arguments)

    monkeypatch.setattr("os.open", swapping)

    assert await refused_input(PathNotAllowed, files, "a.mp3") == (
        "audio_path: a.mp3 was replaced while it was being opened. Try again."
    )


@pytest.mark.parametrize("change", [-1, 0, 1])
async def test_a_file_that_changes_while_it_is_read_is_an_error(files: Files, out: Path, change: int) -> None:
    content = wav_bytes(MIB)
    (out / "a.wav").write_bytes(content)
    os.utime(out / "a.wav", (1, 1))

    async with files.open_input("a.wav", family="audio", argument="audio_path") as file:
        chunks = file.chunks()
        await anext(chunks)
        os.truncate(file.path, len(content) + change)
        with pytest.raises(DiskError) as caught:
            [chunk async for chunk in chunks]

    assert str(caught.value) == f"{out}/a.wav changed while it was being read. Try again when it is complete."


@pytest.mark.skipif(os.name == "nt", reason="Windows does not rename a file that is open")
async def test_a_file_is_unchanged_until_it_is_written_to(files: Files, out: Path) -> None:
    (out / "a.wav").write_bytes(wav_bytes())
    os.utime(out / "a.wav", (1, 1))

    async with files.open_input("a.wav", family="audio", argument="audio_path") as file:
        await file.check_unchanged()
        (out / "a.wav").rename(out / "b.wav")
        await file.check_unchanged()
        (out / "b.wav").write_bytes(wav_bytes())
        with pytest.raises(DiskError):
            await file.check_unchanged()


async def test_a_disk_that_fails_during_reading_is_a_clear_error(
    files: Files, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out / "a.mp3").write_bytes(MP3_BYTES)

    def broken(_: int) -> os.stat_result:
        raise OSError(errno.EIO, "Input/output error")

    async with files.open_input("a.mp3", family="audio", argument="audio_path") as file:
        monkeypatch.setattr("os.fstat", broken)
        with pytest.raises(DiskError) as caught:
            await anext(file.chunks())
        monkeypatch.undo()  # pytest itself uses fstat

    assert str(caught.value) == (
        f"Cannot read {out}/a.mp3: Input/output error. Check the path, or choose another folder."
    )


@pytest.mark.parametrize("cancelled", [False, True])
async def test_after_the_block_nothing_more_is_read(files: Files, out: Path, cancelled: bool) -> None:
    (out / "a.mp3").write_bytes(MP3_BYTES)
    with anyio.CancelScope() as scope:
        async with files.open_input("a.mp3", family="audio", argument="audio_path") as file:
            if cancelled:
                scope.cancel()

    with pytest.raises(ValueError, match=r"^The file is closed\.$"):
        await anext(file.chunks())


def test_a_file_closed_before_it_was_opened_is_never_opened(out: Path) -> None:
    # A thread may start after its task has been cancelled and has closed the file.
    (out / "a.mp3").write_bytes(MP3_BYTES)
    file = OpenedFile(Upload("a.mp3", "audio_path", "audio", MIB), PathPolicy(out, ()))
    file.close()
    file.open()

    with pytest.raises(ValueError, match="closed"):
        file.read(0, 1)


@pytest.mark.skipif(os.name == "nt", reason="descriptors are handed over on Linux and macOS only")
async def test_a_file_that_was_handed_over_and_changed_is_not_sent(make_settings: MakeSettings, out: Path) -> None:
    (out / "talk.mp3").write_bytes(MP3_BYTES)
    before = count_descriptors()
    async with Files(make_settings()).open_input("talk.mp3", family="audio", argument="audio_path") as file:
        handed = await file.hand_over(with_descriptor=True)
    (out / "talk.mp3").write_bytes(MP3_BYTES * 2)
    taker = Files(make_settings(), [handed])
    assert "changed after it was checked, so nothing was sent" in await refused_input(DiskError, taker, "talk.mp3")
    assert count_descriptors() == before


@pytest.mark.skipif(os.name == "nt", reason="descriptors are handed over on Linux and macOS only")
async def test_files_that_were_handed_over_for_nothing_are_closed(make_settings: MakeSettings, out: Path) -> None:
    (out / "talk.mp3").write_bytes(MP3_BYTES)
    before = count_descriptors()
    async with Files(make_settings()).open_input("talk.mp3", family="audio", argument="audio_path") as file:
        handed = [await file.hand_over(with_descriptor=True) for _ in range(2)]
    taker = Files(make_settings(), handed)
    taker.close_handed()
    taker.close_handed()
    assert count_descriptors() == before
