"""Paths and files that mean harm, through the tools that take them: what each is refused as, and that nothing is made,
sent or waited for. And a folder that somebody swaps for a link while it is at work."""

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

from tests.files.samples import (
    FLAC_BYTES,
    FRAME,
    GIF_BYTES,
    JPEG_BYTES,
    MP3_BYTES,
    PNG_BYTES,
    WEBP_BYTES,
    box,
    everything_in,
    mp4_bytes,
    wav_bytes,
)
from tests.support import MakeSettings, connected
from webvoice_mcp.errors import FileExists, InvalidArgument, PathNotAllowed, WebVoiceError
from webvoice_mcp.files import Files
from webvoice_mcp.files.kinds import sniff
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

# With WEBVOICE_ALLOWED_DIRS: a path, and what it is refused as where it is to be written, and to be read.
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
]  # fmt: skip

# What percent signs hide.
ENCODED: list[tuple[str, str, str]] = [
    ("file://{tmp}/out/a%00b.mp3", WRONG, WRONG),
    ("file://{tmp}/out/%00/b.mp3", WRONG, WRONG),
    ("file://{tmp}/out/a%0Ab.mp3", WRONG, ABSENT),
    ("file://{tmp}/out/a%0Ab/x.mp3", WRONG, ABSENT),
    ("file://{tmp}/out/C%4FN.mp3", WRONG, ABSENT),
    ("file://{tmp}/out/C%4FN/x.mp3", WRONG, ABSENT),
    ("file://{tmp}/out/a%20/x.mp3", WRONG, ABSENT),
]

# Where no folders are set, so that all are allowed.
DEVICES = [
    (path, OUTSIDE, "unsupported_media")
    for path in ("pipe.mp3", "to-pipe.mp3", "/dev/zero", "/dev/full", "/dev/null", "/dev/tty")
    if not path.startswith("/") or Path(path).exists()
]


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """The output folder, with traps in it, and something outside of it that is worth having."""
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


class Deaf(httpx2.AsyncBaseTransport):
    """Hears that something is sent, and nothing of what."""

    def __init__(self) -> None:
        self.heard = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.heard += 1
        raise httpx2.ReadError("broken")


def code_of(result: CallToolResult) -> str:
    return (result.meta or {}).get("webvoice/error", {}).get("code", "") if result.is_error else "taken"


