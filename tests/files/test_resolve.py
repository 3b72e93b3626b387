"""Resolving an output to a target: the paths and names that are accepted, and those refused before paying."""

# ruff: noqa: ASYNC240 - nothing else needs the event loop of these tests

import errno
import os
import re
import sys
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.files.actions import refused_input, refused_output, resolve
from tests.files.samples import MP3_BYTES, PNG_BYTES, everything_in, put, wav_bytes, without_root
from tests.support import MakeSettings
from webvoice_mcp.errors import DiskError, FileError, FileExists, InvalidArgument, PathNotAllowed
from webvoice_mcp.files import Files
from webvoice_mcp.files.names import reason_unwritable

GENERATED_NAME = r"tts-\d{8}-\d{6}-hello-world\.mp3"
NOT_A_FOLDER = "Not a directory. Choose another path: part of this one is a file, not a folder."


# Paths


async def test_a_relative_path_starts_from_the_output_folder(files: Files, out: Path) -> None:
    expected = {
        "a.mp3": "a.mp3",
        "b": "b.mp3",
        "C.MP3": "C.MP3",
        "deep/er/a.mp3": "deep/er/a.mp3",
        "x/../d.mp3": "d.mp3",
        "part 1.2": "part 1.2.mp3",
        "Mr. Smith": "Mr. Smith.mp3",
        "grüße 你好.mp3": "grüße 你好.mp3",
        "../beside.mp3": "../beside.mp3",
    }
    found = {given_path: (await resolve(files, given_path)).path for given_path in expected}
    assert found == {given_path: Path(os.path.normpath(out / path)) for given_path, path in expected.items()}


@pytest.mark.parametrize(
    "link", ["https://example.com/a.mp3", "S3://bucket/a.mp3", "file://server/share/a.mp3", "file://a.mp3", "ftp://"]
)
async def test_a_link_is_no_path(files: Files, out: Path, link: str) -> None:
    message = f"{link} names no file on this computer. Give a path."
    assert await refused_output(InvalidArgument, files, link) == f"output_path: {message}"
    assert await refused_input(InvalidArgument, files, link) == f"audio_path: {message}"
    assert everything_in(out) == []


@pytest.mark.skipif(os.name == "nt", reason="a colon has a meaning of its own there")
@pytest.mark.parametrize("name", ["10:30 talk.mp3", "notes: a.mp3", "file: a.mp3", "a:b/c.mp3", "x/http://a.mp3"])
async def test_a_colon_makes_no_link(files: Files, out: Path, name: str) -> None:
    assert (await resolve(files, name)).path == Path(os.path.normpath(out / name))


@pytest.mark.skipif(os.name == "nt", reason="there, paths in a URI begin with a drive")
@pytest.mark.parametrize("start", ["file:", "file://", "FILE://LOCALHOST"])
async def test_a_uri_of_a_local_file_is_its_path(files: Files, tmp_path: Path, start: str) -> None:
    assert (await resolve(files, f"{start}{tmp_path}/a%20b.mp3")).path == tmp_path / "a b.mp3"


async def test_an_absolute_path_is_used_as_it_is(files: Files, tmp_path: Path) -> None:
    assert (await resolve(files, f"{tmp_path}/x/a.mp3")).path == tmp_path / "x/a.mp3"
    assert (await resolve(files, f"/{tmp_path}//x/b.mp3")).path == tmp_path / "x/b.mp3"


async def test_a_tilde_is_the_home_folder_even_a_hidden_one(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / ".homes/ann"
    home.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))

    assert (await resolve(files, "~/a.mp3")).path == home / "a.mp3"
    assert (await resolve(files, "~")).path.parent == home
    assert await refused_output(InvalidArgument, files, "~nobody-of-this-name/a.mp3") == (
        "output_path: ~nobody-of-this-name/a.mp3 starts with the name of an unknown user."
        " Write ./~ if the file's name starts with ~."
    )


