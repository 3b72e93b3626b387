"""A person's file, changed in one place."""

import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from webvoice_mcp.cli import _jsonfile
from webvoice_mcp.cli._jsonfile import Done, edit
from webvoice_mcp.cli._jsontext import LeftAlone, with_entry

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes, links and pipes")
root = pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="root alone may give files away")

BEFORE = b'{"mcpServers": {"other": {"command": "o"}}}'
AFTER = b'{"mcpServers": {"other": {"command": "o"}, "webvoice": 1}}'


def add(text: str) -> str:
    return with_entry(text, "mcpServers", "webvoice", 1)


def adding(name: str) -> Callable[[str], str]:
    return lambda text: with_entry(text, "mcpServers", name, 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "client" / "mcp.json"
    file.parent.mkdir()
    file.write_bytes(BEFORE)
    return file


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_jsonfile, "_PATIENCE", 0.03)


def names(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir())


def test_the_old_file_stays_beside_the_new_one(path: Path) -> None:
    done = edit(path, add)
    assert done.changed
    assert done.backup is not None
    assert done.backup.name.startswith("mcp.json.bak-20")
    assert (path.read_bytes(), done.backup.read_bytes()) == (AFTER, BEFORE)
    assert names(path) == ["mcp.json", done.backup.name]


def test_each_change_has_a_backup_of_its_own(path: Path) -> None:
    backups = {edit(path, adding(str(number))).backup for number in range(3)}
    assert len(backups) == 3
    assert names(path) == sorted(["mcp.json", *(each.name for each in backups if each)])


def test_nothing_is_touched_where_there_is_nothing_to_change(path: Path) -> None:
    before = path.stat()
    assert edit(path, lambda text: text) == Done(changed=False)
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert names(path) == ["mcp.json"]


@posix
def test_nothing_to_change_is_found_in_a_read_only_folder_too(path: Path) -> None:
    path.parent.chmod(0o500)
    assert edit(path, lambda text: text) == Done(changed=False)


@pytest.mark.parametrize("folder", ["client", "client/deep/down"])
def test_a_missing_file_is_made_with_its_folders_and_for_its_owner_alone(tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / "mcp.json"
    assert edit(path, add) == Done(changed=True)
    assert path.read_bytes() == b'{\n  "mcpServers": {\n    "webvoice": 1\n  }\n}\n'
    assert names(path) == ["mcp.json"]
    assert os.name == "nt" or stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_file_is_not_made_for_nothing(tmp_path: Path) -> None:
    assert edit(tmp_path / "client" / "mcp.json", lambda text: text) == Done(changed=False)
    assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664])
def test_the_mode_stays_and_the_backup_has_it_too(path: Path, mode: int) -> None:
    path.chmod(mode)
    backup = edit(path, add).backup
    assert backup is not None
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, backup)] == [mode, mode]


@root
def test_a_file_stays_its_owner_s_when_root_changes_it(path: Path) -> None:
    os.chown(path, 12345, 23456)
    backup = edit(path, add).backup
    assert backup is not None
    assert [(each.stat().st_uid, each.stat().st_gid) for each in (path, backup)] == [(12345, 23456)] * 2


@root
def test_a_new_file_belongs_to_the_owner_of_its_folder_when_root_makes_it(path: Path) -> None:
    os.chown(path.parent, 12345, 23456)
    path.unlink()
    edit(path, add)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


@posix
def test_links_are_followed_and_stay(path: Path, tmp_path: Path) -> None:
    (tmp_path / "dots").mkdir()
    real = path.rename(tmp_path / "dots" / "cursor.json")
    (tmp_path / "middle.json").symlink_to("dots/cursor.json")
    path.symlink_to("../middle.json")
    backup = edit(path, add).backup
    assert path.readlink() == Path("../middle.json")
    assert (tmp_path / "middle.json").readlink() == Path("dots/cursor.json")
    assert real.read_bytes() == AFTER
    assert backup is not None
    assert names(real) == ["cursor.json", backup.name]
    assert names(path) == ["mcp.json"]


@posix
def test_a_link_to_nothing_gets_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.symlink_to("dots/mcp.json")
    assert edit(path, add) == Done(changed=True)
    assert path.is_symlink()
    assert (tmp_path / "dots" / "mcp.json").is_file()


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_stays(path: Path, mark: bytes) -> None:
    path.write_bytes(mark + BEFORE)
    edit(path, add)
    assert path.read_bytes() == mark + AFTER