async def codes(settings: Settings, tool: str, calls: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What each of these calls is refused as; "sent" for one that is not refused before a request."""
    service = Deaf()
    found = {}
    async with connected(settings, service) as client:
        with anyio.fail_after(20):  # a pipe that is opened waits for ever
            for name, call in calls.items():
                code = code_of(await client.call_tool(tool, call))
                found[name] = "sent" if service.heard else code
                service.heard = 0
    return found


async def refuse(settings: Settings, tool: str, rows: list[tuple[str, str, str]], tmp_path: Path) -> None:
    before = everything_in(tmp_path)
    calls = {path: TOOLS[tool](path.format(tmp=tmp_path)) for path, _, _ in rows}
    found = await codes(settings, tool, calls)
    assert found == {path: reading if tool in READERS else writing for path, writing, reading in rows}
    assert [each for each in everything_in(tmp_path) if not each.startswith("state")] == before


@pytest.mark.parametrize("tool", TOOLS)
async def test_nothing_leaves_or_enters_the_allowed_folders(
    make_settings: MakeSettings, tmp_path: Path, out: Path, tool: str
) -> None:
    await refuse(make_settings(ALLOWED_DIRS=out), tool, PATHS, tmp_path)


@pytest.mark.parametrize("tool", TOOLS)
async def test_what_a_path_hides_behind_percent_signs_is_seen(
    make_settings: MakeSettings, tmp_path: Path, out: Path, tool: str
) -> None:
    await refuse(make_settings(ALLOWED_DIRS=out), tool, ENCODED, tmp_path)


@pytest.mark.parametrize("tool", TOOLS)
async def test_devices_are_neither_read_nor_written_where_all_folders_are_allowed(
    make_settings: MakeSettings, tmp_path: Path, out: Path, tool: str
) -> None:
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


@pytest.mark.parametrize(
    ("tool", "argument", "more"),
    [
        ("webvoice_image", "reference_images", {"provider": "gen4"}),
        ("webvoice_image", "image_url", {"provider": "sd3"}),
        ("webvoice_image", "lora_url", {"provider": "flux-klein-lora"}),
        ("webvoice_image_to_video", "last_image_url", {"image": LINK}),
        ("webvoice_text_to_video", "reference_images", {}),
        ("webvoice_text_to_video", "reference_videos", {}),
    ],
)
async def test_where_only_links_are_taken_no_path_is_looked_at(
    make_settings: MakeSettings, out: Path, tool: str, argument: str, more: dict[str, str]
) -> None:
    paths = ["secret.mp3", "pipe.mp3", "/dev/zero", "file:///etc/passwd", "//server/a.png", "C:\\a.png", "~/a.png",
             "data:image/png;base64,AAAA", "http://example.com/a.png", "https://ann:pw@example.com/a.png"]  # fmt: skip
    many = argument.startswith("reference")
    calls = {path: {"prompt": "x", argument: [path] if many else path, **more} for path in paths}
    assert await codes(make_settings(), tool, calls) == dict.fromkeys(paths, "invalid_argument")


@pytest.mark.parametrize(
    "given",
    ["\\\\server\\share\\x.mp3", "C:\\x.mp3", "C:x", "\\\\.\\COM1", "file://server/share/x.mp3", "https://a.b/x.mp3",
     "data:audio/mpeg;base64,AAAA", "-rf.mp3", "--help", "\u202e3pm.exe", "\u200b", "e\u0301\u0323.mp3",
     "\uff0e\uff0e/x", "\u2024\u2024/x", "..\\..\\x.mp3", "%2e%2e%2fx.mp3", "$HOME/x.mp3", "`id`.mp3", "sub/~/x.mp3"],
)  # fmt: skip
def test_what_means_another_place_elsewhere_is_a_name_in_the_output_folder_here(
    make_settings: MakeSettings, out: Path, given: str
) -> None:
    target = None
    with suppress(InvalidArgument, PathNotAllowed):
        files = Files(make_settings(ALLOWED_DIRS=out))
        target = files.target(given, tool="webvoice_tts", words="", suffixes=(".mp3",))
    assert target is None or target.path.is_relative_to(out)
    assert target is None or (target.path.suffix, target.path.exists()) == (".mp3", False)


@pytest.mark.parametrize(("there", "asked"), [("Talk.mp3", "TALK.MP3"), ("\u00e9.mp3", "e\u0301.mp3")])
async def test_a_name_that_differs_in_case_or_form_replaces_nothing(
    make_settings: MakeSettings, out: Path, there: str, asked: str
) -> None:
    # On some disks the two are one name.
    (out / there).write_bytes(b"mine")
    files = Files(make_settings())
    with suppress(FileExists):
        async with files.saving(files.target(asked, tool="", words="", suffixes=(".mp3",))) as part:
            part.write(MP3_BYTES)
            await part.publish()
    assert (out / there).read_bytes() == b"mine"


# What is uploaded


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


@pytest.mark.parametrize("tool", READERS)
async def test_nothing_but_sound_and_pictures_is_uploaded_whatever_its_name(
    make_settings: MakeSettings, out: Path, tool: str
) -> None:
    suffix = ".png" if "image" in tool else ".mp3"
    for name, content in OTHERS.items():
        (out / f"{name}{suffix}").write_bytes(content)
    calls = {name: TOOLS[tool](f"{name}{suffix}") for name in OTHERS}
    assert await codes(make_settings(), tool, calls) == dict.fromkeys(OTHERS, "unsupported_media")


@pytest.mark.parametrize(
    "start",
    [JPEG_BYTES[:4], PNG_BYTES[:16], GIF_BYTES, WEBP_BYTES[:16], FLAC_BYTES[:8], FRAME * 2, mp4_bytes(b"M4A "),
     wav_bytes(0)],
)  # fmt: skip
def test_a_file_is_judged_by_its_beginning_whatever_follows(start: bytes) -> None:
    # So a file that begins like a picture is sent whole. Who can write such a start could write all of a picture.
    kind = sniff(io.BytesIO(start + PEM))
    assert kind is not None
    assert kind.family in {"audio", "image"}


@pytest.mark.parametrize("tool", READERS)
async def test_a_file_of_ten_gibibytes_is_refused_unread(make_settings: MakeSettings, out: Path, tool: str) -> None:
    for name, start in (("large.mp3", FLAC_BYTES), ("large.png", PNG_BYTES)):
        (out / name).write_bytes(start)
        os.truncate(out / name, 10 << 30)  # mostly a hole: it takes no room
    path = "large.png" if "image" in tool else "large.mp3"
    tracemalloc.start()
    try:
        with anyio.fail_after(5):
            found = await codes(make_settings(), tool, {path: TOOLS[tool](path)})
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == {path: "invalid_argument"}
    assert most < 64 << 20


# What happens while it is looked at

CALLS = ("stat", "lstat", "readlink", "open", "fstat", "mkdir", "link", "unlink", "rename", "replace", "chmod", "write")


class Swapper:
    """Puts a link to another folder in the place of one, at the `there`-th system call, and takes it away again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, elsewhere: Path) -> None:
        self._folder, self._elsewhere, self._aside = folder, elsewhere, folder.with_name("aside")
        self._plan: dict[int, Callable[[], None]] = {}
        self._busy = True
        self.calls = 0
        for name in CALLS:
            monkeypatch.setattr(os, name, self._counting(getattr(os, name)))

    @contextmanager
    def swapping(self, there: int, back: int | None) -> Iterator[None]:
        self.calls, self._busy, self._plan = 0, False, {there: self._swap}
        if back:
            self._plan[back] = self._restore
        try:
            yield
        finally:
            self._busy = True
            if self._folder.is_symlink():
                self._restore()

    def left(self) -> list[str]:
        """What was put into the other folder; taken away, and so is what lies in the first."""
        left = [each for each in self._elsewhere.iterdir() if each.name != "a.mp3"]
        for each in [*left, *(each for each in self._folder.iterdir() if each.name != "a.mp3")]:
            each.unlink()
        return [each.suffix for each in left]

    def _counting(self, really: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if not self._busy:
                self.calls += 1
                self._busy = True
                self._plan.get(self.calls, lambda: None)()
                self._busy = False
            return really(*arguments, **options)

        return call

    def _swap(self) -> None:
        self._folder.rename(self._aside)
        self._folder.symlink_to(self._elsewhere)

    def _restore(self) -> None:
        self._folder.unlink()
        self._aside.rename(self._folder)


@pytest.fixture
def swapper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Swapper:
    """For the folder out/here, beside which is another with a file of the same name."""
    for folder, content in (("out/here", wav_bytes()), ("elsewhere", MP3_BYTES)):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.mp3").write_bytes(content)
    return Swapper(monkeypatch, tmp_path / "out/here", tmp_path / "elsewhere")


async def read(files: Files) -> bytes:
    with suppress(WebVoiceError):
        async with files.reading("here/a.mp3", family="audio", argument="audio_path") as source:
            return b"".join([chunk async for chunk in source.chunks()])
    return b""


async def write(files: Files) -> bytes:
    with suppress(WebVoiceError):
        target = files.target("here/new.mp3", tool="webvoice_tts", words="", suffixes=(".mp3",))
        async with files.saving(target) as part:
            part.write(MP3_BYTES)
            await part.publish()
    return b""


async def trouble(swapper: Swapper, work: Callable[[], Awaitable[bytes]], *, back: bool) -> list[str]:
    """What goes wrong, for each system call before which the folder is swapped, and after which it is put back."""
    with swapper.swapping(0, None):
        await work()
    found, last = [], swapper.calls + 1
    for there in range(1, last + 1):
        for again in range(there + 1, last + 1) if back else (None,):
            try:
                with swapper.swapping(there, again):
                    content = await work()
                found += [f"{there}-{again}: read from outside"] * (content == MP3_BYTES)
            except OSError as error:
                found.append(f"{there}-{again}: crash: {error}")
            found += [f"{there}-{again}: {each} outside" for each in swapper.left()]
    return found


@pytest.mark.parametrize(
    ("work", "back"),
    [(read, False), (read, True), (write, False), pytest.param(write, True, marks=pytest.mark.wide)],  # 2,000 ways
    ids=["read", "read, put back", "write", "write, put back"],
)
async def test_a_folder_that_is_swapped_for_a_link_meanwhile_leads_nowhere(
    make_settings: MakeSettings, tmp_path: Path, swapper: Swapper, work: Callable[[Files], Awaitable[bytes]], back: bool
) -> None:
    files = Files(make_settings(ALLOWED_DIRS=tmp_path / "out"))
    assert await trouble(swapper, lambda: work(files), back=back) == []
