import errno
import os
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from tests.files.samples import JPEG_BYTES, MP3_BYTES, PNG_BYTES, everything_in, put, wav_bytes, without_root
from tests.support import MakeSettings
from webvoice_mcp.errors import DiskError, PathNotAllowed
from webvoice_mcp.files import Files, SavedFile, Target, targets
from webvoice_mcp.files._disk import FileId
from webvoice_mcp.files._folder import Folder, reach
from webvoice_mcp.files.kinds import MP3
from webvoice_mcp.files.places import Places


def aimed(files: Files, output_path: str = "a.mp3", *suffixes: str) -> Target:
    return files.target(output_path, tool="webvoice_tts", words="hello", suffixes=suffixes or (".mp3",))


async def saved(files: Files, target: Target, *pieces: bytes, suffix: str = "") -> SavedFile:
    async with files.saving(target) as part:
        for piece in pieces:
            part.write(piece)
        return await part.publish(suffix)


# What has happened in the folder meanwhile


async def test_a_file_that_appeared_meanwhile_stays_and_a_free_name_is_taken(files: Files, out: Path) -> None:
    target = aimed(files)
    put(out / "a.mp3", b"mine")
    (out / "a-2.mp3").symlink_to("nowhere")

    result = await saved(files, target, MP3_BYTES)

    assert result.path == f"{out}/a-3.mp3"
    assert (out / "a.mp3").read_bytes() == b"mine"
    assert everything_in(out) == ["a-2.mp3", "a-3.mp3", "a.mp3"]


async def test_many_at_once_with_one_name_all_keep_their_own(files: Files, out: Path) -> None:
    targets = [aimed(files, "") for _ in range(20)]
    results: dict[int, SavedFile] = {}

    async def save(number: int, target: Target) -> None:
        results[number] = await saved(files, target, b"%d" % number)

    async with anyio.create_task_group() as group:
        for number, target in enumerate(targets):
            group.start_soon(save, number, target)

    assert len({result.path for result in results.values()}) == 20
    assert all((out / Path(result.path).name).read_bytes() == b"%d" % number for number, result in results.items())
    assert len(everything_in(out)) == 20


async def test_the_longest_name_has_room_for_a_number(files: Files, out: Path) -> None:
    target = aimed(files, "é" * 125 + ".mp3")
    target.path.touch()

    result = await saved(files, target, MP3_BYTES)

    assert Path(result.path).name == "é" * 124 + "-2.mp3"


async def test_several_parts_of_one_target_are_numbered(overwriting: Files, out: Path) -> None:
    put(out / "a.png", PNG_BYTES)
    target = aimed(overwriting, "a", ".png", ".jpg", ".jpeg")

    async with (
        overwriting.saving(target) as one,
        overwriting.saving(target) as two,
        overwriting.saving(target) as three,
    ):
        for part in (one, two, three):
            part.write(PNG_BYTES + b"new")
        results = [await part.publish() for part in (one, two, three)]

    assert [Path(result.path).name for result in results] == ["a.png", "a-2.png", "a-3.png"]
    assert everything_in(out) == ["a-2.png", "a-3.png", "a.png"]


async def test_a_folder_that_was_removed_meanwhile_is_made_again(files: Files, out: Path) -> None:
    target = aimed(files, "x/a.mp3")
    files.abandon(target)

    await saved(files, target, MP3_BYTES)

    assert everything_in(out) == ["x", "x/a.mp3"]


async def test_a_folder_that_became_a_link_meanwhile_is_not_followed(files: Files, tmp_path: Path, out: Path) -> None:
    target = aimed(files)
    (tmp_path / "out").replace(tmp_path / "elsewhere")
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(PathNotAllowed, match="has become a link"):
        await saved(files, target, MP3_BYTES)
    assert everything_in(tmp_path / "elsewhere") == []


async def test_a_folder_that_can_no_longer_be_written_is_a_disk_error(files: Files, out: Path) -> None:
    target = aimed(files)
    files.abandon(target)
    (out.parent / "out").touch()

    with pytest.raises(DiskError):
        await saved(files, target, MP3_BYTES)


