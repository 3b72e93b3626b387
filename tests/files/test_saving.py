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

from tests.files.samples import MP3_BYTES, PNG_BYTES, everything_in
from tests.support import MakeSettings
from webvoice_mcp.errors import DiskError, InvalidResponse
from webvoice_mcp.files import Files, SavedFile, Target, content_of
from webvoice_mcp.files._part import Allowance, PartFile
from webvoice_mcp.files.places import Places


def aimed(files: Files, output_path: str = "a.mp3", *suffixes: str) -> Target:
    return files.target(output_path, tool="webvoice_tts", words="hello", suffixes=suffixes or (".mp3",))


async def saved(files: Files, target: Target, *pieces: bytes, suffix: str = "") -> SavedFile:
    async with files.saving(target) as part:
        for piece in pieces:
            part.write(piece)
        return await part.publish(suffix)


async def test_a_saved_file_is_described_as_it_is(files: Files, out: Path) -> None:
    result = await saved(files, aimed(files, "my song.mp3"), MP3_BYTES[:100], MP3_BYTES[100:])

    assert result == SavedFile(
        path=f"{out}/my song.mp3",
        uri=f"file://{out}/my%20song.mp3",
        mime_type="audio/mpeg",
        size_bytes=len(MP3_BYTES),
    )
    assert (out / "my song.mp3").read_bytes() == MP3_BYTES
    assert everything_in(out) == ["my song.mp3"]


async def test_bytes_come_in_any_form(files: Files, out: Path) -> None:
    async with files.saving(aimed(files)) as part:
        for piece in (b"a", bytearray(b"bc"), memoryview(b"def"), memoryview(b"ghij").cast("H"), b""):
            part.write(piece)
        await part.publish()

    assert (out / "a.mp3").read_bytes() == b"abcdefghij"


async def test_the_name_appears_only_when_the_file_is_whole(files: Files, out: Path) -> None:
    async with files.saving(aimed(files)) as part:
        part.write(MP3_BYTES)
        (hidden,) = everything_in(out)
        assert re.fullmatch(r"\.[0-9a-f]{16}\.part", hidden)
        assert stat.S_IMODE((out / hidden).stat().st_mode) == 0o600

        await part.publish()
        assert everything_in(out) == ["a.mp3"]


