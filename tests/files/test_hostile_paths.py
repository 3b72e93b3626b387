"""Hostile paths and files are refused by all tools that take them: nothing is created, sent or waited for.

The last part swaps a folder for a link while a file is read or written.
"""

import errno
import io
import os
import socket
import sqlite3
import tracemalloc
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.types import CallToolResult

from tests.files.actions import read, resolve, save
from tests.files.samples import (
    FLAC_BYTES,
    FRAME,
    JPEG_BYTES,
    MP3_BYTES,
    PNG_BYTES,
    box,
    everything_in,
    mp4_bytes,
    wav_bytes,
)
from tests.support import MakeSettings, connected
from webvoice_mcp.errors import DiskError, FileExists, InvalidArgument, PathNotAllowed, WebVoiceError
from webvoice_mcp.files import Files
from webvoice_mcp.files.kinds import MP3, WAV
from webvoice_mcp.settings import Settings

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links, pipes and sockets as POSIX has them")

LINK = "https://example.com/a.png"
TOOLS: dict[str, Callable[[str], dict[str, Any]]] = {
    "webvoice_tts": lambda path: {"text": "Hi", "output_path": path},
    "webvoice_stt": lambda path: {"audio_path": path},
    "webvoice_whisper_fast_stt": lambda path: {"audio_path": path},
    "webvoice_image_to_image": lambda path: {"prompt": "x", "images": [LINK, path]},
    "webvoice_image_to_video": lambda path: {"prompt": "x", "image": path},
    "webvoice_estimate_credits": lambda path: {"tool": "webvoice_stt", "arguments": {"audio_path": path}},
}
READERS = [tool for tool in TOOLS if tool != "webvoice_tts"]
OUTSIDE, WRONG, ABSENT = "path_not_allowed", "invalid_argument", "file_not_found"

# Refusals with WEBVOICE_ALLOWED_DIRS: a path, its error code for writing, and its error code for reading.
PATHS: list[tuple[str, str, str]] = [
    ("../secret.mp3", OUTSIDE, OUTSIDE),
    ("sub/../../secret.mp3", OUTSIDE, OUTSIDE),
    ("../" * 50 + "secret.mp3", OUTSIDE, OUTSIDE),
    ("{tmp}/out/../secret.mp3", OUTSIDE, OUTSIDE),
    ("{tmp}/out2/x.mp3", OUTSIDE, OUTSIDE),
    ("//server/share/x.mp3", OUTSIDE, OUTSIDE),
    ("link.mp3", OUTSIDE, OUTSIDE),
    ("lost.mp3", OUTSIDE, OUTSIDE),
    ("way-out/secret.mp3", OUTSIDE, OUTSIDE),
    ("way-out/new/x.mp3", OUTSIDE, OUTSIDE),
    ("loop.mp3", "disk_error", "disk_error"),
    ("loop.mp3/x.mp3", "disk_error", "disk_error"),
    ("pipe.mp3", OUTSIDE, "unsupported_media"),
    ("socket.mp3", OUTSIDE, "unsupported_media"),
    ("to-pipe.mp3", OUTSIDE, "unsupported_media"),
    *((f"/dev/{name}", OUTSIDE, OUTSIDE) for name in ("zero", "full", "stdin", "tty", "fd/0", "../dev/null")),
    ("/proc/self/environ", OUTSIDE, OUTSIDE),
    ("/proc/self/fd/0", OUTSIDE, OUTSIDE),
    ("/proc/self/root/etc/passwd", OUTSIDE, OUTSIDE),
    ("/proc/self/cwd/x.mp3", OUTSIDE, OUTSIDE),
    ("~", OUTSIDE, OUTSIDE),
    ("~root/x.mp3", OUTSIDE, OUTSIDE),
    ("~no-such-user/x.mp3", WRONG, WRONG),
    ("file://{tmp}/secret.mp3", OUTSIDE, OUTSIDE),
    ("FILE://{tmp}/secret.mp3", OUTSIDE, OUTSIDE),
    ("file://localhost{tmp}/secret.mp3", OUTSIDE, OUTSIDE),
    ("file://{tmp}/out/%2e%2e/secret.mp3", OUTSIDE, OUTSIDE),
    ("file://{tmp}/out/..%2fsecret.mp3", OUTSIDE, OUTSIDE),
    ("file://{tmp}/out/way-out%2Fsecret.mp3", OUTSIDE, OUTSIDE),
    ("file://{tmp}/out/%2Ehidden.mp3", OUTSIDE, ABSENT),
    ("a\x00b.mp3", WRONG, WRONG),
    ("aux.mp3", WRONG, ABSENT),
    ("COM1", WRONG, ABSENT),
    ("nul .tar.mp3", WRONG, ABSENT),
    ("sub./x.mp3", WRONG, ABSENT),
    ("x.mp3 ", WRONG, ABSENT),
    ("é" * 130 + ".mp3", WRONG, ABSENT),
    ("x" * 300, WRONG, ABSENT),
    ("sub/" * 1500 + "x.mp3", WRONG, ABSENT),
    ("file://{tmp}/out/a%00b.mp3", WRONG, WRONG),
    ("file://{tmp}/out/%00/b.mp3", WRONG, WRONG),
    ("file://{tmp}/out/a%0Ab.mp3", WRONG, ABSENT),
    ("file://{tmp}/out/a%0Ab/x.mp3", WRONG, ABSENT),
    ("file://{tmp}/out/C%4FN.mp3", WRONG, ABSENT),
    ("file://{tmp}/out/C%4FN/x.mp3", WRONG, ABSENT),
    ("file://{tmp}/out/a%20/x.mp3", WRONG, ABSENT),
]

