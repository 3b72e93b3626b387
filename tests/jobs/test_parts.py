"""Parts of long work that were paid for, kept on the disk."""
# ruff: noqa: ASYNC240 - the files are small

import os
import stat
import sys
from pathlib import Path

import pytest

from tests.files.samples import MP3_BYTES
from webvoice_mcp.errors import DiskError
from webvoice_mcp.jobs.parts import Parts

URL = "https://api.example/v1"
DAY = 86_400.0
REPLY = {"text": "Good day", "credits_used": 0.3}


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "parts"


async def kept(folder: Path, *names: str, url: str = URL) -> list[str]:
    found = await Parts(folder, url).find(names)
    return sorted(found)


async def keep(parts: Parts, name: str, media: bytes = b"") -> None:
    await parts.prepare()
    file = parts.new_media() if media else None
    if file:
        file.write(media)
    await parts.keep(name, REPLY, file)


async def test_a_kept_part_is_found_by_a_later_server(folder: Path) -> None:
    await keep(Parts(folder, URL), "a", MP3_BYTES)
    found = await Parts(folder, URL).find(["a", "b"])
    assert list(found) == ["a"]
    assert found["a"].reply == REPLY
    assert found["a"].media is not None
    assert found["a"].media.read_bytes() == MP3_BYTES


async def test_a_part_of_another_service_is_not_found(folder: Path) -> None:
    await keep(Parts(folder, URL), "a")
    assert await kept(folder, "a", url="http://127.0.0.1:8787/api/v1") == []


async def test_a_part_without_its_whole_media_is_not_found(folder: Path) -> None:
    await keep(Parts(folder, URL), "a", MP3_BYTES)
    (media,) = folder.glob("*.media")
    media.write_bytes(MP3_BYTES[:-1])
    assert await kept(folder, "a") == []
    media.unlink()
    assert await kept(folder, "a") == []


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"reply": 1, "media": 0}', b"\xff"])
async def test_a_damaged_part_is_not_found(folder: Path, content: bytes) -> None:
    await keep(Parts(folder, URL), "a")
    (reply,) = folder.glob("*.json")
    reply.write_bytes(content)
    assert await kept(folder, "a") == []


async def test_forgotten_parts_leave_nothing(folder: Path) -> None:
    parts = Parts(folder, URL)
    await keep(parts, "a", MP3_BYTES)
    await keep(parts, "b")
    await parts.forget(["a", "b", "c"])
    assert [path.name for path in folder.iterdir()] == ["lock"]


async def test_media_that_were_not_kept_are_deleted(folder: Path) -> None:
    parts = Parts(folder, URL)
    await parts.prepare()
    file = parts.new_media()
    file.write(b"half")
    file.discard()
    assert [path.name for path in folder.iterdir()] == ["lock"]


async def test_what_a_killed_server_left_incomplete_goes_after_a_day(folder: Path) -> None:
    await keep(Parts(folder, URL), "a", MP3_BYTES)
    left = folder / "0a.part"
    left.write_bytes(MP3_BYTES)
    written_at = left.stat().st_mtime
    await Parts(folder, URL, clock=Clock(written_at + DAY - 60)).prepare()
    assert left.exists()
    await Parts(folder, URL, clock=Clock(written_at + DAY + 60)).prepare()
    assert not left.exists()
    assert await kept(folder, "a") == ["a"]


async def test_parts_are_kept_for_thirty_days(folder: Path) -> None:
    await keep(Parts(folder, URL), "a", MP3_BYTES)
    saved_at = next(folder.glob("*.json")).stat().st_mtime
    await Parts(folder, URL, clock=Clock(saved_at + 30 * DAY - 60)).prepare()
    assert await kept(folder, "a") == ["a"]
    await Parts(folder, URL, clock=Clock(saved_at + 30 * DAY + 60)).prepare()
    assert [path.name for path in folder.iterdir()] == ["lock"]


