"""Folders that are renamed, swapped or removed after they were checked, and files under other names."""

# ruff: noqa: ASYNC240 - nothing else needs the event loop of these tests

import errno
import os
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.files.actions import read, resolve, save
from tests.files.samples import MP3_BYTES, PNG_BYTES, everything_in, put, without_root
from tests.support import MakeSettings, count_descriptors
from webvoice_mcp.errors import DiskError, FileError, FileExists, PathNotAllowed
from webvoice_mcp.files import Files, folders, read_back
from webvoice_mcp.files.disk import OPEN_FOLDER, OPEN_FOR_READING
from webvoice_mcp.files.path_policy import PathPolicy

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows cannot rename an open folder, and has other links")
on_linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux has /proc/self/fd")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The output folder."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def hide_descriptor_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the system hide the paths of open files."""
    original = os.readlink

    def hidden(path: str | Path, **options: int) -> str:
        if str(path).startswith("/proc/self/fd"):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        return original(path, **options)

    monkeypatch.setattr("os.readlink", hidden)


# Renamed folders


@on_linux
async def test_all_files_of_one_answer_are_saved_in_a_renamed_folder(files: Files, out: Path) -> None:
    async with files.create(await resolve(files, "here/a.mp3")) as first:
        first.write(MP3_BYTES)
        (out / "here").rename(out / "there")
        (out / "here").mkdir()
        second = first.sibling()
        second.write(MP3_BYTES)
        assert await first.same_as(second)
        results = [await file.publish() for file in (first, second)]

    assert [result.path for result in results] == [f"{out}/there/a.mp3", f"{out}/there/a-2.mp3"]
    assert read_back(results[0]) == MP3_BYTES
    assert everything_in(out) == ["here", "there", "there/a-2.mp3", "there/a.mp3"]


@on_linux
async def test_a_file_that_is_not_published_leaves_nothing_in_a_renamed_folder(files: Files, out: Path) -> None:
    async with files.create(await resolve(files, "here/a.mp3")) as file:
        file.write(MP3_BYTES)
        (out / "here").rename(out / "there")

    assert everything_in(out) == ["there"]


async def test_a_link_in_place_of_the_open_folder_is_not_followed(
    overwriting: Files, out: Path, tmp_path: Path
) -> None:
    put(tmp_path / "elsewhere/a.mp3", MP3_BYTES)
    put(out / "here/a.mp3", b"")

    def swap() -> None:
        (out / "here").rename(out / "aside")
        (out / "here").symlink_to(tmp_path / "elsewhere")

    await save(overwriting, await resolve(overwriting, "here/a.mp3"), MP3_BYTES, before_publishing=swap)

    assert (out / "aside/a.mp3").read_bytes() == MP3_BYTES
    assert everything_in(tmp_path / "elsewhere") == ["a.mp3"]
    assert everything_in(out / "aside") == ["a.mp3"]


async def test_a_folder_that_became_a_link_is_not_followed(files: Files, tmp_path: Path, out: Path) -> None:
    target = await resolve(files, "here/a.mp3")
    (out / "here").rename(tmp_path / "elsewhere")
    (out / "here").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(PathNotAllowed) as caught:
        await save(files, target, MP3_BYTES)
    assert str(caught.value) == f"{out}/here has been replaced by a link. Choose another output_path."
    assert everything_in(tmp_path / "elsewhere") == []


# Created folders


@pytest.mark.parametrize(("swapped", "has_descriptors"), [("x", True), ("x/y/z", True), ("x/y", False)])
async def test_a_link_that_appears_in_place_of_a_folder_is_not_followed(
    files: Files, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: str, has_descriptors: bool
) -> None:
    monkeypatch.setattr(folders, "HAS_DESCRIPTORS", has_descriptors)
    (tmp_path / "elsewhere").mkdir()
    original = os.mkdir

    def link_first(path: str | Path, *arguments: int, **options: int) -> None:
        if Path(path).name == Path(swapped).name:
            (out / swapped).symlink_to(tmp_path / "elsewhere")
        original(path, *arguments, **options)

    monkeypatch.setattr("os.mkdir", link_first)

    with pytest.raises(FileError, match=r"part of this one is a file, not a folder|has been replaced by a link"):
        await resolve(files, "x/y/z/a.mp3")
    assert everything_in(tmp_path / "elsewhere") == []


async def test_a_folder_that_another_process_creates_first_is_used_and_kept(
    files: Files, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.mkdir

    def second(path: str | Path, *arguments: int, **options: int) -> None:
        original(out / "here")
        original(path, *arguments, **options)

    monkeypatch.setattr("os.mkdir", second)
    target = await resolve(files, "here/a.mp3")

    assert target.made == ()
    assert (await save(files, target, MP3_BYTES)).path == f"{out}/here/a.mp3"


async def test_a_folder_that_was_removed_is_created_again(files: Files, out: Path) -> None:
    target = await resolve(files, "x/a.mp3")
    await files.release(target)

    await save(files, target, MP3_BYTES)

    assert everything_in(out) == ["x", "x/a.mp3"]


async def test_created_folders_are_not_removed_behind_a_link(files: Files, out: Path, tmp_path: Path) -> None:
    target = await resolve(files, "x/y/a.mp3")
    (out / "x").rename(out / "aside")
    (tmp_path / "elsewhere/y").mkdir(parents=True)
    (out / "x").symlink_to(tmp_path / "elsewhere")

    await files.release(target)

    assert everything_in(tmp_path / "elsewhere") == ["y"]
    assert everything_in(out) == ["aside", "aside/y", "x"]


@pytest.mark.skipif(not hasattr(os, "O_PATH"), reason="only Linux can open such a folder")
async def test_a_folder_that_may_not_be_listed_can_be_written(make_settings: MakeSettings, public: Path) -> None:
    files = Files(make_settings(OUTPUT_DIR=public, ALLOWED_DIRS=public))
    public.chmod(0o333)

    with without_root():
        result = await save(files, await resolve(files), MP3_BYTES)

    assert result.path == f"{public}/a.mp3"


# Systems that cannot open folders, or do not report the path of an open file


@pytest.fixture(params=["no open folders", "no descriptor paths"])
def limited_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "no open folders":
        monkeypatch.setattr(folders, "HAS_DESCRIPTORS", False)
    else:
        hide_descriptor_paths(monkeypatch)


@pytest.mark.usefixtures("limited_system")
async def test_a_limited_system_saves_and_reads_files_just_as_safely(
    make_settings: MakeSettings, out: Path, tmp_path: Path
) -> None:
    files = Files(make_settings(ALLOWED_DIRS=out, OVERWRITE=1))
    put(tmp_path / "secret.mp3", MP3_BYTES)

    async with files.create(await resolve(files, "x/y/a.mp3")) as first:
        first.write(MP3_BYTES)
        second = first.sibling()
        second.write(MP3_BYTES)
        assert await first.same_as(second)
        await first.publish()
        assert (await second.publish()).path == f"{out}/x/y/a-2.mp3"
    assert (await save(files, await resolve(files, "x/y/a.mp3"), MP3_BYTES)).path == f"{out}/x/y/a.mp3"
    async with files.create(await resolve(files, "z/a.mp3")) as file:
        file.write(MP3_BYTES)

    assert everything_in(out) == ["x", "x/y", "x/y/a-2.mp3", "x/y/a.mp3"]
    assert await read(files, "x/y/a.mp3") == MP3_BYTES
    with pytest.raises(PathNotAllowed, match="is outside"):
        await read(files, "../secret.mp3")
    target = await resolve(files, "here/a.mp3")
    (out / "here").rename(tmp_path / "elsewhere")
    (out / "here").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PathNotAllowed, match="has been replaced by a link"):
        await save(files, target, MP3_BYTES)
    assert everything_in(tmp_path / "elsewhere") == []


async def test_a_swapped_folder_is_detected_without_its_descriptors_path(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_descriptor_paths(monkeypatch)
    (out / "here").mkdir()
    descriptor = os.open(out / "here", OPEN_FOLDER)
    try:
        policy = PathPolicy(out, ())
        assert policy.still_allows(descriptor, out / "here")
        (out / "here").rename(out / "there")
        (out / "here").mkdir()
        assert not policy.still_allows(descriptor, out / "here")
    finally:
        os.close(descriptor)


# Other names of a file: a hard link, or another spelling on a file system that ignores case


@on_linux
def test_a_file_under_another_name_must_be_in_the_allowed_folders(out: Path, tmp_path: Path) -> None:
    for folder in ("in", "other"):
        (tmp_path / folder).mkdir()
    (tmp_path / "to-in").symlink_to("in")
    put(out / "a.mp3", MP3_BYTES)
    (tmp_path / "in/A.mp3").hardlink_to(out / "a.mp3")
    descriptor = os.open(tmp_path / "in/A.mp3", OPEN_FOR_READING)
    expected = {
        ("", ""): True,
        ("in", ""): True,
        ("to-in", ""): True,
        ("other", ""): False,
        ("in/not/yet", ""): False,
        ("in/A.mp3/not/yet", "not/yet/made"): True,
        ("other/not/yet", "not/yet/made"): False,
        ("out/a.mp3", ""): False,
    }
    try:
        found = {}
        for allowed, below in expected:
            policy = PathPolicy(tmp_path / "output", (tmp_path / allowed,) if allowed else ())
            found[allowed, below] = policy.still_allows(descriptor, out / "a.mp3", *Path(below).parts)
    finally:
        os.close(descriptor)
    assert found == expected


@on_linux
async def test_the_systems_own_spelling_of_a_path_is_accepted(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.readlink

    def respelled(path: str | Path, **options: int) -> str:
        return original(path, **options).replace(str(out), f"{out.parent}/OUT")

    monkeypatch.setattr("os.readlink", respelled)
    files = Files(make_settings(OUTPUT_DIR=out / "not/yet", ALLOWED_DIRS=out / "not/yet"))

    result = await save(files, await resolve(files, "here/a.mp3"), MP3_BYTES)
    assert result.path == f"{out.parent}/OUT/not/yet/here/a.mp3"
    assert await read(files, "here/a.mp3") == MP3_BYTES


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="realpath ignores links that it cannot read there")
async def test_a_link_that_cannot_be_read_is_a_clear_error(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out / "here").symlink_to("there")
    files = Files(make_settings(ALLOWED_DIRS=out))

    def gone(*_: object, **__: object) -> str:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr("os.readlink", gone)
    message = f"Cannot use {out}/here/a.mp3: Invalid argument. Check the path, or choose another folder."

    for action in (read, resolve):
        with pytest.raises(DiskError) as caught:
            await action(files, "here/a.mp3")
        assert str(caught.value) == message


async def test_a_uri_is_decoded_once(files: Files, out: Path) -> None:
    for written, name in (("a%20b.mp3", "a b.mp3"), ("a%2541.mp3", "a%41.mp3"), ("new%2F%C3%A9.mp3", "new/é.mp3")):
        result = await save(files, await resolve(files, f"file://{out}/{written}"), MP3_BYTES)
        assert result.path == f"{out}/{name}"
        assert await read(files, f"file://localhost{out}/{written}") == await read(files, result.uri) == MP3_BYTES


@pytest.mark.parametrize("replacement", ["nothing", "link", "another file"])
async def test_a_saved_file_that_was_replaced_is_not_read_back(
    files: Files, out: Path, tmp_path: Path, replacement: str
) -> None:
    result = await save(files, await resolve(files, "here/a.mp3"), MP3_BYTES)
    put(tmp_path / "secret", PNG_BYTES)
    (out / "here/a.mp3").rename(out / "aside.mp3")
    if replacement == "link":
        (out / "here/a.mp3").symlink_to(tmp_path / "secret")
    elif replacement == "another file":
        (out / "here/a.mp3").hardlink_to(tmp_path / "secret")

    with pytest.raises(DiskError, match=r"^Cannot read .*a\.mp3: |a\.mp3 is no longer the file that was saved"):
        read_back(result)


# Open folders


def test_a_dangling_link_counts_as_an_existing_name(out: Path) -> None:
    (out / "lost").symlink_to("nowhere")

    with closing(folders.Folder.open(out)) as folder:
        assert folder.stat("lost") is not None
        assert folder.stat("nowhere") is None


@pytest.mark.slow
@on_linux
async def test_no_descriptor_stays_open(files: Files, out: Path, tmp_path: Path) -> None:
    swapped = await resolve(files, "swapped/a.mp3")
    (out / "swapped").rename(tmp_path / "aside")
    (out / "swapped").symlink_to(tmp_path / "aside")

    async def work() -> None:
        async with files.create(await resolve(files, "x/y/a.mp3")) as file:
            file.write(MP3_BYTES)
            await file.same_as(file.sibling())
            await file.publish()
        await read(files, "x/y/a.mp3")
        with pytest.raises(FileExists):
            await resolve(files, "x/y/a.mp3")
        with pytest.raises(PathNotAllowed):
            await save(files, swapped, MP3_BYTES)
        (out / "x/y/a.mp3").unlink()
        await files.release(await resolve(files, "new/er/a.mp3"))

    await work()
    before = count_descriptors()
    for _ in range(20):
        await work()
    assert count_descriptors() == before
