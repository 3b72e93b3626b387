import errno
import os
from pathlib import Path
from typing import Any

import pytest

from tests.storage.helpers import mode, names_in, umask
from webvoice_mcp.storage.private import (
    make_private_file,
    make_private_folder,
    open_private,
    read_private,
    restrict_file,
    set_aside,
)


def refuse(*_: object, **__: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_a_file_of_any_length_is_read_whole(tmp_path: Path) -> None:
    content = os.urandom(200_001)
    (tmp_path / "file").touch(0o600)
    (tmp_path / "file").write_bytes(content)

    assert read_private(tmp_path / "file") == content


def test_an_open_file_is_closed_to_others_and_warned_about_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "file"
    path.touch()
    for open_mode in (0o640, 0o604):
        path.chmod(open_mode)
        read_private(path)
        read_private(path)
        assert mode(path) == 0o600

    assert caplog.messages == [f"Other users of this computer could access {path}. Their access was removed."] * 2


def test_an_open_file_of_somebody_else_is_read_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    path.chmod(0o644)
    monkeypatch.setattr("os.fchmod", refuse)

    for _ in range(2):
        assert read_private(path) == b"content"
    assert caplog.messages == [f"Other users of this computer can access {path}, and it belongs to another user."]


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_a_folder_or_pipe_is_refused_without_waiting(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "file", 0o700)

    with pytest.raises(OSError, match="it is not a regular file"):
        read_private(tmp_path / "file")


def test_a_file_that_is_set_aside_replaces_no_other_file(tmp_path: Path) -> None:
    for content in (b"first", b"second", b"third"):
        (tmp_path / "file").write_bytes(content)
        set_aside(tmp_path / "file", "aside")

    assert {name: (tmp_path / name).read_bytes() for name in names_in(tmp_path)} == {
        "aside": b"first",
        "aside-2": b"second",
        "aside-3": b"third",
    }


def test_a_folder_and_its_parents_are_created_private_under_any_umask(tmp_path: Path) -> None:
    with umask(0o077):
        make_private_folder(tmp_path / "not/there/yet")
    with umask(0):
        make_private_folder(tmp_path / "open")
    with umask(0o777):
        make_private_folder(tmp_path / "closed")

    assert [mode(tmp_path / name) for name in ("not/there/yet", "open", "closed")] == [0o700] * 3
    with umask(0):
        make_private_folder(tmp_path / "x/y/z")
    assert [mode(tmp_path / name) for name in ("x", "x/y", "x/y/z")] == [0o700] * 3


def test_a_file_is_created_private_under_any_umask(tmp_path: Path) -> None:
    for value in (0, 0o077, 0o777):
        path = tmp_path / oct(value)
        with umask(value):
            make_private_file(path)
            make_private_file(path)
            os.close(open_private(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT))
        assert [mode(path), mode(path.with_suffix(".lock"))] == [0o600] * 2


def test_a_file_is_restricted_without_opening_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o644)
    monkeypatch.setattr("os.open", refuse)
    restrict_file(path)
    assert mode(path) == 0o600
    restrict_file(tmp_path / "missing")
    path.chmod(0o644)
    monkeypatch.setattr("os.chmod", refuse)
    restrict_file(path)  # of another user: the history is then used as it is
    with pytest.raises(OSError, match="it is not a regular file"):
        restrict_file(tmp_path)


def test_an_existing_folder_is_made_private_unless_it_is_shared(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, folder_mode in (("open", 0o755), ("shared", 0o1777), ("private", 0o700)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(folder_mode)
        make_private_folder(tmp_path / name)

    assert [mode(tmp_path / name) for name in ("open", "shared", "private")] == [0o700, 0o1777, 0o700]
    assert caplog.messages == [f"Other users of this computer could access {tmp_path}/open. Their access was removed."]


def test_a_file_in_place_of_a_folder_stays_unchanged(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(0o644)

    with pytest.raises(NotADirectoryError, match="a file with this name exists"):
        make_private_folder(tmp_path / "file")
    assert mode(tmp_path / "file") == 0o644
