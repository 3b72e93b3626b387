"""Files while they are written: under a temporary name, within the limit, and removed after a failure."""

import asyncio
import errno
import os
import re
import resource
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from tests.files.actions import read, resolve, save
from tests.files.samples import MP3_BYTES, PNG_BYTES, everything_in
from tests.support import MakeSettings
from webvoice_mcp.errors import DiskError, InvalidResponse
from webvoice_mcp.files import Files, SavedFile, read_back
from webvoice_mcp.files.kinds import MP3
from webvoice_mcp.files.path_policy import PathPolicy
from webvoice_mcp.files.temporary_file import SizeLimit, TemporaryFile


async def test_a_saved_file_is_described_correctly(files: Files, out: Path) -> None:
    result = await save(files, await resolve(files, "my song.mp3"), MP3_BYTES[:100], MP3_BYTES[100:])

    assert result == SavedFile(
        path=f"{out}/my song.mp3",
        uri=f"file://{out}/my%20song.mp3",
        mime_type="audio/mpeg",
        size_bytes=len(MP3_BYTES),
    )
    assert read_back(result) == MP3_BYTES
    assert everything_in(out) == ["my song.mp3"]


async def test_data_may_be_any_bytes_like_object(files: Files, out: Path) -> None:
    pieces: list[Any] = [b"a", bytearray(b"bc"), memoryview(b"def"), memoryview(b"ghij").cast("H"), b""]
    await save(files, await resolve(files), *pieces)

    assert (out / "a.mp3").read_bytes() == b"abcdefghij"


async def test_the_name_appears_only_when_the_file_is_complete(files: Files, out: Path) -> None:
    async with files.create(await resolve(files)) as file:
        file.write(MP3_BYTES)
        (hidden,) = everything_in(out)
        assert re.fullmatch(r"\.[0-9a-f]{16}\.part", hidden)
        assert stat.S_IMODE((out / hidden).stat().st_mode) == 0o600

        await file.publish()
        assert everything_in(out) == ["a.mp3"]


async def test_a_saved_file_has_the_permissions_of_new_files(files: Files, out: Path) -> None:
    for name, mask in (("a.mp3", 0), ("b.mp3", 0o027)):
        before = os.umask(mask)
        try:
            await save(files, await resolve(files, name), MP3_BYTES)
        finally:
            os.umask(before)
        assert stat.S_IMODE((out / name).stat().st_mode) == 0o666 & ~mask


async def test_content_is_saved_under_a_generated_name_with_the_fitting_extension(files: Files, out: Path) -> None:
    results = [
        await files.save(content, prefix="chat", name_from="A dot!") for content in (PNG_BYTES, PNG_BYTES, b"\0")
    ]

    assert [result.mime_type for result in results] == ["image/png", "image/png", "application/octet-stream"]
    assert [read_back(result) for result in results] == [PNG_BYTES, PNG_BYTES, b"\0"]
    assert all(re.fullmatch(r"chat-[0-9]{8}-[0-9]{6}-a-dot(-2)?\.(png|bin)", name) for name in everything_in(out))
    assert len(everything_in(out)) == 3


async def test_content_saved_before_counts_against_the_answers_limit(make_settings: MakeSettings) -> None:
    files = Files(make_settings(MAX_FILE_MB=1))
    await files.save(PNG_BYTES, prefix="chat", name_from="", already_saved=1024**2 - len(PNG_BYTES))
    with pytest.raises(InvalidResponse):
        await files.save(PNG_BYTES, prefix="chat", name_from="", already_saved=1024**2 - len(PNG_BYTES) + 1)


async def test_files_of_one_answer_share_the_limit_and_are_numbered(make_settings: MakeSettings, out: Path) -> None:
    files = Files(make_settings(MAX_FILE_MB="0.5"))

    async with files.create(await resolve(files)) as first:
        second = first.sibling()
        third = second.sibling()
        first.write(bytes(256 * 1024))
        second.write(bytes(256 * 1024))
        assert await first.same_as(second)
        assert not await first.same_as(third)
        with pytest.raises(InvalidResponse) as caught:
            third.write(b"x")
        await first.publish()
        await second.publish()

    assert str(caught.value) == (
        "The answer is larger than the 0.5 MB that WEBVOICE_MAX_FILE_MB allows, so it was stopped and discarded."
        " Raise the setting to accept such files."
    )
    assert everything_in(out) == ["a-2.mp3", "a.mp3"]


async def test_files_of_the_same_size_with_different_content_differ(files: Files) -> None:
    block = bytes(1024**2)
    async with files.create(await resolve(files)) as first:
        second = first.sibling()
        first.write(block + b"a")
        second.write(block + b"b")
        assert not await first.same_as(second)


async def test_the_kind_is_known_while_the_file_is_written(files: Files, out: Path) -> None:
    async with files.create(await resolve(files)) as file:
        assert await file.kind() is None
        file.write(MP3_BYTES[:-100])
        assert await file.kind() is MP3
        file.write(MP3_BYTES[-100:])
        await file.publish()

    assert (out / "a.mp3").read_bytes() == MP3_BYTES


