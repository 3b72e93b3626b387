"""The names of published files: no other file is lost, and the extension fits the content."""

import errno
import os
from pathlib import Path

import anyio
import pytest

from tests.files.actions import resolve, save
from tests.files.samples import JPEG_BYTES, MP3_BYTES, PNG_BYTES, everything_in, put, wav_bytes, without_root
from tests.support import MakeSettings
from webvoice_mcp.errors import DiskError
from webvoice_mcp.files import Files, SavedFile, Target, output
from webvoice_mcp.files.disk import FileId
from webvoice_mcp.files.folders import Folder, open_or_create
from webvoice_mcp.files.path_policy import PathPolicy


async def test_a_file_created_meanwhile_stays_and_a_free_name_is_used(files: Files, out: Path) -> None:
    target = await resolve(files)
    put(out / "a.mp3", b"mine")
    (out / "a-2.mp3").symlink_to("nowhere")

    result = await save(files, target, MP3_BYTES)

    assert result.path == f"{out}/a-3.mp3"
    assert (out / "a.mp3").read_bytes() == b"mine"
    assert everything_in(out) == ["a-2.mp3", "a-3.mp3", "a.mp3"]


async def test_many_files_saved_at_once_under_one_name_are_all_kept(files: Files, out: Path) -> None:
    targets = [await resolve(files, "") for _ in range(20)]
    results: dict[int, SavedFile] = {}

    async def save_one(number: int, target: Target) -> None:
        results[number] = await save(files, target, b"%d" % number)

    async with anyio.create_task_group() as group:
        for number, target in enumerate(targets):
            group.start_soon(save_one, number, target)

    assert all((out / Path(result.path).name).read_bytes() == b"%d" % number for number, result in results.items())
    assert len(everything_in(out)) == 20


async def test_the_longest_name_is_shortened_to_fit_a_number(files: Files, out: Path) -> None:
    target = await resolve(files, "é" * 125 + ".mp3")
    target.path.touch()

    result = await save(files, target, MP3_BYTES)

    assert Path(result.path).name == "é" * 124 + "-2.mp3"