async def test_in_a_folder_the_file_gets_a_generated_name(files: Files, out: Path) -> None:
    (out / "existing").mkdir(parents=True)
    (out / "like-a-file.mp3").mkdir()

    for given_path in ("", "  ", ".", "x/..", "folder/", "folder/.", "existing", "./existing/", "like-a-file.mp3"):
        path = (await resolve(files, given_path)).path
        assert path.parent == Path(os.path.normpath(out / given_path.strip()))
        assert re.fullmatch(GENERATED_NAME, path.name)


async def test_a_path_that_must_be_a_folder_need_not_exist(make_settings: MakeSettings, tmp_path: Path) -> None:
    files = Files(make_settings(OUTPUT_DIR=tmp_path / "not/yet"))

    for given_path in ("..", "x/.", "x/y/..", "z/"):
        path = (await resolve(files, given_path)).path
        assert path.parent == Path(os.path.normpath(tmp_path / "not/yet" / given_path))
        assert re.fullmatch(GENERATED_NAME, path.name)


async def test_a_generated_name_has_the_first_words_as_plain_ascii(files: Files) -> None:
    slugs = {
        "Ça va? Très bien, merci à vous tous!": "-ca-va-tres-bien-merci-a",
        "../../etc/passwd\x00\n": "-etc-passwd",
        "你好": "",
        "x" * 10_000: "-" + "x" * 40,
        "x" * 39 + " yes": "-" + "x" * 39,
        "  " * 99 + "X Y": "-x",  # Y is after the part of the text that is used
    }
    for name_from, slug in slugs.items():
        path = (await resolve(files, "", name_from=name_from)).path
        assert re.fullmatch(r"tts-\d{8}-\d{6}" + slug + r"\.mp3", path.name)


async def test_a_generated_name_is_never_that_of_an_existing_file(
    files: Files, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.strftime", lambda *_: "20260102-030405")
    put(out / "tts-20260102-030405-hello-world.mp3", b"")

    assert (await resolve(files, "")).path.name == "tts-20260102-030405-hello-world-2.mp3"


async def test_an_extension_of_another_kind_is_refused(files: Files, out: Path, tmp_path: Path) -> None:
    for given_path, suffix in {"a.wav": ".wav", "a.py": ".py", "a.mp3.exe": ".exe"}.items():
        assert await refused_output(InvalidArgument, files, given_path) == (
            f"output_path: {out}/{given_path} ends in {suffix}, but the file will be .mp3. Use .mp3."
        )
    assert everything_in(tmp_path) == []


async def test_any_of_several_extensions_is_accepted(files: Files, out: Path) -> None:
    paths = [(await resolve(files, given_path, ".png", ".jpg")).path for given_path in ("a.jpg", "b.PNG", "c")]

    assert paths == [out / "a.jpg", out / "b.PNG", out / "c.png"]
    assert (await refused_output(InvalidArgument, files, "d.gif", ".png", ".jpg")).endswith(
        "d.gif ends in .gif, but the file will be .png or .jpg. Use .png or .jpg."
    )


@pytest.mark.slow
@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_path_is_refused_or_leads_to_a_visible_new_file(make_settings: MakeSettings, given_path: str) -> None:
    with TemporaryDirectory() as name:
        root = Path(name).resolve()
        files = Files(make_settings(OUTPUT_DIR=root / "out", ALLOWED_DIRS=root))
        try:
            path = (await resolve(files, given_path)).path
        except (FileError, InvalidArgument):
            assert everything_in(root) == []
        else:
            assert path.is_relative_to(root)
            assert not any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in str(path))
            assert not any(part.startswith(".") for part in path.relative_to(root).parts)
            assert path.suffix.lower() == ".mp3"
            assert not path.exists()
            path.touch()


# Names that are refused