@pytest.mark.parametrize("umask", [0, 0o027])
async def test_a_saved_file_has_the_permissions_that_new_files_have(files: Files, out: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        await saved(files, aimed(files), MP3_BYTES)
    finally:
        os.umask(before)

    assert stat.S_IMODE((out / "a.mp3").stat().st_mode) == 0o666 & ~umask


async def test_what_is_there_already_is_kept_under_a_name_that_tells_what_it_is(files: Files, out: Path) -> None:
    saved = [
        await files.keep(content, tool="webvoice_chat", words="A dot!") for content in (PNG_BYTES, PNG_BYTES, b"\0")
    ]

    assert [each.mime_type for each in saved] == ["image/png", "image/png", "application/octet-stream"]
    assert [content_of(each) for each in saved] == [PNG_BYTES, PNG_BYTES, b"\0"]
    assert all(re.fullmatch(r"chat-[0-9]{8}-[0-9]{6}-a-dot(-2)?\.(png|bin)", name) for name in everything_in(out))
    assert len(everything_in(out)) == 3


async def test_what_is_kept_counts_with_what_was_kept_of_the_same_answer_before(make_settings: MakeSettings) -> None:
    files = Files(make_settings(MAX_FILE_MB=1))
    await files.keep(PNG_BYTES, tool="webvoice_chat", words="", kept=1024**2 - len(PNG_BYTES))
    with pytest.raises(InvalidResponse):
        await files.keep(PNG_BYTES, tool="webvoice_chat", words="", kept=1024**2 - len(PNG_BYTES) + 1)


async def test_a_saved_file_that_is_gone_again_cannot_be_read(files: Files, out: Path) -> None:
    result = await saved(files, aimed(files), MP3_BYTES)
    (out / "a.mp3").unlink()

    with pytest.raises(DiskError, match=r"Cannot read .*a\.mp3"):
        content_of(result)


async def test_several_files_of_one_answer_share_its_limit_and_are_numbered(
    make_settings: MakeSettings, out: Path
) -> None:
    files = Files(make_settings(MAX_FILE_MB="0.5"))

    async with files.saving(aimed(files)) as first:
        second = first.beside()
        third = second.beside()
        first.write(bytes(256 * 1024))
        second.write(bytes(256 * 1024))
        assert await first.same_as(second)
        assert not await first.same_as(third)
        with pytest.raises(InvalidResponse):
            third.write(b"x")
        await first.publish()
        await second.publish()

    assert everything_in(out) == ["a-2.mp3", "a.mp3"]


async def test_the_disk_is_used_in_threads_of_its_own(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    really_run = anyio.to_thread.run_sync

    async def without_shared_ones(*work: Any, limiter: anyio.CapacityLimiter | None = None) -> Any:
        assert limiter is not None
        return await really_run(*work, limiter=limiter)

    monkeypatch.setattr("anyio.to_thread.run_sync", without_shared_ones)
    target = await files.aim("a.mp3", tool="webvoice_tts", words="", suffixes=(".mp3",))
    await files.give_up(target)
    async with files.saving(target) as part:
        part.write(MP3_BYTES)
        assert await part.kind()
        assert await part.same_as(part)
        await part.publish()

    async with files.reading("a.mp3", family="audio", argument="audio_path") as source:
        assert [chunk async for chunk in source.chunks()] == [MP3_BYTES]


# What is left when it fails


async def test_what_is_not_published_leaves_nothing(files: Files, tmp_path: Path) -> None:
    async with files.saving(aimed(files, "x/y/a.mp3")) as part:
        part.write(MP3_BYTES)

    assert everything_in(tmp_path) == []


async def test_an_error_leaves_nothing(files: Files, tmp_path: Path) -> None:
    async def broken() -> None:
        async with files.saving(aimed(files, "x/a.mp3")) as part:
            part.write(MP3_BYTES)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await broken()

    assert everything_in(tmp_path) == []


async def test_a_cancelled_scope_leaves_nothing(files: Files, tmp_path: Path) -> None:
    with anyio.CancelScope() as scope:
        async with files.saving(aimed(files, "x/a.mp3")) as part:
            part.write(MP3_BYTES)
            scope.cancel()
            await anyio.sleep_forever()

    assert scope.cancelled_caught
    assert everything_in(tmp_path) == []


async def test_a_cancelled_task_leaves_nothing(files: Files, tmp_path: Path) -> None:
    at_work = asyncio.Event()

    async def work() -> None:
        async with files.saving(aimed(files, "x/a.mp3")) as part:
            part.write(MP3_BYTES)
            at_work.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await at_work.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert everything_in(tmp_path) == []


@contextmanager
def held_up(monkeypatch: pytest.MonkeyPatch, call: str) -> Iterator[tuple[threading.Event, threading.Event]]:
    """A system call that tells when it began and waits until it may end."""
    begun, go_on = threading.Event(), threading.Event()
    really = getattr(os, call)

    def slow(*arguments: object, **options: object) -> object:
        begun.set()
        go_on.wait(10)
        return really(*arguments, **options)

    monkeypatch.setattr(os, call, slow)
    yield begun, go_on
    go_on.set()


async def test_a_task_that_is_cancelled_while_the_file_is_opened_leaves_nothing(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = aimed(files)
    with held_up(monkeypatch, "open") as (begun, go_on):
        task = asyncio.create_task(saved(files, target, MP3_BYTES))
        await anyio.to_thread.run_sync(begun.wait, 10)
        task.cancel()
        asyncio.get_running_loop().call_soon(go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    assert everything_in(tmp_path) == []


async def test_a_task_that_is_cancelled_while_the_file_gets_its_name_leaves_it_whole(
    files: Files, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = aimed(files)
    with held_up(monkeypatch, "link") as (begun, go_on):
        task = asyncio.create_task(saved(files, target, MP3_BYTES))
        await anyio.to_thread.run_sync(begun.wait, 10)
        task.cancel()
        asyncio.get_running_loop().call_soon(go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    assert everything_in(out) == ["a.mp3"]
    assert (out / "a.mp3").read_bytes() == MP3_BYTES


def test_a_file_that_was_given_up_before_it_was_opened_is_never_opened(files: Files, tmp_path: Path, out: Path) -> None:
    # What remains of a task that is cancelled at that moment: the thread comes too late.
    file = PartFile(aimed(files), Allowance(1), Places(out, ()))
    file.discard()
    file.open()

    assert everything_in(tmp_path) == []
    os.fstat(1)  # nothing else was closed in its place


async def test_a_write_after_the_end_is_refused(files: Files, tmp_path: Path) -> None:
    async with files.saving(aimed(files)) as part:
        pass

    with pytest.raises(DiskError):
        part.write(MP3_BYTES)
    assert everything_in(tmp_path) == []


async def test_a_part_that_cannot_be_made_after_all_is_a_clear_error(
    files: Files, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = aimed(files)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.open", full)
    with pytest.raises(DiskError) as caught:
        await saved(files, target, MP3_BYTES)

    assert str(caught.value) == (
        f"Cannot write in {out}: No space left on device. Make room, or choose a folder on another disk."
    )


async def test_a_disk_that_fails_when_it_closes_the_file_leaves_nothing(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_close = os.close

    def broken(descriptor: int) -> None:
        really_close(descriptor)
        raise OSError(errno.EIO, "Input/output error")

    async with files.saving(aimed(files)) as part:
        part.write(MP3_BYTES)
        monkeypatch.setattr("os.close", broken)

    monkeypatch.undo()
    assert everything_in(tmp_path) == []


async def test_an_answer_over_the_limit_is_stopped(make_settings: MakeSettings, tmp_path: Path) -> None:
    files = Files(make_settings(MAX_FILE_MB="0.5"))
    async with files.saving(aimed(files)) as part:
        part.write(bytes(512 * 1024))
        with pytest.raises(InvalidResponse) as caught:
            part.write(b"x")

    assert str(caught.value) == (
        "The answer is larger than the 0.5 MB that WEBVOICE_MAX_FILE_MB allows, so it was stopped and not kept."
        " Raise the setting to accept such files."
    )
    assert everything_in(tmp_path) == []


async def test_a_disk_that_is_full_is_a_clear_error_and_leaves_nothing(files: Files, tmp_path: Path) -> None:
    target = aimed(files, "x/a.mp3")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # what lies beyond is refused, after a part was written
    try:
        async with files.saving(target) as part:
            with pytest.raises(DiskError) as caught:
                part.write(bytes(1001))
            (begun,) = target.path.parent.iterdir()
            assert begun.stat().st_size == 1000
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert str(caught.value) == f"Cannot write {target.path}: File too large. Choose a folder on another disk."
    assert everything_in(tmp_path) == []