# Replacing


async def test_a_file_of_the_same_kind_is_replaced_where_that_is_allowed(overwriting: Files, out: Path) -> None:
    put(out / "a.mp3", wav_bytes())

    result = await saved(overwriting, aimed(overwriting), MP3_BYTES)

    assert result.path == f"{out}/a.mp3"
    assert (out / "a.mp3").read_bytes() == MP3_BYTES
    assert everything_in(out) == ["a.mp3"]


async def test_a_file_that_is_to_be_replaced_stays_until_the_new_one_is_whole(overwriting: Files, out: Path) -> None:
    put(out / "a.mp3", MP3_BYTES)

    async with overwriting.saving(aimed(overwriting)) as part:
        part.write(MP3_BYTES)

    assert everything_in(out) == ["a.mp3"]


async def test_a_file_that_has_changed_into_another_kind_meanwhile_is_not_replaced(
    overwriting: Files, out: Path
) -> None:
    put(out / "a.mp3", MP3_BYTES)
    target = aimed(overwriting)
    put(out / "a.mp3", b"my thesis")

    result = await saved(overwriting, target, MP3_BYTES)

    assert result.path == f"{out}/a-2.mp3"
    assert (out / "a.mp3").read_bytes() == b"my thesis"


async def test_another_file_of_the_same_name_is_not_replaced(overwriting: Files, out: Path) -> None:
    put(out / "a.mp3", MP3_BYTES)
    target = aimed(overwriting)
    put(out / "new", MP3_BYTES)
    (out / "new").replace(out / "a.mp3")

    assert (await saved(overwriting, target, MP3_BYTES)).path == f"{out}/a-2.mp3"


def test_files_of_two_disks_are_two_files_whatever_their_numbers() -> None:
    one, two = (os.stat_result((0, 7, device, 1, 0, 0, 0, 0, 0, 0)) for device in (1, 2))

    assert FileId.of(one) != FileId.of(two)
    assert FileId.of(one) == FileId.of(one)


