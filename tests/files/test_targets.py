import errno
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.files.samples import MP3_BYTES, PNG_BYTES, everything_in, wav_bytes, without_root
from tests.support import MakeSettings
from webvoice_mcp.errors import DiskError, FileError, FileExists, InvalidArgument, WebVoiceError
from webvoice_mcp.files import Files, Target

MADE_NAME = r"tts-\d{8}-\d{6}-hello-world\.mp3"


def speech(files: Files, output_path: str = "", words: str = "Hello, world!") -> Target:
    return files.target(output_path, tool="webvoice_tts", words=words, suffixes=(".mp3",))


def refusal(kind: type[WebVoiceError], files: Files, output_path: str) -> str:
    with pytest.raises(kind) as caught:
        speech(files, output_path)
    assert type(caught.value) is kind
    return str(caught.value)


# Where a path leads


@pytest.mark.parametrize(
    ("given_path", "expected"),
    [
        ("a.mp3", "a.mp3"),
        ("a", "a.mp3"),
        ("A.MP3", "A.MP3"),
        ("deep/er/a.mp3", "deep/er/a.mp3"),
        ("x/../a.mp3", "a.mp3"),
        ("./a.mp3", "a.mp3"),
        ("part 1.2", "part 1.2.mp3"),
        ("Mr. Smith", "Mr. Smith.mp3"),
        ("grüße 你好.mp3", "grüße 你好.mp3"),
        ("../beside.mp3", "../beside.mp3"),
    ],
)
def test_a_relative_path_is_taken_from_the_output_folder(
    files: Files, out: Path, given_path: str, expected: str
) -> None:
    assert speech(files, given_path).path == Path(os.path.normpath(out / expected))


def test_an_absolute_path_is_taken_as_it_is(files: Files, tmp_path: Path) -> None:
    assert speech(files, f"{tmp_path}/x/a.mp3").path == tmp_path / "x/a.mp3"
    assert speech(files, f"/{tmp_path}//x/b.mp3").path == tmp_path / "x/b.mp3"


def test_a_tilde_is_the_home_folder(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / ".homes/ann"
    home.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))

    assert speech(files, "~/a.mp3").path == home / "a.mp3"
    assert speech(files, "~").path.parent == home


def test_the_tilde_of_an_unknown_user_is_refused(files: Files) -> None:
    assert "output_path" in refusal(InvalidArgument, files, "~nobody-of-this-name/a.mp3")


@pytest.mark.parametrize("given_path", ["", "  ", ".", "x/..", "folder/", "folder/.", "existing", "./existing/"])
def test_in_a_folder_a_name_is_made(files: Files, out: Path, given_path: str) -> None:
    (out / "existing").mkdir(parents=True)
    folder = Path(os.path.normpath(out / given_path.strip()))

    path = speech(files, given_path).path

    assert path.parent == folder
    assert re.fullmatch(MADE_NAME, path.name)


@pytest.mark.parametrize("given_path", ["..", "x/.", "x/y/..", "x/"])
def test_a_path_that_can_only_be_a_folders_is_one_before_it_is_there(
    make_settings: MakeSettings, tmp_path: Path, given_path: str
) -> None:
    files = Files(make_settings(OUTPUT_DIR=tmp_path / "not/yet"))

    path = speech(files, given_path).path

    assert path.parent == Path(os.path.normpath(tmp_path / "not/yet" / given_path))
    assert re.fullmatch(MADE_NAME, path.name)


def test_a_folder_may_have_a_name_like_a_files(files: Files, out: Path) -> None:
    (out / "a.mp3").mkdir(parents=True)

    assert speech(files, "a.mp3").path.parent == out / "a.mp3"


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("Ça va? Très bien, merci à vous tous!", "-ca-va-tres-bien-merci-a"),
        ("../../etc/passwd\x00\n", "-etc-passwd"),
        ("你好", ""),
        ("", ""),
        ("x" * 10_000, "-" + "x" * 40),
        ("x" * 39 + " yes", "-" + "x" * 39),
        ("  " * 99 + "X Y", "-x"),  # the second lies beyond what is looked at
    ],
)
def test_a_made_name_holds_the_words_as_plain_ascii_only(files: Files, words: str, slug: str) -> None:
    assert re.fullmatch(r"tts-\d{8}-\d{6}" + slug + r"\.mp3", speech(files, words=words).path.name)