async def test_a_generated_name_that_another_call_took_is_not_reused(
    overwriting: Files, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken_meanwhile(folder: Path, policy: PathPolicy) -> tuple[Folder, tuple[Path, ...]]:
        opened = open_or_create(folder, policy)
        put(out / "tts.mp3", MP3_BYTES + b"other")
        return opened

    monkeypatch.setattr(output, "make_name", lambda *_: "tts")
    monkeypatch.setattr(output, "open_or_create", taken_meanwhile)
    target = await resolve(overwriting, "")

    assert (await save(overwriting, target, MP3_BYTES)).path == f"{out}/tts-2.mp3"
    assert (out / "tts.mp3").read_bytes() == MP3_BYTES + b"other"


# Replacing


async def test_a_file_of_the_same_family_is_replaced_if_settings_allow_it(overwriting: Files, out: Path) -> None:
    put(out / "a.mp3", wav_bytes())

    result = await save(overwriting, await resolve(overwriting), MP3_BYTES)

    assert result.path == f"{out}/a.mp3"
    assert (out / "a.mp3").read_bytes() == MP3_BYTES
    assert everything_in(out) == ["a.mp3"]


async def test_one_target_replaces_once_and_further_files_are_numbered(overwriting: Files, out: Path) -> None:
    put(out / "a.png", PNG_BYTES)
    target = await resolve(overwriting, "a", ".png", ".jpg", ".jpeg")

    results = [await save(overwriting, target, PNG_BYTES, b"new") for _ in range(3)]

    assert [Path(result.path).name for result in results] == ["a.png", "a-2.png", "a-3.png"]
    assert everything_in(out) == ["a-2.png", "a-3.png", "a.png"]


async def test_a_file_stays_until_the_new_one_is_complete(overwriting: Files, out: Path) -> None:
    put(out / "a.mp3", MP3_BYTES)

    async with overwriting.create(await resolve(overwriting)) as file:
        file.write(MP3_BYTES)

    assert everything_in(out) == ["a.mp3"]


async def test_a_file_whose_content_changed_to_another_family_is_not_replaced(overwriting: Files, out: Path) -> None:
    put(out / "a.mp3", MP3_BYTES)
    target = await resolve(overwriting)
    put(out / "a.mp3", b"my thesis")

    assert (await save(overwriting, target, MP3_BYTES)).path == f"{out}/a-2.mp3"
    assert (out / "a.mp3").read_bytes() == b"my thesis"


async def test_another_file_of_the_same_name_is_not_replaced(overwriting: Files, out: Path) -> None:
    put(out / "a.mp3", MP3_BYTES)
    target = await resolve(overwriting)
    put(out / "new", MP3_BYTES)
    (out / "new").replace(out / "a.mp3")

    assert (await save(overwriting, target, MP3_BYTES)).path == f"{out}/a-2.mp3"


def test_files_on_two_disks_differ_even_with_the_same_inode() -> None:
    one, two = (os.stat_result((0, 7, device, 1, 0, 0, 0, 0, 0, 0)) for device in (1, 2))

    assert FileId.of(one) != FileId.of(two)
    assert FileId.of(one) == FileId.of(one)


async def test_a_file_in_use_is_not_replaced_and_nothing_is_lost(
    overwriting: Files, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(out / "a.mp3", MP3_BYTES)
    target = await resolve(overwriting)

    def in_use(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "it is being played")

    monkeypatch.setattr("os.replace", in_use)

    assert (await save(overwriting, target, MP3_BYTES)).path == f"{out}/a-2.mp3"


async def test_a_file_that_became_unreadable_is_not_replaced(make_settings: MakeSettings, public: Path) -> None:
    files = Files(make_settings(OUTPUT_DIR=public, OVERWRITE=1))
    put(public / "a.mp3", MP3_BYTES)
    target = await resolve(files)
    (public / "a.mp3").chmod(0)

    with without_root():
        assert (await save(files, target, MP3_BYTES)).path == f"{public}/a-2.mp3"


# The extension


@pytest.mark.parametrize(
    ("given_path", "content", "asked", "name", "mime_type"),
    [
        ("a.png", JPEG_BYTES, "", "a.jpg", "image/jpeg"),
        ("a.JPEG", JPEG_BYTES, "", "a.JPEG", "image/jpeg"),
        ("a.jpeg", JPEG_BYTES, ".jpg", "a.jpeg", "image/jpeg"),
        ("a.png", b"\x00?", "", "a.png", "image/png"),
        ("a.png", b"plain words", "", "a.png", "image/png"),
        ("a.png", b"\x00?", ".xyz", "a.xyz", "application/octet-stream"),
        ("a.xyz", PNG_BYTES, "", "a.png", "image/png"),
        ("a.xyz", PNG_BYTES, ".abc", "a.abc", "application/octet-stream"),
        ("a.txt", b"GIF89a\x01\x00\x01\x00\x00\x00\x00,", "", "a.txt", "text/plain"),
    ],
)
async def test_the_extension_fits_the_content_or_is_the_one_asked_for(
    files: Files, out: Path, given_path: str, content: bytes, asked: str, name: str, mime_type: str
) -> None:
    target = await resolve(files, given_path, ".png", ".jpg", ".jpeg", ".xyz", ".txt")

    result = await save(files, target, content, suffix=asked)

    assert result == SavedFile(f"{out}/{name}", f"file://{out}/{name}", mime_type, len(content))
    assert everything_in(out) == [name]


async def test_a_corrected_extension_replaces_nothing(overwriting: Files, out: Path) -> None:
    put(out / "a.png", PNG_BYTES)
    put(out / "a.jpg", JPEG_BYTES)

    result = await save(overwriting, await resolve(overwriting, "a.png", ".png", ".jpg"), JPEG_BYTES)

    assert result.path == f"{out}/a-2.jpg"


# File systems without hard links


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)


@pytest.mark.usefixtures("no_links")
async def test_without_hard_links_nothing_is_replaced_either(files: Files, out: Path) -> None:
    one, two = await resolve(files), await resolve(files)

    assert (await save(files, one, MP3_BYTES)).path == f"{out}/a.mp3"
    assert (await save(files, two, b"second")).path == f"{out}/a-2.mp3"
    assert everything_in(out) == ["a-2.mp3", "a.mp3"]
    assert (out / "a.mp3").read_bytes() == MP3_BYTES


@pytest.mark.usefixtures("no_links")
async def test_a_disk_that_refuses_the_name_leaves_nothing(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = await resolve(files)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("os.replace", refuse)

    with pytest.raises(DiskError) as caught:
        await save(files, target, MP3_BYTES)
    assert str(caught.value) == (
        f"Cannot write {target.path}: Input/output error. Check the path, or choose another folder."
    )
    assert everything_in(tmp_path) == []
