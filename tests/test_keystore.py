import errno
import json
import logging
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webvoice_mcp.errors import DiskError, InvalidResponse
from webvoice_mcp.keystore import KeyStore

SERVICE = "https://webvoice.easytaskflow.app/api/v1"
SANDBOX = "http://127.0.0.1:8787/api/v1"
KEY = "wv_first_secret"

KEYS = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state/credentials.json"


@pytest.fixture
def store(path: Path) -> KeyStore:
    return KeyStore(path)


def written(path: Path) -> Any:
    """The document, without the times that are in it."""
    document = json.loads(path.read_bytes())
    for saved in document["keys"].values():
        for entry in saved:
            entry.pop("saved_at", None)
    return document


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def beside(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir())


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


# Keys


def test_a_saved_key_is_active_at_once_and_for_its_service_only(store: KeyStore, path: Path) -> None:
    assert store.active(SERVICE) == ""
    assert not path.parent.exists()

    store.save(SERVICE, name="mine", key=KEY, use=False)

    assert store.active(SERVICE) == KEY
    assert store.active(SANDBOX) == ""
    assert KeyStore(path).active(SERVICE) == KEY


def test_when_a_key_was_saved_is_noted_in_utc(store: KeyStore, path: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    store.save(SERVICE, name="mine", key=KEY, use=True)

    (entry,) = json.loads(path.read_bytes())["keys"][SERVICE]
    assert entry["saved_at"].endswith("+00:00")
    assert before <= datetime.fromisoformat(entry["saved_at"]) <= datetime.now(UTC)


def test_a_second_key_is_kept_beside_the_first_even_under_its_name(store: KeyStore, path: Path) -> None:
    store.save(SERVICE, name="mine", key="wv_1", use=True)
    store.save(SERVICE, name="mine", key="wv_2", use=False)
    assert store.active(SERVICE) == "wv_1"

    store.save(SERVICE, name="other", key="wv_3", use=True)
    assert store.active(SERVICE) == "wv_3"

    assert written(path) == {
        "keys": {
            SERVICE: [
                {"name": "other", "key": "wv_3"},
                {"name": "mine", "key": "wv_1"},
                {"name": "mine", "key": "wv_2"},
            ]
        }
    }


def test_a_key_that_is_saved_again_is_there_once(store: KeyStore, path: Path) -> None:
    store.save(SERVICE, name="one", key="wv_1", use=True)
    store.save(SERVICE, name="two", key="wv_2", use=False)
    store.save(SERVICE, name="new name", key="wv_1", use=False)
    assert written(path)["keys"][SERVICE] == [{"name": "new name", "key": "wv_1"}, {"name": "two", "key": "wv_2"}]

    store.save(SERVICE, name="two", key="wv_2", use=True)
    assert written(path)["keys"][SERVICE] == [{"name": "two", "key": "wv_2"}, {"name": "new name", "key": "wv_1"}]


def test_services_are_those_that_keys_are_saved_for(store: KeyStore) -> None:
    assert store.services() == []
    for base_url in (SERVICE, SANDBOX, SERVICE):
        store.save(base_url, name="it", key=KEY, use=True)
    assert store.services() == [SERVICE, SANDBOX]
    store.forget(SERVICE)
    assert store.services() == [SANDBOX]


def test_forgetting_takes_all_keys_of_one_service(store: KeyStore, path: Path) -> None:
    assert store.forget(SERVICE) == 0
    assert not path.parent.exists()

    for key in ("wv_1", "wv_2"):
        store.save(SERVICE, name="mine", key=key, use=False)
    store.save(SANDBOX, name="mine", key="wv_3", use=False)

    assert store.forget(SERVICE) == 2
    assert store.active(SERVICE) == ""
    assert store.active(SANDBOX) == "wv_3"
    assert store.forget(SERVICE) == 0
    assert "wv_1" not in path.read_text()


def test_what_another_program_wrote_into_the_file_is_kept(store: KeyStore, path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    with umask(0o077):
        path.write_bytes(
            b"\xef\xbb\xbf"
            + json.dumps(
                {"theme": "dark", "keys": {SERVICE: [{"name": "mine", "key": "wv_1", "colour": "red"}]}}
            ).encode()
        )

    store.save(SERVICE, name="mine", key="wv_1", use=True)

    assert written(path) == {
        "theme": "dark",
        "keys": {SERVICE: [{"name": "mine", "key": "wv_1", "colour": "red"}]},
    }


def test_a_file_of_any_length_is_read_whole(store: KeyStore, path: Path) -> None:
    store.save(SERVICE, name="x" * 200_000, key=KEY, use=True)
    store.save(SANDBOX, name="mine", key=KEY, use=True)

    assert written(path)["keys"][SERVICE] == [{"name": "x" * 200_000, "key": KEY}]


@pytest.mark.parametrize("key", ["", "two words", "wv_ü", "wv_1\r\nX-Other: 1", "\x00"])
def test_what_cannot_be_a_key_is_not_saved_nor_shown(store: KeyStore, path: Path, key: str) -> None:
    with pytest.raises(InvalidResponse) as caught:
        store.save(SERVICE, name="mine", key=key, use=True)

    assert str(caught.value) == ("The service sent a key with characters that no key can have; it was not saved.")
    assert not path.exists()


@given(st.lists(st.tuples(st.sampled_from([SERVICE, SANDBOX]), st.text(), KEYS, st.booleans()), max_size=6))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_saved_the_active_key_is_the_last_that_was_to_be_used(
    saved: list[tuple[str, str, str, bool]],
) -> None:
    with TemporaryDirectory() as folder:
        store = KeyStore(Path(folder) / "x/credentials.json")
        active = {SERVICE: "", SANDBOX: ""}
        for service, name, key, use in saved:
            store.save(service, name=name, key=key, use=use)
            if use or not active[service]:
                active[service] = key
        assert {service: store.active(service) for service in active} == active
        assert {service: store.forget(service) for service in active} == {
            service: len({key for each, _, key, _ in saved if each == service}) for service in active
        }


# The file


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_the_file_and_its_folder_are_closed_to_others_whatever_the_umask(tmp_path: Path, path: Path, mask: int) -> None:
    with umask(mask):
        KeyStore(path).save(SERVICE, name="mine", key=KEY, use=True)

    assert mode(path.parent) == 0o700
    assert {each.name: mode(each) for each in path.parent.iterdir()} == {
        "credentials.json": 0o600,
        "credentials.json.lock": 0o600,
    }


def test_nothing_is_open_to_others_even_for_a_moment(
    store: KeyStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    really_open, really_make = os.open, os.mkdir

    def opened(name: Path, *arguments: int) -> int:
        descriptor = really_open(name, *arguments)
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    def made(name: Path, *arguments: int) -> None:
        really_make(name, *arguments)
        modes.append(mode(Path(name)))

    monkeypatch.setattr("os.open", opened)
    monkeypatch.setattr("os.mkdir", made)
    with umask(0):
        store.save(SERVICE, name="mine", key=KEY, use=True)
        path.write_bytes(b"damaged")
        store.save(SERVICE, name="mine", key=KEY, use=True)

    assert len(store.set_aside()) == 1
    assert set(modes) == {0o600, 0o700}


def test_missing_folders_above_it_are_made(tmp_path: Path) -> None:
    path = tmp_path / "not/there/yet/credentials.json"
    KeyStore(path).save(SERVICE, name="mine", key=KEY, use=True)

    assert mode(path.parent) == 0o700


def test_a_saved_key_outlives_a_power_cut(store: KeyStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    monkeypatch.setattr("os.fsync", lambda descriptor: flushed.append(os.fstat(descriptor).st_ino))

    store.save(SERVICE, name="mine", key=KEY, use=True)

    assert flushed == [path.stat().st_ino, path.parent.stat().st_ino]


def test_an_open_folder_is_closed_when_a_key_is_saved(
    store: KeyStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o755)

    store.save(SERVICE, name="mine", key=KEY, use=True)

    assert mode(path.parent) == 0o700
    assert caplog.messages == [f"{path.parent} was open to others on this computer; it is now closed to them."]


def test_a_folder_that_is_everybodys_stays_so(store: KeyStore, path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o1777)

    store.save(SERVICE, name="mine", key=KEY, use=True)

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o1777
    assert mode(path) == 0o600


def test_an_open_file_is_closed_and_warned_about(store: KeyStore, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store.save(SERVICE, name="mine", key=KEY, use=True)
    path.chmod(0o644)

    assert store.active(SERVICE) == KEY
    assert store.active(SERVICE) == KEY

    assert mode(path) == 0o600
    assert caplog.messages == [f"{path} was open to others on this computer; it is now closed to them."]


def test_an_open_file_of_somebody_elses_is_used_all_the_same(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, store: KeyStore, path: Path
) -> None:
    store.save(SERVICE, name="mine", key=KEY, use=True)
    path.chmod(0o644)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.chmod", refuse)

    assert store.active(SERVICE) == KEY
    assert caplog.messages == [f"{path} is open to others on this computer and belongs to somebody else."]


def test_a_failed_write_leaves_the_file_as_it_was(store: KeyStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(SERVICE, name="mine", key=KEY, use=True)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DiskError) as caught:
        store.save(SERVICE, name="other", key="wv_2", use=True)

    assert str(caught.value) == (
        f"Cannot write {path}: No space left on device. Check the folder, or set WEBVOICE_STATE_DIR."
    )
    assert path.read_bytes() == before
    assert beside(path) == ["credentials.json", "credentials.json.lock"]


def test_a_place_that_cannot_be_written_is_a_clear_error(
    store: KeyStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(SERVICE, name="mine", key=KEY, use=True)
    really_open = os.open

    def full(name: Path, *arguments: int) -> int:
        if Path(name).suffix == ".tmp":
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        return really_open(name, *arguments)

    monkeypatch.setattr("os.open", full)
    with pytest.raises(DiskError) as caught:
        store.save(SERVICE, name="other", key="wv_2", use=True)

    assert str(caught.value) == (
        f"Cannot write {path}: Disk quota exceeded. Check the folder, or set WEBVOICE_STATE_DIR."
    )


def test_what_a_process_that_was_killed_left_behind_is_removed(store: KeyStore, path: Path) -> None:
    store.save(SERVICE, name="mine", key=KEY, use=True)
    (path.parent / ".credentials.json.0123456789abcdef.tmp").write_text(KEY)

    store.save(SERVICE, name="mine", key=KEY, use=True)

    assert beside(path) == ["credentials.json", "credentials.json.lock"]


def test_a_file_in_the_place_of_the_folder_is_a_clear_error(store: KeyStore, path: Path) -> None:
    path.parent.touch()
    open_to_all = mode(path.parent)

    with pytest.raises(DiskError) as caught:
        store.save(SERVICE, name="mine", key=KEY, use=True)
    assert str(caught.value) == (
        f"Cannot use {path.parent}: there is a file of this name. Check the folder, or set WEBVOICE_STATE_DIR."
    )
    assert mode(path.parent) == open_to_all
    with pytest.raises(DiskError, match="Not a directory"):
        store.active(SERVICE)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_a_clear_error(store: KeyStore, path: Path, make: Any) -> None:
    path.parent.mkdir(mode=0o700)
    make(path)

    for action in (lambda: store.active(SERVICE), lambda: store.save(SERVICE, name="mine", key=KEY, use=True)):
        with pytest.raises(DiskError) as caught:
            action()
        assert str(caught.value) == (
            f"Cannot read {path}: it is not a regular file. Check the folder, or set WEBVOICE_STATE_DIR."
        )


# A damaged file

DAMAGED = [
    b"",
    b'{"keys": {"https',
    b"[]",
    b"\xff\xfe\x00",
    b'"' + KEY.encode() + b'"',
    b"[" * 100_000,
    b'{"keys": []}',
    b'{"keys": {"x": {}}}',
    b'{"keys": {"x": ["wv_1"]}}',
    b'{"keys": {"x": [{"name": "mine"}]}}',
    b'{"keys": {"x": [{"name": 1, "key": "wv_1"}]}}',
    b'{"keys": {"x": [{"name": "mine", "key": "wv_1\\r\\nX-Other: 1"}]}}',
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_is_put_aside_and_never_lost(
    store: KeyStore, path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path.parent.mkdir(mode=0o700)
    with umask(0o077):
        path.write_bytes(content)

    assert store.active(SERVICE) == ""

    (aside,) = store.set_aside()
    assert re.fullmatch(r"credentials\.json\.damaged-\d{8}-\d{6}", aside.name)
    assert aside.read_bytes() == content
    assert mode(aside) == 0o600
    assert not path.exists()
    assert [(each.name, each.levelno, each.getMessage()) for each in caplog.records] == [
        (
            "webvoice_mcp",
            logging.WARNING,
            f"{path} is damaged. It was put aside as {aside}; the keys in it have to be saved anew.",
        )
    ]

    store.save(SERVICE, name="mine", key=KEY, use=True)
    assert store.active(SERVICE) == KEY


def test_one_damaged_file_never_takes_the_place_of_another(
    store: KeyStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.strftime", lambda _: "20260102-030405")
    path.parent.mkdir(mode=0o700)
    for content in (b"first", b"second", b"third"):
        with umask(0o077):
            path.write_bytes(content)
        store.save(SERVICE, name="mine", key=KEY, use=True)

    assert [(each.name, each.read_bytes()) for each in store.set_aside()] == [
        ("credentials.json.damaged-20260102-030405", b"first"),
        ("credentials.json.damaged-20260102-030405-2", b"second"),
        ("credentials.json.damaged-20260102-030405-3", b"third"),
    ]
    assert store.forget(SERVICE) == 1


def test_a_damaged_file_that_cannot_be_put_aside_stays_and_is_a_clear_error(
    store: KeyStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)

    def refuse(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(DiskError) as caught:
        store.active(SERVICE)

    assert str(caught.value) == (f"Cannot put aside {path}: TimeoutError. Check the folder, or set WEBVOICE_STATE_DIR.")
    assert path.exists()


def test_a_lock_of_somebody_elses_is_used_all_the_same(
    store: KeyStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.chmod", refuse)

    assert store.active(SERVICE) == ""
    assert len(store.set_aside()) == 1


def test_nothing_is_put_aside_where_nothing_was_damaged(store: KeyStore) -> None:
    assert store.set_aside() == []


@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.just("keys") | st.text(), inner),
    ).map(lambda value: json.dumps(value).encode())
)
@settings(max_examples=60, deadline=None)
def test_no_content_breaks_the_store(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "credentials.json"
        path.touch(mode=0o600)
        path.write_bytes(content)
        store = KeyStore(path)
        before = json.loads(content) if not (damaged := store.active(SERVICE) == "" and not path.exists()) else {}

        store.save(SERVICE, name="mine", key=KEY, use=True)

        assert store.active(SERVICE) == KEY
        assert [each.read_bytes() for each in store.set_aside()] == ([content] if damaged else [])
        after = json.loads(path.read_bytes())
        assert after.pop("keys").keys() == before.pop("keys", {}).keys() | {SERVICE}
        assert after == before


# Others at the same time


SAVE_MANY = """
import sys
from pathlib import Path
from webvoice_mcp.keystore import KeyStore
store = KeyStore(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(15):
    store.save("https://x/" + sys.argv[2], name="mine", key=f"wv_{sys.argv[2]}_{number}", use=True)
    store.save("https://shared", name="mine", key=f"wv_{sys.argv[2]}_{number}", use=False)
"""


def test_processes_and_threads_that_save_at_once_lose_nothing(store: KeyStore, path: Path) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", SAVE_MANY, str(path), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for name in "abc"
    ]
    for worker in workers:
        assert worker.stdout
        worker.stdout.readline()
    for worker in workers:
        assert worker.stdin
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: store.save("https://shared", name="t", key=f"wv_t_{n}", use=False), range(20)))
    for worker in workers:
        worker.communicate()
        assert worker.returncode == 0

    keys = {service: {entry["key"] for entry in saved} for service, saved in written(path)["keys"].items()}
    of_workers = {name: {f"wv_{name}_{number}" for number in range(15)} for name in "abc"}
    assert keys == {
        **{f"https://x/{name}": of_workers[name] for name in "abc"},
        "https://shared": set().union(*of_workers.values(), {f"wv_t_{number}" for number in range(20)}),
    }
    assert {name: store.active(f"https://x/{name}") for name in "abc"} == {name: f"wv_{name}_14" for name in "abc"}


def test_what_another_process_saves_is_seen_at_once(store: KeyStore, path: Path) -> None:
    other = KeyStore(path)
    for number in range(50):
        other.save(SERVICE, name="mine", key=f"wv_{number}", use=True)
        assert store.active(SERVICE) == f"wv_{number}"


def test_a_lock_that_is_never_released_is_a_clear_error(
    store: KeyStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(SERVICE, name="mine", key=KEY, use=True)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); input()",
            f"{path}.lock",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout
    holder.stdout.readline()
    monkeypatch.setattr("webvoice_mcp.storage.private_files._LOCK_SECONDS", 0.02)

    with pytest.raises(DiskError) as caught:
        store.save(SERVICE, name="mine", key="wv_2", use=True)
    assert str(caught.value) == (
        f"Cannot lock {path}.lock: another process does not release it. Check the folder, or set WEBVOICE_STATE_DIR."
    )
    assert store.active(SERVICE) == KEY

    holder.communicate(b"\n")
    store.save(SERVICE, name="mine", key="wv_2", use=True)
    assert store.active(SERVICE) == "wv_2"


# A key shows up nowhere


def test_a_key_is_in_no_message_and_no_representation(
    store: KeyStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store.save(SERVICE, name="mine", key=KEY, use=True)
    path.chmod(0o666)
    store.active(SERVICE)
    path.write_bytes(path.read_bytes()[:-5])
    store.active(SERVICE)

    assert len(caplog.messages) == 2
    assert KEY not in caplog.text + repr(store) + str(vars(store))
