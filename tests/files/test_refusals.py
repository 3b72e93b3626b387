import os
import socket
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from tests.files.samples import everything_in
from tests.support import MakeSettings
from webvoice_mcp.errors import DiskError, InvalidArgument, PathNotAllowed, WebVoiceError
from webvoice_mcp.files import Files, Target
from webvoice_mcp.files.names import trouble_writing


def speech(files: Files, output_path: str = "") -> Target:
    return files.target(output_path, tool="webvoice_tts", words="Hello, world!", suffixes=(".mp3",))


def refusal(kind: type[WebVoiceError], files: Files, output_path: str) -> str:
    with pytest.raises(kind) as caught:
        speech(files, output_path)
    assert type(caught.value) is kind
    return str(caught.value)


# What is refused


@pytest.mark.parametrize(
    ("given_path", "reason"),
    [
        ("a\x00.mp3", "it holds a NUL character"),
        ("a\ud800.mp3", "it holds characters that are no text"),
        ("a\n.mp3", "it holds control characters"),
        ("a" * 252 + ".mp3", "the name aaaaaaaaaaaaaaaaaaaa… is longer than 255 bytes"),
        ("a" * 253, "the name aaaaaaaaaaaaaaaaaaaa… is longer than 255 bytes"),
        ("ü" * 130 + "/a.mp3", "the name üüüüüüüüüüüüüüüüüüüü… is longer than 255 bytes"),
        ("a/" * 3000 + "a.mp3", "it is longer than 4095 bytes"),
        ("a./b.mp3", "the name 'a.' ends in a dot or a space"),
        ("a.mp3 ", "the name 'a.mp3 ' ends in a dot or a space"),
        ("...", "the name '...' ends in a dot or a space"),
        ("CON.mp3", "CON.mp3 is a device's name on Windows"),
        ("x/lpt1", "lpt1 is a device's name on Windows"),
    ],
)
def test_a_name_that_no_file_can_have_everywhere_is_refused(
    files: Files, tmp_path: Path, given_path: str, reason: str
) -> None:
    message = refusal(InvalidArgument, files, given_path)

    assert message.startswith("output_path ")
    assert f": {reason}. " in message
    assert everything_in(tmp_path) == []


@pytest.mark.parametrize(
    ("longest", "too_long"),
    [("a" * 255, "a" * 256), ("ü" * 127, "ü" * 128), ("a/" * 2047 + "a", "a/" * 2047 + "aa")],
)
def test_a_name_may_be_as_long_as_file_systems_take_it(longest: str, too_long: str) -> None:
    assert trouble_writing(PurePosixPath(longest)) == ""
    assert trouble_writing(PurePosixPath(too_long)) != ""


@pytest.mark.parametrize("name", ["a.mp3:b", "what?.mp3", "a|b", 'a"b', "<a>", "*"])
def test_what_windows_cannot_name_is_refused_there(name: str) -> None:
    assert trouble_writing(PureWindowsPath("C:\\music") / "x" / ".." / name) == (
        f'the name {name} holds one of < > : " | ? *'
    )


@pytest.mark.parametrize(
    "given_path",
    [".hidden.mp3", ".mp3", ".ssh/a.mp3", "x/.git/hooks/a.mp3", "x/../.config/", "/.x/a.mp3", "../.beside/a.mp3"],
)
def test_nothing_hidden_is_a_target(files: Files, tmp_path: Path, given_path: str) -> None:
    message = refusal(PathNotAllowed, files, given_path)

    assert message.startswith("output_path: ")
    assert message.endswith(
        " is hidden (a part of it begins with a dot), and hidden files are never written. Choose another path."
    )
    assert everything_in(tmp_path) == []