async def test_the_oldest_parts_go_when_they_are_too_large(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Parts(folder, URL, clock=Clock(ord("d")))
    for name in ("a", "b", "c"):
        before = set(folder.glob("*"))
        await keep(parts, name, b"x" * 1000)
        for path in set(folder.glob("*")) - before:
            os.utime(path, (ord(name), ord(name)))
    monkeypatch.setattr("webvoice_mcp.jobs.parts._MAX_BYTES", 2500)
    await parts.prepare()
    assert await kept(folder, "a", "b", "c") == ["b", "c"]


async def test_a_part_that_another_call_delivers_meanwhile_is_no_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(Parts(folder, URL), "a")
    await keep(Parts(folder, URL), "b")
    lstat = Path.lstat

    def deliver(path: Path) -> os.stat_result:
        if path.suffix == ".json":
            path.unlink()
        return lstat(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "lstat", deliver)
        await Parts(folder, URL).prepare()
    assert await kept(folder, "a", "b") == []


async def test_a_part_that_another_call_holds_is_not_forgotten(folder: Path) -> None:
    parts = Parts(folder, URL)
    await keep(parts, "a")
    await keep(parts, "b")
    assert await parts.hold(["a"])
    assert await parts.hold(["a", "b"])
    await parts.forget(["a", "b"])
    assert await kept(folder, "a", "b") == ["a"]
    await parts.release(["a", "b"])
    await parts.forget(["a"])
    await parts.release(["a"])
    assert await kept(folder, "a") == []
    await parts.aclose()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
async def test_kept_parts_are_private_whatever_the_umask(folder: Path) -> None:
    before = os.umask(0)
    try:
        await keep(Parts(folder, URL), "a", MP3_BYTES)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


async def test_work_is_reserved_for_one_call_at_a_time(folder: Path) -> None:
    one = Parts(folder, URL)
    await one.prepare()
    assert await one.hold(["ab"])
    assert not await one.hold(["ab"])
    assert await one.hold(["cd"])
    await one.release(["ab"])
    assert await one.hold(["ab"])
    await one.aclose()


async def test_work_that_ends_after_its_server_is_given_up_all_the_same(folder: Path) -> None:
    one, other = Parts(folder, URL), Parts(folder, URL)
    await one.prepare()
    assert await one.hold(["ab"])
    await one.aclose()
    await one.release(["ab"])
    assert await other.hold(["ab"])
    await other.aclose()


async def test_a_folder_that_cannot_be_used_is_told_with_its_setting(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_bytes(b"")
    with pytest.raises(DiskError, match=r"Cannot keep parts of long work in .*WEBVOICE_STATE_DIR"):
        await Parts(folder, URL).prepare()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
async def test_a_link_in_place_of_a_part_is_not_followed(folder: Path, tmp_path: Path) -> None:
    parts = Parts(folder, URL)
    await keep(parts, "a")
    (reply,) = folder.glob("*.json")
    reply.rename(tmp_path / "elsewhere.json")
    reply.symlink_to(tmp_path / "elsewhere.json")
    assert await kept(folder, "a") == []


async def test_a_lock_or_a_part_that_cannot_be_written_is_told(folder: Path) -> None:
    parts = Parts(folder, URL)
    await parts.prepare()
    media = parts.new_media()
    (folder / "lock").unlink()
    (folder / "lock").mkdir()
    with pytest.raises(DiskError, match=r"Cannot keep parts of long work in .*WEBVOICE_STATE_DIR"):
        await parts.hold(["ab"])
    (folder / "lock").rmdir()
    media.discard()
    folder.rmdir()
    with pytest.raises(DiskError, match=r"Cannot write "):
        parts.new_media()
    with pytest.raises(DiskError, match=r"Cannot keep parts of long work in .*WEBVOICE_STATE_DIR"):
        await parts.keep("a", REPLY, None)