# Refusals without WEBVOICE_ALLOWED_DIRS, when all folders are allowed.
DEVICES = [
    (path, OUTSIDE, "unsupported_media")
    for path in ("pipe.mp3", "to-pipe.mp3", "/dev/zero", "/dev/full", "/dev/null", "/dev/tty")
    if not path.startswith("/") or Path(path).exists()
]


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """The output folder, with traps in it, and beside it a file that must not be read."""
    folder = tmp_path / "out"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "secret.mp3").write_bytes(MP3_BYTES)
    (folder / "link.mp3").symlink_to(tmp_path / "secret.mp3")
    (folder / "lost.mp3").symlink_to(tmp_path / "nowhere.mp3")
    (folder / "way-out").symlink_to(tmp_path)
    (folder / "loop.mp3").symlink_to("pool.mp3")
    (folder / "pool.mp3").symlink_to("loop.mp3")
    os.mkfifo(folder / "pipe.mp3")
    (folder / "to-pipe.mp3").symlink_to("pipe.mp3")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket.mp3"))
        yield folder


class BrokenService(httpx2.AsyncBaseTransport):
    """A service that counts requests and answers none."""

    def __init__(self) -> None:
        self.requests = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests += 1
        raise httpx2.ReadError("broken")


def code_of(result: CallToolResult) -> str:
    return (result.meta or {}).get("webvoice/error", {}).get("code", "") if result.is_error else "accepted"


