import errno
import threading
from pathlib import Path

import pytest

from tests.storage.helpers import mode, names_in, other_process, umask
from tests.support import count_descriptors
from webvoice_mcp.storage import locks
from webvoice_mcp.storage.locks import ByteLocks, file_lock

fcntl = pytest.importorskip("fcntl", reason="Windows has other locks")

HOLD_FILE = """
import sys
from pathlib import Path
from webvoice_mcp.storage.locks import file_lock
with file_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""
HOLD_BYTE = """
import sys
from pathlib import Path
from webvoice_mcp.storage.locks import ByteLocks
assert ByteLocks(Path(sys.argv[1])).lock(int(sys.argv[2]))
print("locked", flush=True)
sys.stdin.read()
"""
CHECK_BYTE = """
import fcntl, sys
with open(sys.argv[1], "r+") as file:
    fcntl.lockf(file, fcntl.LOCK_SH, 1, int(sys.argv[2]))
    print("checking", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.lock"


@pytest.fixture
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_TIMEOUT_SECONDS", 0.02)


# A lock on a file


@pytest.mark.usefixtures("short_timeout")
def test_a_file_lock_is_held_until_its_process_ends_even_if_killed(path: Path) -> None:
    with other_process(HOLD_FILE, path) as process:
        with pytest.raises(TimeoutError, match="another process does not release it"), file_lock(path):
            pass
        process.kill()
        process.wait()
        with file_lock(path):
            pass


def test_a_file_lock_excludes_other_threads(path: Path) -> None:
    holders: list[int] = []
    counts: list[int] = []

    def work() -> None:
        for _ in range(20):
            with file_lock(path):
                holders.append(1)
                counts.append(len(holders))
                holders.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counts == [1] * 80


def test_a_lock_file_is_private_and_reusable_under_any_umask(path: Path) -> None:
    for _ in range(2):
        with umask(0o777), file_lock(path):
            assert mode(path) == 0o600
    with umask(0), file_lock(path.with_name("other")):
        assert mode(path.with_name("other")) == 0o600


def test_a_lock_file_of_another_user_is_used(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.chmod", refuse)

    with file_lock(path):
        pass


def test_a_link_in_place_of_a_lock_file_is_refused(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))

    with pytest.raises(OSError, match="it is a link"), file_lock(path):
        pass
    assert names_in(path.parent) == ["file.lock"]


def test_a_lock_file_stays_unless_it_is_to_be_removed(path: Path) -> None:
    with file_lock(path, remove=True):
        assert path.exists()
    assert not path.exists()
    with file_lock(path):
        pass
    assert path.exists()


@pytest.mark.usefixtures("short_timeout")
def test_a_waiter_for_a_removed_lock_file_locks_the_next_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    is_waiting, is_holding, may_end = threading.Event(), threading.Event(), threading.Event()
    original = fcntl.flock

    def flock(descriptor: int, operation: int) -> None:
        if threading.current_thread() is waiter:
            is_waiting.set()
        original(descriptor, operation)

    def wait() -> None:
        with file_lock(path, remove=True):
            is_holding.set()
            may_end.wait(60)

    waiter = threading.Thread(target=wait)
    with file_lock(path, remove=True):
        monkeypatch.setattr(locks, "_TIMEOUT_SECONDS", 60)
        monkeypatch.setattr(fcntl, "flock", flock)
        waiter.start()
        assert is_waiting.wait(60)
    assert is_holding.wait(60)
    monkeypatch.setattr(locks, "_TIMEOUT_SECONDS", 0.02)

    with pytest.raises(TimeoutError), file_lock(path, remove=True):
        pass
    may_end.set()
    waiter.join()
    assert not path.exists()


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="descriptors are counted in /dev/fd")
@pytest.mark.usefixtures("short_timeout")
def test_no_lock_leaves_a_descriptor_open(path: Path) -> None:
    before = count_descriptors()
    with file_lock(path):
        with pytest.raises(TimeoutError), file_lock(path):
            pass
        path.unlink()
    byte_locks = ByteLocks(path)
    byte_locks.close()
    byte_locks.close()
    assert count_descriptors() == before


# Locks on bytes


def test_a_byte_is_locked_until_its_process_ends_even_if_killed(path: Path) -> None:
    byte_locks = ByteLocks(path)
    with other_process(HOLD_BYTE, path, str(1 << 40)) as process:
        assert byte_locks.is_locked(1 << 40)
        assert not byte_locks.lock(1 << 40)
        assert not byte_locks.is_locked((1 << 40) + 1)
        assert not byte_locks.is_locked((1 << 40) - 1)
        process.kill()
        process.wait()
        assert not byte_locks.is_locked(1 << 40)
        assert byte_locks.lock(1 << 40)
    byte_locks.close()
    assert path.read_bytes() == b""
    assert mode(path) == 0o600


def test_a_process_sees_its_own_bytes_as_locked_until_it_closes_them(path: Path) -> None:
    holder, other_file = ByteLocks(path), ByteLocks(path.with_name("other"))
    assert holder.lock(1)
    assert holder.lock(2)
    assert holder.is_locked(1)
    assert not other_file.is_locked(1)
    assert ByteLocks(path).is_locked(1)

    holder.close()
    reader = ByteLocks(path)
    assert not reader.is_locked(1)
    assert not reader.is_locked(2)
    reader.close()
    other_file.close()


def test_a_process_that_checks_a_byte_is_not_taken_for_its_holder(path: Path) -> None:
    byte_locks = ByteLocks(path)
    with other_process(CHECK_BYTE, path, "7"):
        assert not byte_locks.is_locked(7)
        assert not byte_locks.lock(7)
    byte_locks.close()


def test_unlocking_a_byte_that_is_not_locked_unlocks_no_other(path: Path) -> None:
    holder = ByteLocks(path)
    assert holder.lock(1)
    holder.unlock(2)
    assert holder.is_locked(1)
    holder.unlock(1)
    assert not holder.is_locked(1)
    holder.close()


def test_checking_a_byte_leaves_it_unlocked(path: Path) -> None:
    byte_locks = ByteLocks(path)
    assert not byte_locks.is_locked(7)
    with other_process(HOLD_BYTE, path, "7"):
        assert byte_locks.is_locked(7)
    byte_locks.close()


def test_without_locks_in_the_file_system_every_byte_counts_as_locked(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", unsupported)
    byte_locks = ByteLocks(path)
    assert not byte_locks.lock(1)
    assert byte_locks.is_locked(1)
    byte_locks.close()
