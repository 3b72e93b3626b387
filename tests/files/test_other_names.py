"""Files that go by another name than the one that was looked at: links, spellings, URIs."""

import errno
import os
import sys
from pathlib import Path

import pytest

from tests.files.samples import MP3_BYTES, PNG_BYTES, put
from tests.support import MakeSettings
from webvoice_mcp.errors import DiskError
from webvoice_mcp.files import Files, SavedFile, Target, content_of
from webvoice_mcp.files._disk import READ
from webvoice_mcp.files.places import Places

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links as POSIX has them")
on_linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system is asked as on Linux")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The output folder."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def aimed(files: Files, output_path: str = "here/a.mp3") -> Target:
    return files.target(output_path, tool="webvoice_tts", words="", suffixes=(".mp3",))


async def saved(files: Files, target: Target) -> SavedFile:
    async with files.saving(target) as part:
        part.write(MP3_BYTES)
        return await part.publish()


async def read(files: Files, path: str) -> bytes:
    async with files.reading(path, family="audio", argument="audio_path") as source:
        return b"".join([chunk async for chunk in source.chunks()])


# A file with two names stands for one with two spellings, where case does not count.


@on_linux
@pytest.mark.parametrize(
    ("allowed", "below", "held"),
    [
        ("", "", True),
        ("in", "", True),
        ("to-in", "", True),
        ("other", "", False),
        ("in/not/yet", "", False),
        ("in/A.mp3/not/yet", "not/yet/made", True),
        ("other/not/yet", "not/yet/made", False),
        ("out/a.mp3", "", False),
    ],
)
def test_what_goes_by_another_name_has_to_lie_in_the_allowed_folders(
    out: Path, tmp_path: Path, allowed: str, below: str, held: bool
) -> None:
    for folder in ("in", "other"):
        (tmp_path / folder).mkdir()
    (tmp_path / "to-in").symlink_to("in")
    put(out / "a.mp3", MP3_BYTES)
    (tmp_path / "in/A.mp3").hardlink_to(out / "a.mp3")
    places = Places(tmp_path / "output", (tmp_path / allowed,) if allowed else ())
    descriptor = os.open(tmp_path / "in/A.mp3", READ)
    try:
        assert places.hold(descriptor, out / "a.mp3", *Path(below).parts) is held
    finally:
        os.close(descriptor)


@on_linux
async def test_a_system_that_spells_a_path_in_another_way_is_understood(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As one where case does not count may.
    really = os.readlink

    def spelt(path: str | Path, **options: int) -> str:
        return really(path, **options).replace(str(out), f"{out.parent}/OUT")

    monkeypatch.setattr("os.readlink", spelt)
    files = Files(make_settings(OUTPUT_DIR=out / "not/yet", ALLOWED_DIRS=out / "not/yet"))

    assert (await saved(files, aimed(files))).path == f"{out.parent}/OUT/not/yet/here/a.mp3"
    assert await read(files, "here/a.mp3") == MP3_BYTES


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="there realpath takes a link that cannot be read for none")
async def test_a_link_that_is_gone_when_it_is_read_is_a_clear_error(
    make_settings: MakeSettings, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out / "here").symlink_to("there")
    files = Files(make_settings(ALLOWED_DIRS=out))

    def gone(*_: object, **__: object) -> str:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr("os.readlink", gone)
    said = f"Cannot use {out}/here/a.mp3: Invalid argument. Check the path, or choose another folder."

    with pytest.raises(DiskError) as reading:
        await read(files, "here/a.mp3")
    with pytest.raises(DiskError) as writing:
        aimed(files)
    assert (str(reading.value), str(writing.value)) == (said, said)


# What was saved


@pytest.mark.parametrize("linked", [True, False])
async def test_another_file_in_the_place_of_a_saved_one_is_not_shown(
    files: Files, out: Path, tmp_path: Path, linked: bool
) -> None:
    result = await saved(files, aimed(files))
    put(tmp_path / "secret", PNG_BYTES)
    if linked:
        (out / "here/a.mp3").unlink()
        (out / "here/a.mp3").symlink_to(tmp_path / "secret")
    else:
        (out / "here").rename(out / "aside")
        (out / "here").mkdir()
        (out / "here/a.mp3").hardlink_to(tmp_path / "secret")

    with pytest.raises(DiskError):
        content_of(result)


async def test_a_uri_is_decoded_once(files: Files, out: Path) -> None:
    for written, name in (("a%20b.mp3", "a b.mp3"), ("a%2541.mp3", "a%41.mp3"), ("new%2F%C3%A9.mp3", "new/é.mp3")):
        result = await saved(files, aimed(files, f"file://{out}/{written}"))
        assert result.path == f"{out}/{name}"
        assert await read(files, f"file://localhost{out}/{written}") == await read(files, result.uri) == MP3_BYTES