async def test_a_file_that_cannot_be_replaced_after_all_keeps_nothing_from_being_saved(
    overwriting: Files, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(out / "a.mp3", MP3_BYTES)
    target = aimed(overwriting)

    def in_use(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "it is being played")

    monkeypatch.setattr("os.replace", in_use)

    assert (await saved(overwriting, target, MP3_BYTES)).path == f"{out}/a-2.mp3"


async def test_a_file_that_can_no_longer_be_looked_into_is_not_replaced(
    make_settings: MakeSettings, public: Path
) -> None:
    files = Files(make_settings(OUTPUT_DIR=public, OVERWRITE=1))
    put(public / "a.mp3", MP3_BYTES)
    target = aimed(files)
    (public / "a.mp3").chmod(0)

    with without_root():
        result = await saved(files, target, MP3_BYTES)

    assert result.path == f"{public}/a-2.mp3"


# The extension


@pytest.mark.parametrize(
    ("given_path", "content", "asked", "name", "mime_type"),
    [
        ("a.png", JPEG_BYTES, "", "a.jpg", "image/jpeg"),
        ("a.jpeg", JPEG_BYTES, "", "a.jpeg", "image/jpeg"),
        ("a.JPG", JPEG_BYTES, "", "a.JPG", "image/jpeg"),
        ("a.jpeg", JPEG_BYTES, ".jpg", "a.jpeg", "image/jpeg"),
        ("a.png", b"\x00?", "", "a.png", "image/png"),
        ("a.png", b"\x00?", ".jpg", "a.jpg", "image/jpeg"),
        ("a.png", b"\x00?", ".xyz", "a.xyz", "application/octet-stream"),
        ("a.xyz", PNG_BYTES, "", "a.png", "image/png"),
        ("a.xyz", PNG_BYTES, ".abc", "a.abc", "application/octet-stream"),
        ("a.txt", b"GIF89a\x01\x00\x01\x00\x00\x00\x00,", "", "a.txt", "text/plain"),
        ("a.txt", b"", "", "a.txt", "text/plain"),
    ],
)
async def test_the_extension_tells_the_truth(
    files: Files, out: Path, given_path: str, content: bytes, asked: str, name: str, mime_type: str
) -> None:
    target = aimed(files, given_path, ".png", ".jpg", ".jpeg", ".xyz", ".txt")

    result = await saved(files, target, content, suffix=asked)

    assert result == SavedFile(f"{out}/{name}", f"file://{out}/{name}", mime_type, len(content))
    assert everything_in(out) == [name]


async def test_words_do_not_make_a_text_of_what_was_sent_as_something_else(files: Files, out: Path) -> None:
    assert (await saved(files, aimed(files), b"plain words")).path == f"{out}/a.mp3"


async def test_what_was_written_so_far_can_be_looked_at(files: Files, out: Path) -> None:
    async with files.saving(aimed(files)) as part:
        assert await part.kind() is None
        part.write(MP3_BYTES[:-100])
        assert await part.kind() is MP3
        part.write(MP3_BYTES[-100:])
        await part.publish()

    assert (out / "a.mp3").read_bytes() == MP3_BYTES


async def test_what_was_written_but_cannot_be_looked_at_is_a_clear_error(
    files: Files, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> int:
        raise OSError(errno.EIO, "Input/output error")

    async with files.saving(aimed(files)) as part:
        monkeypatch.setattr("os.dup", broken)
        with pytest.raises(DiskError) as caught:
            await part.kind()

    assert str(caught.value) == (
        f"Cannot read {out}/a.mp3: Input/output error. Check the path, or choose another folder."
    )


async def test_a_corrected_extension_replaces_nothing(overwriting: Files, out: Path) -> None:
    put(out / "a.png", PNG_BYTES)
    put(out / "a.jpg", JPEG_BYTES)

    result = await saved(overwriting, aimed(overwriting, "a.png", ".png", ".jpg"), JPEG_BYTES)

    assert result.path == f"{out}/a-2.jpg"


# File systems without links


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)


@pytest.mark.usefixtures("no_links")
async def test_where_files_cannot_have_two_names_nothing_is_replaced_either(files: Files, out: Path) -> None:
    one, two = aimed(files), aimed(files)

    assert (await saved(files, one, MP3_BYTES)).path == f"{out}/a.mp3"
    assert (await saved(files, two, b"second")).path == f"{out}/a-2.mp3"
    assert everything_in(out) == ["a-2.mp3", "a.mp3"]
    assert (out / "a.mp3").read_bytes() == MP3_BYTES


@pytest.mark.usefixtures("no_links")
async def test_a_disk_that_refuses_the_name_leaves_nothing(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = aimed(files)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("os.replace", refuse)

    with pytest.raises(DiskError) as caught:
        await saved(files, target, MP3_BYTES)
    assert str(caught.value) == (
        f"Cannot write {target.path}: Input/output error. Check the path, or choose another folder."
    )
    assert everything_in(tmp_path) == []


@pytest.mark.parametrize("overwrite", ["0", "1"])
async def test_a_made_name_that_another_call_takes_meanwhile_is_left_to_it(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch, overwrite: str
) -> None:
    files = Files(make_settings(OVERWRITE=overwrite))

    def slowly(folder: Path, places: Places) -> tuple[Folder, tuple[Path, ...]]:
        reached = reach(folder, places)
        put(out / "tts.mp3", MP3_BYTES + b"another's")
        return reached

    monkeypatch.setattr(targets, "made_name", lambda *_: "tts")
    monkeypatch.setattr(targets, "reach", slowly)
    target = aimed(files, "")
    assert (await saved(files, target, MP3_BYTES)).path == f"{out}/tts-2.mp3"
    assert (out / "tts.mp3").read_bytes() == MP3_BYTES + b"another's"