def test_a_link_to_something_hidden_is_no_target(files: Files, tmp_path: Path, out: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    out.mkdir()
    (out / "folder").symlink_to(tmp_path / ".ssh")
    (out / "file.mp3").symlink_to(tmp_path / ".ssh/new.mp3")

    for given_path in ("folder/a.mp3", "folder", "file.mp3", "file"):
        assert refusal(PathNotAllowed, files, given_path).startswith(f"output_path: {tmp_path}/.ssh")
    assert everything_in(tmp_path / ".ssh") == []


@pytest.mark.parametrize("setting", ["OUTPUT_DIR", "ALLOWED_DIRS"])
def test_the_folders_that_a_person_set_may_be_hidden(make_settings: MakeSettings, tmp_path: Path, setting: str) -> None:
    files = Files(make_settings(**{setting: tmp_path / ".cache/out"}))

    assert speech(files, f"{tmp_path}/.cache/out/a.mp3").path == tmp_path / ".cache/out/a.mp3"
    assert ".cache/out/.b" in refusal(PathNotAllowed, files, f"{tmp_path}/.cache/out/.b/a.mp3")


def test_an_output_folder_that_is_a_link_may_lead_to_a_hidden_place(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    (tmp_path / ".real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / ".real")
    files = Files(make_settings(OUTPUT_DIR=tmp_path / "link", ALLOWED_DIRS=tmp_path / "elsewhere"))

    assert speech(files, "a.mp3").path == tmp_path / ".real/a.mp3"


def test_with_allowed_folders_everything_lies_in_one_of_them_or_the_output_folder(
    make_settings: MakeSettings, tmp_path: Path, out: Path
) -> None:
    allowed = tmp_path / "allowed"
    files = Files(make_settings(ALLOWED_DIRS=os.pathsep.join([str(allowed), str(tmp_path / "too")])))

    for inside in (out / "a.mp3", allowed / "x/a.mp3", tmp_path / "too/a.mp3"):
        assert speech(files, str(inside)).path == inside
    for outside in (tmp_path / "a.mp3", tmp_path / "allowed2/a.mp3", allowed / "../a.mp3", Path("../a.mp3"), tmp_path):
        assert refusal(PathNotAllowed, files, str(outside)) == (
            f"output_path: {os.path.normpath(out / outside)} lies outside the folders of WEBVOICE_ALLOWED_DIRS and the"
            f" output folder {out}. Choose a path inside one of them."
        )
    assert everything_in(tmp_path) == ["allowed", "allowed/x", "out", "too"]


def test_a_link_out_of_the_allowed_folders_is_refused(make_settings: MakeSettings, tmp_path: Path, out: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    out.mkdir()
    (out / "folder").symlink_to(elsewhere)
    (out / "file.mp3").symlink_to(elsewhere / "new.mp3")
    files = Files(make_settings(ALLOWED_DIRS=out))

    for given_path in ("folder/a.mp3", "folder/x/a.mp3", "file.mp3", "file"):
        refusal(PathNotAllowed, files, given_path)
    assert everything_in(elsewhere) == []


def test_links_are_followed_where_nothing_forbids_it(files: Files, tmp_path: Path, out: Path) -> None:
    out.mkdir()
    (out / "a.mp3").symlink_to(tmp_path / "real.mp3")
    (out / "b.mp3").symlink_to(tmp_path / "script.sh")

    assert speech(files, "a.mp3").path == tmp_path / "real.mp3"
    assert "script.sh ends in .sh" in refusal(InvalidArgument, files, "b.mp3")


def test_a_link_to_itself_is_refused(files: Files, out: Path) -> None:
    out.mkdir()
    (out / "a.mp3").symlink_to(out / "a.mp3")

    refusal(DiskError, files, "a.mp3")


def test_devices_and_pipes_are_refused_without_waiting(files: Files, out: Path) -> None:
    out.mkdir()
    os.mkfifo(out / "pipe")
    os.mkfifo(out / "pipe.mp3")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(out / "socket"))
        for given_path in ("/dev/null", "pipe", "pipe.mp3", "socket"):
            assert "is a device or a pipe" in refusal(PathNotAllowed, files, given_path)
