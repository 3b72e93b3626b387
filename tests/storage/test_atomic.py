import errno
import os
import re
from pathlib import Path

import pytest

from tests.storage.helpers import mode, names_in, umask
from webvoice_mcp.storage.atomic import remove_temporaries, replace_atomically, write_temporary

as_root = pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may change the owner of a file")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.json"


def test_a_file_is_replaced_or_created_with_its_mode_under_any_umask(path: Path) -> None:
    for mask in (0, 0o777):
        with umask(mask):
            replace_atomically(path, b"private")
            assert (path.read_bytes(), mode(path)) == (b"private", 0o600)
            replace_atomically(path, b"shared", mode=0o664)
            assert (path.read_bytes(), mode(path)) == (b"shared", 0o664)
    assert names_in(path.parent) == ["file.json"]


def test_a_new_file_is_private_until_it_is_complete(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    original = os.open

    def opened(name: Path, *arguments: int) -> int:
        descriptor = original(name, *arguments)
        modes.append(os.fstat(descriptor).st_mode & 0o777)
        return descriptor

    monkeypatch.setattr("os.open", opened)
    with umask(0):
        temporary = write_temporary(path, b"new", mode=0o644)

    assert modes == [0o600]
    assert (mode(temporary), temporary.read_bytes()) == (0o644, b"new")
    assert re.fullmatch(r"\.file\.json\.[0-9a-f]{16}\.tmp", temporary.name)
    assert names_in(path.parent) == [temporary.name]
    assert mode(write_temporary(path, b"new")) == 0o600


def test_a_replaced_file_survives_a_power_cut(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    monkeypatch.setattr("os.fsync", lambda descriptor: flushed.append(os.fstat(descriptor).st_ino))

    replace_atomically(path, b"new")

    assert flushed == [path.stat().st_ino, path.parent.stat().st_ino]


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
def test_a_failing_disk_leaves_the_file_unchanged(path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(OSError, match="No space left"):
            replace_atomically(path, b"new")

    assert path.read_bytes() == b"old"
    assert names_in(path.parent) == ["file.json"]


@as_root
def test_the_owner_is_kept_on_request(path: Path) -> None:
    os.chown(path.parent, 1001, 1002)

    def owner() -> tuple[int, int]:
        return path.stat().st_uid, path.stat().st_gid

    replace_atomically(path, b"new", keep_owner=True)
    assert owner() == (1001, 1002)
    os.chown(path, 1003, 1004)
    replace_atomically(path, b"newer", keep_owner=True, mode=0o640)
    assert (owner(), mode(path)) == ((1003, 1004), 0o640)
    replace_atomically(path, b"newest")
    assert owner() == (os.geteuid(), os.getegid())


def test_an_owner_that_may_not_be_set_is_not_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.chown", refuse)

    replace_atomically(path, b"new", keep_owner=True)

    assert path.read_bytes() == b"new"


def test_only_temporary_files_of_this_file_are_removed(path: Path) -> None:
    kept = [
        ".file.json.0123456789abcdeg.tmp",
        ".file.json.0123456789abcde.tmp",
        ".file.json.0123456789abcdef.tmp.bak",
        ".other.json.0123456789abcdef.tmp",
        ".fileXjson.0123456789abcdef.tmp",
        "file.json",
    ]
    for name in (*kept, ".file.json.0123456789abcdef.tmp"):
        path.with_name(name).touch()

    remove_temporaries(path)

    assert names_in(path.parent) == sorted(kept)