async def test_a_name_that_is_invalid_on_one_system_is_refused_on_all(files: Files, tmp_path: Path) -> None:
    reasons = {
        "a\n.mp3": "it contains control characters",
        "a" * 253: "the name aaaaaaaaaaaaaaaaaaaa… is longer than 255 bytes",
        "ü" * 130 + "/a.mp3": "the name üüüüüüüüüüüüüüüüüüüü… is longer than 255 bytes",
        "a/" * 3000 + "a.mp3": "it is longer than 4095 bytes",
        "a./b.mp3": "the name 'a.' ends in a dot or a space",
        "a.mp3 ": "the name 'a.mp3 ' ends in a dot or a space",
        "...": "the name '...' ends in a dot or a space",
        "CON.mp3": "CON.mp3 is a device name on Windows",
        "x/lpt1": "lpt1 is a device name on Windows",
    }
    for given_path, reason in reasons.items():
        assert await refused_output(InvalidArgument, files, given_path) == (
            f"output_path {given_path!r} cannot be used: {reason}. Choose another name."
        )
    not_paths = {
        "a\x00.mp3": "it contains a NUL character",
        "a\ud800.mp3": "it contains characters that are not valid text",
    }
    for given_path, reason in not_paths.items():
        assert await refused_output(InvalidArgument, files, given_path) == (
            f"output_path is not a path: {reason}. Give another path."
        )
    assert everything_in(tmp_path) == []


def test_a_name_may_be_as_long_as_file_systems_allow() -> None:
    for longest, too_long in (("a" * 255, "a" * 256), ("ü" * 127, "ü" * 128), ("a/" * 2047 + "a", "a/" * 2047 + "aa")):
        assert reason_unwritable(PurePosixPath(longest)) == ""
        assert reason_unwritable(PurePosixPath(too_long)) != ""


def test_characters_that_windows_forbids_are_refused_there() -> None:
    for name in ("a.mp3:b", "what?.mp3", "a|b", 'a"b', "<a", "a>", "*"):
        assert reason_unwritable(PureWindowsPath("C:\\music") / "x" / ".." / name) == (
            f'the name {name} contains one of < > : " | ? *'
        )


async def test_a_hidden_path_is_refused(files: Files, out: Path, tmp_path: Path) -> None:
    for given_path in (".hidden.mp3", ".mp3", ".ssh/a.mp3", "x/.git/hooks/a.mp3", "/.x/a.mp3", "../.beside/a.mp3"):
        path = os.path.normpath(out / given_path)
        assert await refused_output(PathNotAllowed, files, given_path) == (
            f"output_path: {path} is hidden (part of it starts with a dot), and hidden files are never written."
            " Choose another path."
        )
    assert everything_in(tmp_path) == []