def test_a_made_name_is_never_one_that_is_there(files: Files, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.strftime", lambda *_: "20260102-030405")
    out.mkdir()
    (out / "tts-20260102-030405-hello-world.mp3").touch()

    assert speech(files).path.name == "tts-20260102-030405-hello-world-2.mp3"


@pytest.mark.parametrize("given_path", ["a.wav", "a.txt", "a.py", "a.mp3.exe", "notes.md"])
def test_an_extension_of_another_kind_is_refused(files: Files, tmp_path: Path, given_path: str) -> None:
    message = refusal(InvalidArgument, files, given_path)

    assert message.startswith("output_path: ")
    assert message.endswith("but the file will be .mp3. Use .mp3.")
    assert everything_in(tmp_path) == []


def test_each_of_several_extensions_is_accepted(files: Files, out: Path) -> None:
    def path(given_path: str) -> Path:
        return files.target(given_path, tool="webvoice_image", words="", suffixes=(".png", ".jpg")).path

    assert [path("a.jpg"), path("b.PNG"), path("c")] == [out / "a.jpg", out / "b.PNG", out / "c.png"]
    with pytest.raises(InvalidArgument, match=r"d\.gif ends in \.gif, but the file will be \.png or \.jpg\. Use "):
        path("d.gif")


@given(st.text(max_size=40))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_path_is_either_refused_or_leads_to_a_visible_new_file_of_the_right_kind(
    make_settings: MakeSettings, given_path: str
) -> None:
    with TemporaryDirectory() as name:
        root = Path(name).resolve()
        files = Files(make_settings(OUTPUT_DIR=root / "out", ALLOWED_DIRS=root))
        try:
            path = speech(files, given_path).path
        except (FileError, InvalidArgument):
            assert everything_in(root) == []
        else:
            assert path.is_relative_to(root)
            assert not any(part.startswith(".") for part in path.relative_to(root).parts)
            assert path.suffix.lower() == ".mp3"
            assert not path.exists()
            assert path.parent.is_dir()
            path.touch()


# What is there already


def test_an_existing_file_is_refused(files: Files, out: Path) -> None:
    out.mkdir()
    (out / "a.mp3").write_bytes(MP3_BYTES)

    for given_path in ("a.mp3", "a"):
        assert refusal(FileExists, files, given_path) == (
            f"{out}/a.mp3 exists. Choose another output_path, or let the person set WEBVOICE_OVERWRITE=1."
        )


def test_a_folder_of_the_completed_name_is_refused(files: Files, out: Path) -> None:
    (out / "a.mp3").mkdir(parents=True)

    refusal(FileExists, files, "a")


@pytest.mark.parametrize(
    ("suffix", "content", "may_be_replaced"),
    [
        (".mp3", MP3_BYTES, True),
        (".mp3", wav_bytes(), True),
        (".mp3", b"", True),
        (".mp3", PNG_BYTES, False),
        (".mp3", b"my thesis", False),
        (".mp3", b"\x00\x01\x02", False),
        (".txt", b"an older transcript", True),
        (".txt", b"", True),
        (".txt", MP3_BYTES, False),
        (".odd", b"text", False),
    ],
)
def test_where_overwriting_is_allowed_only_a_file_of_the_same_kind_is_replaced(
    make_settings: MakeSettings, out: Path, suffix: str, content: bytes, may_be_replaced: bool
) -> None:
    out.mkdir()
    path = out / f"a{suffix}"
    path.write_bytes(content)
    files = Files(make_settings(OVERWRITE=1))

    def target() -> Target:
        return files.target(path.name, tool="webvoice_tts", words="", suffixes=(suffix,))

    if may_be_replaced:
        assert target().replaces is not None
    else:
        with pytest.raises(FileExists, match="its content is of another kind"):
            target()
    assert path.read_bytes() == content


def test_a_folder_or_pipe_is_never_replaced(make_settings: MakeSettings, out: Path) -> None:
    (out / "a.mp3").mkdir(parents=True)
    files = Files(make_settings(OVERWRITE=1))

    refusal(FileExists, files, "a")


# What the disk says


def test_the_folders_that_are_missing_are_made_and_given_back(files: Files, tmp_path: Path) -> None:
    target = speech(files, "x/y/a.mp3")
    assert everything_in(tmp_path) == ["out", "out/x", "out/x/y"]

    files.abandon(target)
    assert everything_in(tmp_path) == []


def test_a_folder_that_somebody_has_used_meanwhile_is_not_given_back(files: Files, tmp_path: Path, out: Path) -> None:
    target = speech(files, "x/y/a.mp3")
    (out / "x/mine.txt").touch()

    files.abandon(target)
    assert everything_in(tmp_path) == ["out", "out/x", "out/x/mine.txt"]


@pytest.mark.parametrize("given_path", ["file/a.mp3", "file/x/a.mp3", "file/"])
def test_a_file_in_the_place_of_a_folder_is_a_clear_error(files: Files, out: Path, given_path: str) -> None:
    out.mkdir()
    (out / "file").touch()

    message = refusal(DiskError, files, given_path)

    assert message.startswith(f"Cannot use {out}/{given_path}")
    assert message.endswith(": Not a directory. Choose another path: a part of this one is a file, not a folder.")
    assert everything_in(out) == ["file"]


def test_an_output_folder_that_is_a_file_is_a_clear_error(files: Files, out: Path) -> None:
    out.touch()

    assert "a part of this one is a file, not a folder" in refusal(DiskError, files, "a.mp3")


def test_a_folder_without_permission_is_refused_before_anything_is_paid(
    make_settings: MakeSettings, public: Path
) -> None:
    public.chmod(0o555)
    files = Files(make_settings(OUTPUT_DIR=public))

    with without_root():
        assert refusal(DiskError, files, "a.mp3") == (
            f"Cannot write {public}/a.mp3: Permission denied. Check the path, or choose another folder."
        )


def test_a_file_that_cannot_be_looked_into_is_not_taken_for_one_that_may_be_replaced(
    make_settings: MakeSettings, public: Path
) -> None:
    files = Files(make_settings(OUTPUT_DIR=public, OVERWRITE=1))
    (public / "a.mp3").touch(mode=0)

    with without_root():
        assert refusal(DiskError, files, "a.mp3") == (
            f"Cannot read {public}/a.mp3: Permission denied. Check the path, or choose another folder."
        )


def test_folders_made_for_a_refused_call_are_removed_again(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_make = os.mkdir

    def without_room(path: str | Path, *arguments: int, **options: int) -> None:
        if "third" in os.fspath(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        really_make(path, *arguments, **options)

    monkeypatch.setattr("os.mkdir", without_room)

    assert refusal(DiskError, files, "first/second/third/a.mp3") == (
        f"Cannot make the folder {tmp_path}/out/first/second/third: No space left on device."
        " Make room, or choose a folder on another disk."
    )
    assert everything_in(tmp_path) == []


def test_a_path_that_is_too_long_below_the_output_folder_is_refused(files: Files, tmp_path: Path) -> None:
    refusal(DiskError, files, ("x" * 203 + "/") * 20 + "a.mp3")
    assert everything_in(tmp_path) == []


@pytest.mark.parametrize("name", ["What?.mp3", "Zu früh.mp3", "a+b+c+d+e?.mp3"])
def test_a_place_that_cannot_be_written_gives_its_new_folders_back(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    really_open = os.open

    def like_a_stick(path: str | Path, *arguments: int, **options: int) -> int:
        if set(os.fspath(path)) & {"?", "ü"}:
            raise TimeoutError
        return really_open(path, *arguments, **options)

    monkeypatch.setattr("os.open", like_a_stick)

    assert refusal(DiskError, files, f"x/{name}") == (
        f"Cannot write {tmp_path}/out/x/{name}: TimeoutError. Check the path, or choose another folder."
    )
    assert everything_in(tmp_path) == []
    assert speech(files, "x/What.mp3").path.name == "What.mp3"


def test_a_read_only_place_is_refused(files: Files) -> None:
    refusal(DiskError, files, "/proc/a.mp3")
    refusal(DiskError, files, "/proc/x/a.mp3")


def test_nothing_of_the_trial_stays(files: Files, out: Path) -> None:
    speech(files, "a.mp3")

    assert everything_in(out) == []