async def codes(settings: Settings, tool: str, calls: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the error code of each call, "sent" for a call that made a request."""
    service = BrokenService()
    found = {}
    async with connected(settings, service) as client:
        with anyio.fail_after(60):  # opening a pipe would wait for its other end
            for name, call in calls.items():
                code = code_of(await client.call_tool(tool, call))
                found[name] = "sent" if service.requests else code
                service.requests = 0
    return found


async def refuse(settings: Settings, tool: str, rows: list[tuple[str, str, str]], tmp_path: Path) -> None:
    before = everything_in(tmp_path)
    calls = {path: TOOLS[tool](path.format(tmp=tmp_path)) for path, _, _ in rows}
    found = await codes(settings, tool, calls)
    assert found == {path: reading if tool in READERS else writing for path, writing, reading in rows}
    assert [path for path in everything_in(tmp_path) if not path.startswith("state")] == before


@pytest.mark.parametrize("tool", TOOLS)
async def test_no_tool_reads_or_writes_devices_or_outside_the_allowed_folders(
    make_settings: MakeSettings, tmp_path: Path, out: Path, tool: str
) -> None:
    await refuse(make_settings(ALLOWED_DIRS=out), tool, PATHS, tmp_path)
    await refuse(make_settings(), tool, DEVICES, tmp_path)


async def test_a_descriptor_of_the_server_is_not_read(make_settings: MakeSettings, out: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, MP3_BYTES)
    try:
        for path in (f"/proc/self/fd/{reader}", f"/dev/fd/{reader}"):
            found = await codes(make_settings(), "webvoice_stt", {path: {"audio_path": path}})
            assert found[path] in {"unsupported_media", "file_not_found"}
        assert os.read(reader, 1 << 16) == MP3_BYTES
    finally:
        os.close(reader)
        os.close(writer)


async def test_a_parameter_that_takes_only_links_refuses_every_path(make_settings: MakeSettings, out: Path) -> None:
    parameters: list[tuple[str, str, dict[str, str]]] = [
        ("webvoice_image", "reference_images", {"provider": "gen4"}),
        ("webvoice_image", "image_url", {"provider": "sd3"}),
        ("webvoice_image", "lora_url", {"provider": "flux-klein-lora"}),
        ("webvoice_image_to_video", "last_image_url", {"image": LINK}),
        ("webvoice_text_to_video", "reference_images", {}),
        ("webvoice_text_to_video", "reference_videos", {}),
    ]
    paths = ["secret.mp3", "pipe.mp3", "/dev/zero", "file:///etc/passwd", "//server/a.png", "C:\\a.png", "~/a.png",
             "data:image/png;base64,AAAA", "http://example.com/a.png", "https://ann:pw@example.com/a.png"]  # fmt: skip
    for tool, parameter, more in parameters:
        many = parameter.startswith("reference")
        calls = {path: {"prompt": "x", parameter: [path] if many else path, **more} for path in paths}
        assert await codes(make_settings(), tool, calls) == dict.fromkeys(paths, "invalid_argument"), parameter


async def test_a_path_of_another_system_is_a_name_in_the_output_folder(make_settings: MakeSettings, out: Path) -> None:
    paths = ["\\\\server\\share\\x.mp3", "C:\\x.mp3", "C:x", "\\\\.\\COM1", "file://server/share/x.mp3", "https://a.b/x.mp3",
             "data:audio/mpeg;base64,AAAA", "-rf.mp3", "--help", "\u202e3pm.exe", "\u200b", "e\u0301\u0323.mp3",
             "\uff0e\uff0e/x", "\u2024\u2024/x", "..\\..\\x.mp3", "%2e%2e%2fx.mp3",
             "$HOME/x.mp3", "`id`.mp3", "sub/~/x.mp3"]  # fmt: skip
    files = Files(make_settings(ALLOWED_DIRS=out))
    for path in paths:
        with suppress(InvalidArgument, PathNotAllowed):
            target = await resolve(files, path)
            assert target.path.is_relative_to(out)
            assert (target.path.suffix, target.path.exists()) == (".mp3", False)


@pytest.mark.skipif(os.name == "nt", reason="there they are paths")
@pytest.mark.parametrize(
    "path", ["C:\\music\\x\\a.mp3", "c:/music/x/a.mp3", "C:\\out\\", "\\\\server\\share\\a.mp3", "sub\\a.mp3", "C:/"]
)
async def test_no_file_is_named_after_a_path_of_windows(files: Files, out: Path, path: str) -> None:
    before = everything_in(out)
    with pytest.raises(InvalidArgument, match="it is a path of Windows, and this computer has another system"):
        await resolve(files, path)
    assert everything_in(out) == before


@pytest.mark.parametrize(("existing", "asked"), [("Talk.mp3", "TALK.MP3"), ("\u00e9.mp3", "e\u0301.mp3")])
async def test_a_name_that_differs_in_case_or_form_replaces_nothing(
    files: Files, out: Path, existing: str, asked: str
) -> None:
    # Some file systems treat both as the same name.
    (out / existing).write_bytes(b"mine")
    with suppress(FileExists):
        await save(files, await resolve(files, asked), MP3_BYTES)
    assert (out / existing).read_bytes() == b"mine"


# Contents


def _zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.png", PNG_BYTES)
    return file.getvalue()


def _database() -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE passwords (word)")
        return database.serialize()


PEM = b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXkt\n-----END OPENSSH PRIVATE KEY-----\n"
OTHERS = {
    "html": b"<!doctype html><html><img src='a.png'></html>",
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="a.png"/></svg>',
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + JPEG_BYTES,
    "zip": _zipped(),
    "elf": b"\x7fELF\x02\x01\x01" + bytes(57),
    "exe": b"MZ\x90\x00" + bytes(60),
    "gzip": b"\x1f\x8b\x08\x00" + bytes(20),
    "sqlite": _database(),
    "pem": PEM,
    "der": b"\x30\x82\x04\xa3\x02\x01\x00\x02" + bytes(100),
    "env": b"API_KEY=wv_something\n",
    "tiff": b"II*\x00" + bytes(60),
    "bmp": b"BM" + bytes(60),
    "avif": box(b"ftyp", b"avif", bytes(4)) + box(b"mdat", PNG_BYTES),
    "webm": b"\x1aE\xdf\xa3" + bytes(60),
    "video": mp4_bytes(b"isom", b"vide", b"soun"),
    "script": b"#!/bin/sh\n" + PNG_BYTES,
    "key, then a picture": PEM + PNG_BYTES,
    "mark, then a picture": b"\xef\xbb\xbf" + PNG_BYTES,
    "blank, then a picture": b" " + JPEG_BYTES,
    "a frame, then a key": FRAME + PEM,
    "start of a picture, then a key": b"\xff\xd8\xff" + PEM,
    "signature, then a key": b"\x89PNG\r\n\x1a\n" + PEM,
    "riff, then a key": b"RIFF\xff\x00\x00\x00WAVE" + PEM,
    "nothing": b"",
}  # fmt: skip


@pytest.mark.slow
async def test_only_audio_and_images_are_uploaded_whatever_their_names(make_settings: MakeSettings, out: Path) -> None:
    for tool in READERS:
        suffix = ".png" if "image" in tool else ".mp3"
        for name, content in OTHERS.items():
            (out / f"{name}{suffix}").write_bytes(content)
        calls = {name: TOOLS[tool](f"{name}{suffix}") for name in OTHERS}
        assert await codes(make_settings(), tool, calls) == dict.fromkeys(OTHERS, "unsupported_media"), tool


async def test_a_file_of_ten_gibibytes_is_refused_unread(make_settings: MakeSettings, out: Path) -> None:
    (out / "large.png").write_bytes(PNG_BYTES)
    os.truncate(out / "large.png", 10 << 30)  # a sparse file, which takes no space
    for tool in (tool for tool in READERS if "image" in tool):
        await check_refusal(make_settings(), tool, "large.png")


@pytest.mark.slow
@pytest.mark.untraced
async def test_a_huge_damaged_recording_is_refused_in_little_memory(make_settings: MakeSettings, out: Path) -> None:
    (out / "large.mp3").write_bytes(FLAC_BYTES)
    os.truncate(out / "large.mp3", 1 << 30)
    for tool in (tool for tool in READERS if "image" not in tool):
        await check_refusal(make_settings(), tool, "large.mp3")


async def check_refusal(settings: Settings, tool: str, path: str) -> None:
    """Check that a file is refused as an argument, and that it is not held in memory for that."""
    tracemalloc.start()
    try:
        found = await codes(settings, tool, {path: TOOLS[tool](path)})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == {path: "invalid_argument"}, tool
    assert peak < 64 << 20, tool


# A folder that is swapped while a file is read or written

CALLS = ("stat", "lstat", "readlink", "open", "fstat", "mkdir", "link", "unlink", "rename", "replace", "chmod", "write")


class Swapper:
    """Swaps a folder for a link to another one before a given system call, and back before a later one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, elsewhere: Path) -> None:
        self._folder, self._elsewhere, self._aside = folder, elsewhere, folder.with_name("aside")
        self._plan: dict[int, Callable[[], None]] = {}
        self._is_paused = True
        self.calls = 0
        for name in CALLS:
            monkeypatch.setattr(os, name, self._counting(getattr(os, name)))

    @contextmanager
    def swapping(self, at: int, back_at: int | None) -> Iterator[None]:
        self.calls, self._is_paused, self._plan = 0, False, {at: self._swap}
        if back_at:
            self._plan[back_at] = self._restore
        try:
            yield
        finally:
            self._is_paused = True
            if self._folder.is_symlink():
                self._restore()

    def clean_up(self) -> list[str]:
        """Remove new files from both folders, and return the suffixes of those outside."""
        outside = [path for path in self._elsewhere.iterdir() if path.name != "a.mp3"]
        for path in [*outside, *(path for path in self._folder.iterdir() if path.name != "a.mp3")]:
            path.unlink()
        return [path.suffix for path in outside]

    def _counting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if not self._is_paused:
                self.calls += 1
                self._is_paused = True
                self._plan.get(self.calls, lambda: None)()
                self._is_paused = False
            return original(*arguments, **options)

        return call

    def _swap(self) -> None:
        self._folder.rename(self._aside)
        self._folder.symlink_to(self._elsewhere)

    def _restore(self) -> None:
        self._folder.unlink()
        self._aside.rename(self._folder)