async def test_the_default_thread_limiter_is_never_used(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    original = anyio.to_thread.run_sync

    async def with_limiter(*work: Any, limiter: anyio.CapacityLimiter | None = None) -> Any:
        assert limiter is not None
        return await original(*work, limiter=limiter)

    monkeypatch.setattr("anyio.to_thread.run_sync", with_limiter)
    target = await resolve(files)
    await files.release(target)
    async with files.create(target) as file:
        file.write(MP3_BYTES)
        assert await file.kind()
        assert await file.same_as(file)
        await file.publish()

    assert await read(files, "a.mp3") == MP3_BYTES


# Failures


async def test_a_file_that_is_not_published_leaves_nothing(files: Files, tmp_path: Path) -> None:
    async with files.create(await resolve(files, "x/y/a.mp3")) as file:
        file.write(MP3_BYTES)
        file.sibling().write(MP3_BYTES)

    assert everything_in(tmp_path) == []
    with pytest.raises(DiskError):
        file.write(MP3_BYTES)


async def test_a_cancelled_scope_leaves_nothing(files: Files, tmp_path: Path) -> None:
    with anyio.CancelScope() as scope:
        async with files.create(await resolve(files, "x/a.mp3")) as file:
            file.write(MP3_BYTES)
            scope.cancel()
            await anyio.sleep_forever()

    assert scope.cancelled_caught
    assert everything_in(tmp_path) == []


@contextmanager
def delayed(monkeypatch: pytest.MonkeyPatch, call: str) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Make a system call set an event when it starts, and wait for another event before it continues."""
    started, may_continue = threading.Event(), threading.Event()
    original = getattr(os, call)

    def slow(*arguments: object, **options: object) -> object:
        started.set()
        may_continue.wait(60)
        return original(*arguments, **options)

    monkeypatch.setattr(os, call, slow)
    yield started, may_continue
    may_continue.set()


@pytest.mark.parametrize(("call", "left"), [("open", []), ("link", ["a.mp3"])])
async def test_a_task_cancelled_in_a_system_call_leaves_all_or_nothing(
    files: Files, out: Path, monkeypatch: pytest.MonkeyPatch, call: str, left: list[str]
) -> None:
    target = await resolve(files)
    with delayed(monkeypatch, call) as (started, may_continue):
        task = asyncio.create_task(save(files, target, MP3_BYTES))
        await anyio.to_thread.run_sync(started.wait, 60)
        task.cancel()
        asyncio.get_running_loop().call_soon(may_continue.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    assert everything_in(out) == left
    assert all((out / name).read_bytes() == MP3_BYTES for name in left)


async def test_a_file_discarded_before_it_was_opened_is_never_created(files: Files, tmp_path: Path, out: Path) -> None:
    # A thread may start after its task has been cancelled and has discarded the file.
    file = TemporaryFile(await resolve(files), SizeLimit(1), PathPolicy(out, ()))
    file.discard()
    file.open()

    assert everything_in(tmp_path) == []
    os.fstat(1)  # no other descriptor was closed by mistake
    with pytest.raises(ValueError, match=r"^The file is not open\.$"):
        file.sibling()


async def test_a_full_disk_before_the_first_byte_is_a_clear_error(
    files: Files, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = await resolve(files)

    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.open", fail)
    with pytest.raises(DiskError) as caught:
        await save(files, target, MP3_BYTES)

    assert str(caught.value) == (
        f"Cannot write in {out}: No space left on device. Make room, or choose a folder on another disk."
    )


async def test_a_disk_that_becomes_full_is_a_clear_error_and_leaves_nothing(files: Files, tmp_path: Path) -> None:
    target = await resolve(files, "x/a.mp3")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        async with files.create(target) as file:
            with pytest.raises(DiskError) as caught:
                file.write(bytes(1001))
            (temporary,) = target.path.parent.iterdir()
            assert temporary.stat().st_size == 1000
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert str(caught.value) == f"Cannot write {target.path}: File too large. Choose a folder on another disk."
    assert everything_in(tmp_path) == []


async def test_a_disk_that_fails_to_close_the_file_leaves_nothing(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.close

    def broken(descriptor: int) -> None:
        original(descriptor)
        raise OSError(errno.EIO, "Input/output error")

    async with files.create(await resolve(files)) as file:
        file.write(MP3_BYTES)
        monkeypatch.setattr("os.close", broken)

    monkeypatch.undo()
    assert everything_in(tmp_path) == []


async def test_a_disk_that_fails_to_read_the_file_is_a_clear_error(
    files: Files, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> int:
        raise OSError(errno.EIO, "Input/output error")

    async with files.create(await resolve(files)) as file:
        monkeypatch.setattr("os.dup", broken)
        with pytest.raises(DiskError) as caught:
            await file.kind()

    assert str(caught.value) == (
        f"Cannot read {out}/a.mp3: Input/output error. Check the path, or choose another folder."
    )