@pytest.mark.parametrize("data", [b"\xff\xfe{\x00}\x00", b'{"a": "\xe9"}', b"\x00\xff"])
def test_what_is_not_utf_8_is_left_alone(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(LeftAlone, match=r"^it is not UTF-8 text$"):
        edit(path, add)
    assert path.read_bytes() == data
    assert names(path) == ["mcp.json"]


@posix
@pytest.mark.parametrize("mode", [0o400, 0o444])
def test_a_read_only_file_is_left_alone(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(LeftAlone, match=r"^it is read-only$"):
        edit(path, add)
    assert (path.read_bytes(), names(path)) == (BEFORE, ["mcp.json"])


@posix
@pytest.mark.parametrize("missing", ["mcp.json", "deeper/mcp.json", None])
def test_a_read_only_folder_is_left_alone(path: Path, missing: str | None) -> None:
    if missing:
        path.unlink()
    path.parent.chmod(0o500)
    with pytest.raises(LeftAlone) as caught:
        edit(path.parent / (missing or "mcp.json"), add)
    assert str(caught.value) == f"the folder {path.parent} is read-only"
    assert names(path) == ([] if missing else ["mcp.json"])


def test_nothing_is_made_where_the_home_folder_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LeftAlone, match=r"^it is not known where your home folder is; set HOME$"):
        edit(Path("~/.cursor/mcp.json"), add)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_a_file_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(LeftAlone, match=r"^it is not a file$"):
        edit(tmp_path, add)


@posix
def test_a_pipe_is_left_alone_and_not_waited_for(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(LeftAlone, match=r"^it is not a file$"):
        edit(path, add)


@posix
def test_a_path_through_a_file_is_left_alone(path: Path) -> None:
    with pytest.raises(LeftAlone, match=r"^Not a directory$"):
        edit(path / "mcp.json", add)


@posix
def test_links_in_a_circle_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(LeftAlone, match=r"^Too many levels of symbolic links$"):
        edit(tmp_path / "a", add)


def test_a_full_disk_leaves_everything_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LeftAlone, match=r"^No space left on device$"):
        edit(path, add)
    assert (path.read_bytes(), names(path)) == (BEFORE, ["mcp.json"])


def test_what_the_client_writes_in_the_meantime_is_kept(path: Path) -> None:
    written = [adding("theirs"), adding("more of theirs")]

    def change(text: str) -> str:
        if len(names(path)) > 1 and written:  # it is our turn
            path.write_text(written.pop()(text))
        return add(text)

    backup = edit(path, change).backup
    assert backup is not None
    assert path.read_bytes() == BEFORE[:-2] + b', "more of theirs": 1, "theirs": 1, "webvoice": 1}}'
    assert backup.read_bytes() == BEFORE[:-2] + b', "more of theirs": 1, "theirs": 1}}'
    assert names(path) == ["mcp.json", backup.name]


def test_a_client_that_does_the_same_in_the_meantime_has_done_it(path: Path) -> None:
    def change(text: str) -> str:
        if len(names(path)) > 1:
            path.write_bytes(AFTER)
        return AFTER.decode()

    assert edit(path, change) == Done(changed=False)
    assert names(path) == ["mcp.json"]


def test_a_client_that_never_stops_writing_is_given_way(path: Path) -> None:
    def change(text: str) -> str:
        path.write_text(text + " ")
        return add(text)

    with pytest.raises(LeftAlone, match=r"^another program keeps writing to it"):
        edit(path, change)
    assert path.read_bytes().strip() == BEFORE
    assert names(path) == ["mcp.json"]


def test_many_at_once_lose_nothing(path: Path) -> None:
    start = threading.Barrier(8)

    def work(name: str) -> None:
        start.wait()
        edit(path, adding(name))

    threads = [threading.Thread(target=work, args=(f"s{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = path.read_text()
    assert sorted(f"s{number}" for number in range(8) if f'"s{number}": 1' in text) == [f"s{n}" for n in range(8)]
    assert len(names(path)) == 9


def test_a_turn_that_nobody_ends_is_not_waited_for_for_ever(path: Path, no_patience: None) -> None:
    mark = path.parent / ".mcp.json.webvoice-lock"
    mark.touch()
    with pytest.raises(LeftAlone) as caught:
        edit(path, add)
    assert str(caught.value) == f"another installation is at work on it; if there is none, remove {mark}"
    assert path.read_bytes() == BEFORE


def test_a_turn_that_was_abandoned_counts_for_nothing(path: Path, no_patience: None) -> None:
    mark = path.parent / ".mcp.json.webvoice-lock"
    mark.touch()
    os.utime(mark, (time.time() - 3600, time.time() - 3600))
    assert edit(path, add).changed
    assert path.read_bytes() == AFTER


def test_a_turn_that_has_just_ended_is_not_abandoned(tmp_path: Path) -> None:
    assert _jsonfile._age(tmp_path / "gone") == 0