@pytest.fixture
def swapper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Swapper:
    """A swapper of the folder out/here for one with a file of the same name."""
    for folder, content in (("out/here", wav_bytes()), ("elsewhere", MP3_BYTES)):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.mp3").write_bytes(content)
    return Swapper(monkeypatch, tmp_path / "out/here", tmp_path / "elsewhere")


async def try_to_read(files: Files) -> bytes:
    with suppress(WebVoiceError):
        return await read(files, "here/a.mp3")
    return b""


async def try_to_write(files: Files) -> bytes:
    with suppress(WebVoiceError):
        await save(files, await resolve(files, "here/new.mp3"), MP3_BYTES)
    return b""


async def try_to_read_text(files: Files) -> bytes:
    with suppress(WebVoiceError):
        return await files.read_text("here/a.mp3", "text_path")
    return b""


async def try_to_open(files: Files) -> bytes:
    with suppress(WebVoiceError):
        async with files.open_local([("files[0]", "here/a.mp3")], (MP3, WAV)) as (opened,):
            return opened.file.read()
    return b""


async def find_leaks(swapper: Swapper, work: Callable[[], Awaitable[bytes]], *, back: bool) -> list[str]:
    """Do the work once for each system call that the folder can be swapped before, and swapped back before."""
    with swapper.swapping(0, None):
        await work()
    leaks, last = [], swapper.calls + 1
    for at in range(1, last + 1):
        for back_at in range(at + 1, last + 1) if back else (None,):
            try:
                with swapper.swapping(at, back_at):
                    content = await work()
                leaks += [f"{at}-{back_at}: read from outside"] * (content == MP3_BYTES)
            except OSError as error:
                leaks.append(f"{at}-{back_at}: crash: {error}")
            leaks += [f"{at}-{back_at}: {suffix} outside" for suffix in swapper.clean_up()]
    return leaks


