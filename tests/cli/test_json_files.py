"""Edits of a user's JSON file."""

import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from webvoice_mcp.cli.clients import json_files
from webvoice_mcp.cli.clients.json_files import EditResult, edit_file
from webvoice_mcp.cli.clients.json_text import NotEdited, set_entry

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes, links and pipes")
root = pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can change a file's owner")

BEFORE = b'{"mcpServers": {"other": {"command": "o"}}}'
AFTER = b'{"mcpServers": {"other": {"command": "o"}, "webvoice": 1}}'


def add(text: str) -> str:
    return set_entry(text, "mcpServers", "webvoice", 1)


def adding(name: str) -> Callable[[str], str]:
    return lambda text: set_entry(text, "mcpServers", name, 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "client" / "mcp.json"
    file.parent.mkdir()
    file.write_bytes(BEFORE)
    return file


@pytest.fixture
def lock_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lock file of another process. Edits do not wait long for it."""
    monkeypatch.setattr(json_files, "_LOCK_TIMEOUT_SECONDS", 0.03)
    lock_file = path.parent / ".mcp.json.webvoice-lock"
    lock_file.touch()
    return lock_file


def names(path: Path) -> list[str]:
    """Return the names of all files in this file's folder."""
    return sorted(file.name for file in path.parent.iterdir())


def test_the_old_file_is_kept_beside_the_new_one(path: Path) -> None:
    result = edit_file(path, add)
    assert result.is_changed
    assert result.backup is not None
    assert result.backup.name == "mcp.json.bak-webvoice"
    assert (path.read_bytes(), result.backup.read_bytes()) == (AFTER, BEFORE)
    assert names(path) == ["mcp.json", result.backup.name]


def test_the_backup_of_one_edit_replaces_the_one_of_the_edit_before(path: Path) -> None:
    backups = {edit_file(path, adding(str(number))).backup for number in range(3)}
    (backup,) = backups
    assert backup is not None
    assert names(path) == ["mcp.json", backup.name]
    assert path.read_bytes() == adding("2")(backup.read_text()).encode()


def test_what_a_killed_edit_left_is_in_nobody_s_way(path: Path) -> None:
    for name in (".mcp.json.new", ".mcp.json.old"):
        (path.parent / name).write_text("left")
    edit_file(path, add)
    assert path.read_bytes() == AFTER
    assert names(path) == [".mcp.json.new", ".mcp.json.old", "mcp.json", "mcp.json.bak-webvoice"]


@posix
def test_a_link_in_the_place_of_the_backup_is_not_followed(path: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("kept")
    (path.parent / "mcp.json.bak-webvoice").symlink_to(tmp_path / "theirs")
    assert edit_file(path, add).backup == path.parent / "mcp.json.bak-webvoice"
    assert (tmp_path / "theirs").read_text() == "kept"
    assert (path.parent / "mcp.json.bak-webvoice").read_bytes() == BEFORE


def test_nothing_is_written_if_nothing_changes(path: Path) -> None:
    before = path.stat()
    path.parent.chmod(0o500)
    assert edit_file(path, lambda text: text) == EditResult(is_changed=False)
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert names(path) == ["mcp.json"]


def test_a_missing_file_and_its_folders_are_created_for_the_user_only(tmp_path: Path) -> None:
    path = tmp_path / "client" / "deep" / "down" / "mcp.json"
    assert edit_file(path, add) == EditResult(is_changed=True)
    assert path.read_bytes() == b'{\n  "mcpServers": {\n    "webvoice": 1\n  }\n}\n'
    assert names(path) == ["mcp.json"]
    assert os.name == "nt" or stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_file_is_not_created_for_an_empty_text(tmp_path: Path) -> None:
    assert edit_file(tmp_path / "client" / "mcp.json", lambda text: text) == EditResult(is_changed=False)
    assert list(tmp_path.iterdir()) == []


@posix
def test_the_file_and_its_backup_keep_the_mode(path: Path) -> None:
    path.chmod(0o664)
    backup = edit_file(path, add).backup
    assert backup is not None
    assert [stat.S_IMODE(file.stat().st_mode) for file in (path, backup)] == [0o664, 0o664]


@root
def test_root_does_not_become_the_owner_of_a_file(path: Path) -> None:
    os.chown(path, 12345, 23456)
    backup = edit_file(path, add).backup
    assert backup is not None
    assert [(file.stat().st_uid, file.stat().st_gid) for file in (path, backup)] == [(12345, 23456)] * 2


@root
def test_root_gives_a_new_file_to_the_owner_of_its_folder(path: Path) -> None:
    os.chown(path.parent, 12345, 23456)
    path.unlink()
    edit_file(path, add)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


@posix
def test_links_are_followed_and_kept(path: Path, tmp_path: Path) -> None:
    (tmp_path / "dots").mkdir()
    real = path.rename(tmp_path / "dots" / "cursor.json")
    (tmp_path / "middle.json").symlink_to("dots/cursor.json")
    path.symlink_to("../middle.json")
    backup = edit_file(path, add).backup
    assert path.readlink() == Path("../middle.json")
    assert (tmp_path / "middle.json").readlink() == Path("dots/cursor.json")
    assert real.read_bytes() == AFTER
    assert backup is not None
    assert names(real) == ["cursor.json", backup.name]
    assert names(path) == ["mcp.json"]


@posix
def test_the_target_of_a_dangling_link_is_created(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.symlink_to("dots/mcp.json")
    assert edit_file(path, add) == EditResult(is_changed=True)
    assert path.is_symlink()
    assert (tmp_path / "dots" / "mcp.json").is_file()


def test_a_byte_order_mark_is_kept(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + BEFORE)
    edit_file(path, add)
    assert path.read_bytes() == b"\xef\xbb\xbf" + AFTER


def test_a_file_that_is_not_utf_8_is_not_changed(path: Path) -> None:
    data = b'{"a": "\xe9"}'
    path.write_bytes(data)
    with pytest.raises(NotEdited, match=r"^it is not UTF-8 text$"):
        edit_file(path, add)
    assert path.read_bytes() == data
    assert names(path) == ["mcp.json"]


@posix
def test_a_read_only_file_is_not_changed(path: Path) -> None:
    path.chmod(0o444)
    with pytest.raises(NotEdited, match=r"^it is read-only$"):
        edit_file(path, add)
    assert (path.read_bytes(), names(path)) == (BEFORE, ["mcp.json"])


@posix
@pytest.mark.parametrize("missing", ["deeper/mcp.json", None])
def test_a_read_only_folder_is_not_changed(path: Path, missing: str | None) -> None:
    path.parent.chmod(0o500)
    with pytest.raises(NotEdited) as caught:
        edit_file(path.parent / (missing or "mcp.json"), add)
    assert str(caught.value) == f"the folder {path.parent} is read-only"
    assert names(path) == ["mcp.json"]


@posix
def test_a_pipe_is_refused_at_once(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(NotEdited, match=r"^it is not a regular file$"):
        edit_file(path, add)


@posix
def test_a_path_through_a_file_is_refused(path: Path) -> None:
    with pytest.raises(NotEdited, match=r"^Not a directory$"):
        edit_file(path / "mcp.json", add)


def test_a_full_disk_leaves_everything_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(NotEdited, match=r"^No space left on device$"):
        edit_file(path, add)
    assert (path.read_bytes(), names(path)) == (BEFORE, ["mcp.json"])


def test_what_the_client_writes_during_the_edit_is_kept(path: Path) -> None:
    writes = [adding("theirs"), adding("more of theirs")]

    def change(text: str) -> str:
        if len(names(path)) > 1 and writes:  # the lock is held
            path.write_text(writes.pop()(text))
        return add(text)

    backup = edit_file(path, change).backup
    assert backup is not None
    assert path.read_bytes() == BEFORE[:-2] + b', "more of theirs": 1, "theirs": 1, "webvoice": 1}}'
    assert backup.read_bytes() == BEFORE[:-2] + b', "more of theirs": 1, "theirs": 1}}'
    assert names(path) == ["mcp.json", backup.name]


def test_nothing_is_written_if_the_client_makes_the_same_change(path: Path) -> None:
    def change(text: str) -> str:
        if len(names(path)) > 1:  # the lock is held
            path.write_bytes(AFTER)
        return AFTER.decode()

    assert edit_file(path, change) == EditResult(is_changed=False)
    assert names(path) == ["mcp.json"]


def test_an_edit_gives_up_if_the_client_never_stops_writing(path: Path) -> None:
    def change(text: str) -> str:
        path.write_text(text + " ")
        return add(text)

    with pytest.raises(NotEdited, match=r"^another program keeps writing to it"):
        edit_file(path, change)
    assert path.read_bytes().strip() == BEFORE
    assert names(path) == ["mcp.json"]


def test_many_edits_at_once_lose_nothing(path: Path) -> None:
    barrier = threading.Barrier(8)

    def work(name: str) -> None:
        barrier.wait()
        edit_file(path, adding(name))

    threads = [threading.Thread(target=work, args=(f"s{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = path.read_text()
    assert [number for number in range(8) if f'"s{number}": 1' not in text] == []
    assert len(names(path)) == 2


def test_an_edit_gives_up_if_the_lock_is_never_released(path: Path, lock_file: Path) -> None:
    with pytest.raises(NotEdited) as caught:
        edit_file(path, add)
    assert str(caught.value) == f"another webvoice-mcp command is editing it; if none is running, delete {lock_file}"
    assert path.read_bytes() == BEFORE


def test_an_abandoned_lock_is_removed(path: Path, lock_file: Path) -> None:
    os.utime(lock_file, (time.time() - 3600, time.time() - 3600))
    assert edit_file(path, add).is_changed
    assert path.read_bytes() == AFTER


def test_a_lock_released_at_this_moment_is_not_an_error(
    path: Path, lock_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = os.open

    def create_and_release(*args: Any) -> int:
        try:
            return create(*args)
        finally:
            lock_file.unlink(missing_ok=True)

    monkeypatch.setattr(os, "open", create_and_release)
    assert edit_file(path, add).is_changed
