"""Folders that are renamed, swapped or taken away between the look at them and the file in them."""

import errno
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.files.samples import MP3_BYTES, everything_in, put, without_root
from tests.support import MakeSettings
from webvoice_mcp.errors import FileError, FileExists, PathNotAllowed
from webvoice_mcp.files import Files, SavedFile, Target, _folder, content_of
from webvoice_mcp.files._disk import FOLDER
from webvoice_mcp.files._part import Allowance, PartFile
from webvoice_mcp.files.places import Places

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there an open folder cannot be renamed")
on_linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts and asks where Linux tells")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The output folder."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def aimed(files: Files, output_path: str = "here/a.mp3") -> Target:
    return files.target(output_path, tool="webvoice_tts", words="", suffixes=(".mp3",))


async def saved(files: Files, target: Target, meanwhile: Callable[[], object] = lambda: None) -> SavedFile:
    async with files.saving(target) as part:
        part.write(MP3_BYTES)
        meanwhile()
        return await part.publish()


def not_listed(folder: Path) -> None:
    folder.chmod(0o333)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def read(files: Files, path: str) -> bytes:
    async with files.reading(path, family="audio", argument="audio_path") as source:
        return b"".join([chunk async for chunk in source.chunks()])


def silence_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it not tell where an open file lies."""
    really = os.readlink

    def silent(path: str | Path, **options: int) -> str:
        if str(path).startswith("/proc/self/fd"):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        return really(path, **options)

    monkeypatch.setattr("os.readlink", silent)


# Renamed


@on_linux
async def test_a_folder_that_is_renamed_meanwhile_loses_nothing(files: Files, out: Path) -> None:
    result = await saved(files, aimed(files), lambda: (out / "here").rename(out / "there"))

    assert (result.path, result.uri) == (f"{out}/there/a.mp3", f"file://{out}/there/a.mp3")
    assert content_of(result) == MP3_BYTES
    assert everything_in(out) == ["there", "there/a.mp3"]


@on_linux
async def test_all_files_of_one_answer_lie_in_the_folder_that_was_renamed(files: Files, out: Path) -> None:
    async with files.saving(aimed(files)) as part:
        part.write(MP3_BYTES)
        (out / "here").rename(out / "there")
        (out / "here").mkdir()
        other = part.beside()
        other.write(MP3_BYTES)
        assert await part.same_as(other)
        results = [await each.publish() for each in (part, other)]

    assert [each.path for each in results] == [f"{out}/there/a.mp3", f"{out}/there/a-2.mp3"]
    assert everything_in(out) == ["here", "there", "there/a-2.mp3", "there/a.mp3"]


@on_linux
async def test_what_is_not_published_leaves_nothing_in_a_renamed_folder_either(files: Files, out: Path) -> None:
    async with files.saving(aimed(files)) as part:
        part.write(MP3_BYTES)
        (out / "here").rename(out / "there")

    assert everything_in(out) == ["there"]


async def test_a_link_in_the_place_of_the_folder_is_not_followed(overwriting: Files, out: Path, tmp_path: Path) -> None:
    put(tmp_path / "elsewhere/a.mp3", MP3_BYTES)
    put(out / "here/a.mp3", b"")

    def swap() -> None:
        (out / "here").rename(out / "aside")
        (out / "here").symlink_to(tmp_path / "elsewhere")

    await saved(overwriting, aimed(overwriting), swap)

    assert (out / "aside/a.mp3").read_bytes() == MP3_BYTES
    assert everything_in(tmp_path / "elsewhere") == ["a.mp3"]
    assert everything_in(out / "aside") == ["a.mp3"]


# Made


@pytest.mark.parametrize("by_descriptor", [True, False])
@pytest.mark.parametrize("swapped", ["x", "x/y", "x/y/z"])
def test_a_link_that_appears_where_a_folder_is_made_is_not_followed(
    files: Files, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: str, by_descriptor: bool
) -> None:
    monkeypatch.setattr(_folder, "_BY_DESCRIPTOR", by_descriptor)
    (tmp_path / "elsewhere").mkdir()
    really_make = os.mkdir

    def first(path: str | Path, *arguments: int, **options: int) -> None:
        if Path(path).name == Path(swapped).name:
            (out / swapped).symlink_to(tmp_path / "elsewhere")
        really_make(path, *arguments, **options)

    monkeypatch.setattr("os.mkdir", first)

    with pytest.raises(FileError, match=r"a part of this one is a file, not a folder|has become a link meanwhile"):
        aimed(files, "x/y/z/a.mp3")
    assert everything_in(tmp_path / "elsewhere") == []


async def test_a_folder_that_somebody_else_makes_first_is_used_and_left(
    files: Files, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_make = os.mkdir

    def second(path: str | Path, *arguments: int, **options: int) -> None:
        really_make(out / "here")
        really_make(path, *arguments, **options)

    monkeypatch.setattr("os.mkdir", second)
    target = aimed(files)

    assert target.made == ()
    assert (await saved(files, target)).path == f"{out}/here/a.mp3"


@pytest.mark.parametrize("told", [True, False])
def test_folders_made_in_vain_are_not_sought_behind_a_link(
    files: Files, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    if not told:
        silence_the_system(monkeypatch)
    target = aimed(files, "x/y/a.mp3")
    (out / "x").rename(out / "aside")
    (tmp_path / "elsewhere/y").mkdir(parents=True)
    (out / "x").symlink_to(tmp_path / "elsewhere")

    files.abandon(target)

    assert everything_in(tmp_path / "elsewhere") == ["y"]
    assert everything_in(out) == ["aside", "aside/y", "x"]


@pytest.mark.skipif(not hasattr(os, "O_PATH"), reason="such a folder can be opened on Linux only")
async def test_a_folder_that_may_not_be_listed_can_be_written_in(make_settings: MakeSettings, public: Path) -> None:
    files = Files(make_settings(OUTPUT_DIR=public, ALLOWED_DIRS=public))
    not_listed(public)

    with without_root():
        result = await saved(files, aimed(files, "a.mp3"))

    assert result.path == f"{public}/a.mp3"


# Where the system opens no folders, or does not tell where what is open lies


@pytest.fixture(params=["no open folders", "no true paths"])
def poor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "no open folders":
        monkeypatch.setattr(_folder, "_BY_DESCRIPTOR", False)
    else:
        silence_the_system(monkeypatch)


@pytest.mark.usefixtures("poor")
async def test_files_are_saved_and_read_there_as_well(make_settings: MakeSettings, out: Path, tmp_path: Path) -> None:
    files = Files(make_settings(ALLOWED_DIRS=out, OVERWRITE=1))
    put(tmp_path / "secret.mp3", MP3_BYTES)

    async with files.saving(aimed(files, "x/y/a.mp3")) as part:
        part.write(MP3_BYTES)
        other = part.beside()
        other.write(MP3_BYTES)
        assert await part.same_as(other)
        await part.publish()
        assert (await other.publish()).path == f"{out}/x/y/a-2.mp3"
    assert (await saved(files, aimed(files, "x/y/a.mp3"))).path == f"{out}/x/y/a.mp3"
    async with files.saving(aimed(files, "z/a.mp3")) as part:
        part.write(MP3_BYTES)

    assert everything_in(out) == ["x", "x/y", "x/y/a-2.mp3", "x/y/a.mp3"]
    assert await read(files, "x/y/a.mp3") == MP3_BYTES
    with pytest.raises(PathNotAllowed, match="lies outside"):
        await read(files, "../secret.mp3")


@pytest.mark.usefixtures("poor")
async def test_a_folder_that_became_a_link_is_not_followed_there_either(
    files: Files, out: Path, tmp_path: Path
) -> None:
    target = aimed(files)
    (out / "here").rename(tmp_path / "elsewhere")
    (out / "here").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(PathNotAllowed) as caught:
        await saved(files, target)
    assert str(caught.value) == f"{out}/here has become a link meanwhile. Choose another output_path."
    assert everything_in(tmp_path / "elsewhere") == []


async def test_another_folder_in_the_place_of_one_that_is_open_is_seen_without_a_true_path(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence_the_system(monkeypatch)
    (out / "here").mkdir(parents=True)
    descriptor = os.open(out / "here", FOLDER)
    try:
        places = Places(out, ())
        assert places.hold(descriptor, out / "here")
        (out / "here").rename(out / "there")
        (out / "here").mkdir()
        assert not places.hold(descriptor, out / "here")
    finally:
        os.close(descriptor)


# What stays open


def test_a_link_that_leads_nowhere_is_something(out: Path) -> None:
    (out / "lost").symlink_to("nowhere")

    with closing(_folder.Folder.opened(out)) as folder:
        assert folder.status("lost") is not None
        assert folder.status("nowhere") is None


async def test_a_part_that_is_not_open_has_none_beside_it(files: Files, out: Path) -> None:
    part = PartFile(aimed(files), Allowance(1), Places(out, ()))

    with pytest.raises(ValueError, match="not open"):
        part.beside()


@on_linux
async def test_no_descriptor_stays_open(files: Files, out: Path, tmp_path: Path) -> None:
    swapped = aimed(files, "swapped/a.mp3")
    (out / "swapped").rename(tmp_path / "aside")
    (out / "swapped").symlink_to(tmp_path / "aside")

    async def work() -> None:
        async with files.saving(aimed(files, "x/y/a.mp3")) as part:
            part.write(MP3_BYTES)
            await part.same_as(part.beside())
            await part.publish()
        await read(files, "x/y/a.mp3")
        with pytest.raises(FileExists):
            aimed(files, "x/y/a.mp3")
        with pytest.raises(PathNotAllowed):
            await saved(files, swapped)
        (out / "x/y/a.mp3").unlink()
        files.abandon(aimed(files, "new/er/a.mp3"))

    await work()
    before = descriptors()
    for _ in range(20):
        await work()
    assert descriptors() == before