@pytest.mark.slow
@pytest.mark.parametrize(
    ("work", "back"),
    [
        (try_to_read, False),
        (try_to_read, True),
        (try_to_read_text, False),
        (try_to_open, False),
        (try_to_write, False),
        pytest.param(try_to_write, True, marks=pytest.mark.soak),  # 2,000 pairs of system calls
    ],
    ids=["read", "read, put back", "read text", "open", "write", "write, put back"],
)
async def test_a_folder_that_is_swapped_for_a_link_leaks_nothing(
    make_settings: MakeSettings, tmp_path: Path, swapper: Swapper, work: Callable[[Files], Awaitable[bytes]], back: bool
) -> None:
    files = Files(make_settings(ALLOWED_DIRS=tmp_path / "out"))
    assert await find_leaks(swapper, lambda: work(files), back=back) == []


@pytest.mark.parametrize(
    ("failure", "kind", "words"),
    [
        (errno.ELOOP, PathNotAllowed, "was replaced while it was being opened"),
        (errno.EIO, DiskError, "Cannot read .*a.mp3"),
    ],
)
async def test_a_clip_that_cannot_be_opened_any_more_is_named(
    make_settings: MakeSettings,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: int,
    kind: type[WebVoiceError],
    words: str,
) -> None:
    (out / "a.mp3").write_bytes(MP3_BYTES)
    open_as_before = os.open

    def refuse(path: Any, *options: Any, **more: Any) -> int:
        if str(path).endswith("a.mp3"):
            raise OSError(failure, os.strerror(failure))
        return open_as_before(path, *options, **more)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(kind, match=words):
        async with Files(make_settings()).open_local([("files[0]", "a.mp3")], (MP3,)):
            pass