async def test_a_link_to_a_hidden_path_is_refused(files: Files, tmp_path: Path, out: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    out.mkdir()
    (out / "folder").symlink_to(tmp_path / ".ssh")
    (out / "file.mp3").symlink_to(tmp_path / ".ssh/new.mp3")

    for given_path in ("folder/a.mp3", "folder", "file.mp3", "file"):
        message = await refused_output(PathNotAllowed, files, given_path)
        assert message.startswith(f"output_path: {tmp_path}/.ssh")
    assert everything_in(tmp_path / ".ssh") == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
async def test_a_link_to_a_folder_whose_name_is_no_text_is_refused(files: Files, tmp_path: Path, out: Path) -> None:
    odd = tmp_path / os.fsdecode(b"o\xffdd")
    for folder in (odd, out):
        folder.mkdir()
    (out / "link").symlink_to(odd)
    message = await refused_output(InvalidArgument, files, "link/a.mp3")
    assert "o\\udcffdd' has bytes in its name that are no text" in message
    assert list(odd.iterdir()) == []


@pytest.mark.parametrize("setting", ["OUTPUT_DIR", "ALLOWED_DIRS"])
async def test_a_folder_in_the_settings_may_be_hidden(
    make_settings: MakeSettings, tmp_path: Path, setting: str
) -> None:
    files = Files(make_settings(**{setting: tmp_path / ".cache/out"}))

    assert (await resolve(files, f"{tmp_path}/.cache/out/a.mp3")).path == tmp_path / ".cache/out/a.mp3"
    assert ".cache/out/.b" in await refused_output(PathNotAllowed, files, f"{tmp_path}/.cache/out/.b/a.mp3")


async def test_an_output_folder_may_be_a_link_to_a_hidden_folder(make_settings: MakeSettings, tmp_path: Path) -> None:
    (tmp_path / ".real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / ".real")
    files = Files(make_settings(OUTPUT_DIR=tmp_path / "link", ALLOWED_DIRS=tmp_path / "elsewhere"))

    assert (await resolve(files, "a.mp3")).path == tmp_path / ".real/a.mp3"


async def test_files_must_be_in_an_allowed_folder_or_the_output_folder(
    make_settings: MakeSettings, tmp_path: Path, out: Path
) -> None:
    allowed = tmp_path / "allowed"
    files = Files(make_settings(ALLOWED_DIRS=os.pathsep.join([str(allowed), str(tmp_path / "too")])))

    for inside in (out / "a.mp3", allowed / "x/a.mp3", tmp_path / "too/a.mp3"):
        assert (await resolve(files, str(inside))).path == inside
    for outside in (tmp_path / "a.mp3", tmp_path / "allowed2/a.mp3", allowed / "../a.mp3", Path("../a.mp3"), tmp_path):
        assert await refused_output(PathNotAllowed, files, str(outside)) == (
            f"output_path: {os.path.normpath(out / outside)} is outside the folders in WEBVOICE_ALLOWED_DIRS and the"
            f" output folder {out}. Choose a path inside one of them."
        )
    assert everything_in(tmp_path) == ["allowed", "allowed/x", "out", "too"]


async def test_links_are_followed_to_files_of_the_same_kind(files: Files, tmp_path: Path, out: Path) -> None:
    out.mkdir()
    (out / "a.mp3").symlink_to(tmp_path / "real.mp3")
    (out / "b.mp3").symlink_to(tmp_path / "script.sh")

    assert (await resolve(files, "a.mp3")).path == tmp_path / "real.mp3"
    assert "script.sh ends in .sh" in await refused_output(InvalidArgument, files, "b.mp3")


async def test_devices_and_pipes_are_refused_without_waiting(files: Files, out: Path) -> None:
    out.mkdir()
    os.mkfifo(out / "pipe")
    for given_path, path in (("pipe", out / "pipe"), ("/dev/null", "/dev/null")):
        assert await refused_output(PathNotAllowed, files, given_path) == (
            f"output_path: {path} is a device or a pipe, not a file. Choose another path."
        )


# Existing files


async def test_an_existing_file_is_refused(files: Files, out: Path) -> None:
    put(out / "a.mp3", MP3_BYTES)

    for given_path in ("a.mp3", "a"):
        assert await refused_output(FileExists, files, given_path) == (
            f"{out}/a.mp3 exists. Choose another output_path, or ask the user to set WEBVOICE_OVERWRITE=1."
        )


async def test_a_folder_with_the_completed_name_is_never_replaced(overwriting: Files, out: Path) -> None:
    (out / "a.mp3").mkdir(parents=True)

    assert "a.mp3 exists. Choose another" in await refused_output(FileExists, overwriting, "a")


async def test_only_a_file_of_the_same_family_may_be_replaced(overwriting: Files, out: Path) -> None:
    samples = [
        (".mp3", wav_bytes(), True),
        (".mp3", b"", True),
        (".mp3", PNG_BYTES, False),
        (".mp3", b"my thesis", False),
        (".mp3", b"\x00\x01\x02", False),
        (".txt", b"an older transcript", True),
        (".txt", MP3_BYTES, False),
        (".odd", b"text", False),
    ]
    for suffix, content, may_be_replaced in samples:
        put(out / f"a{suffix}", content)
        if may_be_replaced:
            assert (await resolve(overwriting, f"a{suffix}", suffix)).replaces is not None
        else:
            assert await refused_output(FileExists, overwriting, f"a{suffix}", suffix) == (
                f"{out}/a{suffix} exists and is not replaced, because its content is of another kind."
                " Choose another output_path."
            )
        assert (out / f"a{suffix}").read_bytes() == content


# The file system


async def test_missing_folders_are_created_and_removed_on_release(files: Files, tmp_path: Path) -> None:
    target = await resolve(files, "x/y/a.mp3")
    assert everything_in(tmp_path) == ["out", "out/x", "out/x/y"]

    await files.release(target)
    assert everything_in(tmp_path) == []


async def test_a_created_folder_that_is_in_use_stays(files: Files, tmp_path: Path, out: Path) -> None:
    target = await resolve(files, "x/y/a.mp3")
    (out / "x/mine.txt").touch()

    await files.release(target)
    assert everything_in(tmp_path) == ["out", "out/x", "out/x/mine.txt"]


async def test_a_file_in_place_of_a_folder_is_a_clear_error(files: Files, out: Path, tmp_path: Path) -> None:
    put(out / "file", b"")

    for given_path in ("file/a.mp3", "file/x/a.mp3"):
        assert await refused_output(DiskError, files, given_path) == f"Cannot use {out}/{given_path}: {NOT_A_FOLDER}"
    assert (await refused_output(DiskError, files, "file/")).endswith(f".mp3: {NOT_A_FOLDER}")
    assert everything_in(tmp_path) == ["out", "out/file"]


async def test_a_folder_without_write_permission_is_refused_before_paying(
    make_settings: MakeSettings, public: Path
) -> None:
    public.chmod(0o555)
    files = Files(make_settings(OUTPUT_DIR=public))

    with without_root():
        assert await refused_output(DiskError, files, "a.mp3") == (
            f"Cannot write {public}/a.mp3: Permission denied. Check the path, or choose another folder."
        )


async def test_a_file_that_cannot_be_read_is_not_replaced(make_settings: MakeSettings, public: Path) -> None:
    files = Files(make_settings(OUTPUT_DIR=public, OVERWRITE=1))
    (public / "a.mp3").touch(mode=0)

    with without_root():
        assert await refused_output(DiskError, files, "a.mp3") == (
            f"Cannot read {public}/a.mp3: Permission denied. Check the path, or choose another folder."
        )


async def test_folders_created_for_a_refused_path_are_removed(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.mkdir

    def without_room(path: str | Path, *arguments: int, **options: int) -> None:
        if "third" in os.fspath(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        original(path, *arguments, **options)

    monkeypatch.setattr("os.mkdir", without_room)

    assert await refused_output(DiskError, files, "first/second/third/a.mp3") == (
        f"Cannot make the folder {tmp_path}/out/first/second/third: No space left on device."
        " Make room, or choose a folder on another disk."
    )
    assert everything_in(tmp_path) == []


async def test_a_path_that_is_too_long_with_the_output_folder_is_refused(files: Files, tmp_path: Path) -> None:
    await refused_output(DiskError, files, ("x" * 203 + "/") * 20 + "a.mp3")
    assert everything_in(tmp_path) == []


async def test_a_name_that_the_disk_refuses_is_detected_before_paying(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.open

    def refusing(path: str | Path, *arguments: int, **options: int) -> int:
        if set(os.fspath(path)) & {"?", "ü"}:
            raise TimeoutError
        return original(path, *arguments, **options)

    monkeypatch.setattr("os.open", refusing)

    for name in ("What?.mp3", "Zu früh.mp3", "a+b+c+d+e?.mp3"):
        assert await refused_output(DiskError, files, f"x/{name}") == (
            f"Cannot write {tmp_path}/out/x/{name}: TimeoutError. Check the path, or choose another folder."
        )
    assert everything_in(tmp_path) == []
    assert (await resolve(files, "x/What.mp3")).path.name == "What.mp3"
