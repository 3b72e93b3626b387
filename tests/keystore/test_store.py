import errno
import json
import logging
import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.storage.helpers import mode, names_in, other_process, umask
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


def read_document(path: Path) -> Any:
    """Return the document without the times in it."""
    document = json.loads(path.read_bytes())
    for entries in document["keys"].values():
        for entry in entries:
            entry.pop("saved_at", None)
    return document


def write_private(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with umask(0o077):
        path.write_bytes(content)


# Keys


def test_a_saved_key_is_active_at_once_only_for_its_service(store: KeyStore, path: Path) -> None:
    assert store.active(SERVICE) == ""
    assert not path.parent.exists()
    before = datetime.now(UTC).replace(microsecond=0)

    KeyStore(path).save(SERVICE, name="mine", key=KEY, use=False)

    assert store.active(SERVICE) == KEY
    assert store.active(SANDBOX) == ""
    (entry,) = json.loads(path.read_bytes())["keys"][SERVICE]
    assert entry["saved_at"].endswith("+00:00")
    assert before <= datetime.fromisoformat(entry["saved_at"]) <= datetime.now(UTC)


def test_a_second_key_with_the_same_name_is_kept_beside_the_first(store: KeyStore, path: Path) -> None:
    store.save(SERVICE, name="mine", key="wv_1", use=True)
    store.save(SERVICE, name="mine", key="wv_2", use=False)
    assert store.active(SERVICE) == "wv_1"

    store.save(SERVICE, name="other", key="wv_3", use=True)
    assert store.active(SERVICE) == "wv_3"

    assert read_document(path) == {
        "keys": {
            SERVICE: [
                {"name": "other", "key": "wv_3"},
                {"name": "mine", "key": "wv_1"},
                {"name": "mine", "key": "wv_2"},
            ]
        }
    }


def test_a_key_that_is_saved_again_is_kept_once(store: KeyStore, path: Path) -> None:
    store.save(SERVICE, name="one", key="wv_1", use=True)
    store.save(SERVICE, name="two", key="wv_2", use=False)
    store.save(SERVICE, name="new name", key="wv_1", use=False)
    one, two = {"name": "new name", "key": "wv_1"}, {"name": "two", "key": "wv_2"}
    assert read_document(path)["keys"][SERVICE] == [one, two]

    store.save(SERVICE, name="two", key="wv_2", use=True)
    assert read_document(path)["keys"][SERVICE] == [two, one]


def test_a_key_that_nobody_chose_is_kept_without_being_active(store: KeyStore, path: Path) -> None:
    store.save(SERVICE, name="theirs", key="wv_1", use=False, keep_unused=True)
    assert (store.active(SERVICE), store.services()) == ("", [SERVICE])
    store.save(SERVICE, name="mine", key="wv_2", use=False)
    assert store.active(SERVICE) == "wv_2"
    store.save(SERVICE, name="mine", key="wv_2", use=False, keep_unused=True)
    assert store.active(SERVICE) == "wv_2"  # a key that was chosen before stays so
    assert read_document(path)["keys"][SERVICE] == [
        {"name": "theirs", "key": "wv_1", "unused": True},
        {"name": "mine", "key": "wv_2"},
    ]

    store.save(SERVICE, name="theirs", key="wv_1", use=True)
    assert store.active(SERVICE) == "wv_1"
    assert store.forget(SERVICE) == 2


def test_checking_that_a_key_can_be_saved_changes_nothing(store: KeyStore, path: Path) -> None:
    store.save(SERVICE, name="mine", key=KEY, use=True)
    before = path.read_bytes()
    store.check_writable()
    assert (path.read_bytes(), names_in(path.parent)) == (before, ["credentials.json", "credentials.json.lock"])


def test_forgetting_deletes_all_keys_of_one_service(store: KeyStore, path: Path) -> None:
    assert store.services() == []
    assert store.forget(SERVICE) == 0
    assert not path.parent.exists()

    for key in ("wv_1", "wv_2"):
        store.save(SERVICE, name="mine", key=key, use=False)
    store.save(SANDBOX, name="mine", key="wv_3", use=False)
    assert store.services() == [SERVICE, SANDBOX]

    assert store.forget(SERVICE) == 2
    assert store.active(SERVICE) == ""
    assert store.active(SANDBOX) == "wv_3"
    assert store.services() == [SANDBOX]
    assert store.forget(SERVICE) == 0
    assert "wv_1" not in path.read_text()


def test_unknown_fields_in_the_file_are_kept(store: KeyStore, path: Path) -> None:
    document = {"theme": "dark", "keys": {SERVICE: [{"name": "mine", "key": "wv_1", "colour": "red"}], SANDBOX: []}}
    write_private(path, b"\xef\xbb\xbf" + json.dumps(document).encode())
    assert store.services() == [SERVICE]

    store.save(SERVICE, name="mine", key="wv_1", use=True)

    assert read_document(path) == document


def test_a_text_that_cannot_be_a_key_is_neither_saved_nor_shown(store: KeyStore, path: Path) -> None:
    for key in ("", "two words", "wv_ü", "wv_1\r\nX-Other: 1", "\x00"):
        with pytest.raises(InvalidResponse) as caught:
            store.save(SERVICE, name="mine", key=key, use=True)
        assert str(caught.value) == "The service sent a key with invalid characters. It was not saved."
    assert not path.exists()


@pytest.mark.slow
@given(st.lists(st.tuples(st.sampled_from([SERVICE, SANDBOX]), st.text(), KEYS, st.booleans()), max_size=6))
@settings(max_examples=30, deadline=None)
def test_the_active_key_is_the_last_that_was_saved_for_use(saves: list[tuple[str, str, str, bool]]) -> None:
    with TemporaryDirectory() as folder:
        store = KeyStore(Path(folder) / "x/credentials.json")
        active = {SERVICE: "", SANDBOX: ""}
        for base_url, name, key, use in saves:
            store.save(base_url, name=name, key=key, use=use)
            if use or not active[base_url]:
                active[base_url] = key
        assert {base_url: store.active(base_url) for base_url in active} == active
        assert {base_url: store.forget(base_url) for base_url in active} == {
            base_url: len({key for saved_url, _, key, _ in saves if saved_url == base_url}) for base_url in active
        }


# The file


def test_the_file_and_its_folder_are_never_open_to_others(
    store: KeyStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    original_open, original_mkdir = os.open, os.mkdir

    def opened(name: Path, *arguments: int) -> int:
        descriptor = original_open(name, *arguments)
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    def made(name: Path, *arguments: int) -> None:
        original_mkdir(name, *arguments)
        modes.append(mode(Path(name)))

    monkeypatch.setattr("os.open", opened)
    monkeypatch.setattr("os.mkdir", made)
    with umask(0):
        store.save(SERVICE, name="mine", key=KEY, use=True)
        path.write_bytes(b"damaged")
        store.save(SERVICE, name="mine", key=KEY, use=True)

    assert len(store.damaged_files()) == 1
    assert set(modes) == {0o600, 0o700}
    assert {mode(file) for file in path.parent.iterdir()} == {0o600}


def test_a_folder_is_made_private_when_a_key_is_saved(store: KeyStore, path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o755)

    store.save(SERVICE, name="mine", key=KEY, use=True)

    assert mode(path.parent) == 0o700


def test_a_failed_write_leaves_the_file_unchanged(store: KeyStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(SERVICE, name="mine", key=KEY, use=True)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(DiskError) as caught:
        store.save(SERVICE, name="other", key="wv_2", use=True)

    assert str(caught.value) == (
        f"Cannot write {path}: No space left on device. Check the folder, or set WEBVOICE_STATE_DIR."
    )
    assert path.read_bytes() == before
    assert names_in(path.parent) == ["credentials.json", "credentials.json.lock"]


def test_a_temporary_file_of_a_killed_process_is_removed(store: KeyStore, path: Path) -> None:
    write_private(path.with_name(".credentials.json.0123456789abcdef.tmp"), KEY.encode())

    store.save(SERVICE, name="mine", key=KEY, use=True)

    assert names_in(path.parent) == ["credentials.json", "credentials.json.lock"]


def test_a_file_in_place_of_the_folder_is_a_clear_error(store: KeyStore, path: Path) -> None:
    path.parent.touch()

    save = partial(store.save, SERVICE, name="mine", key=KEY, use=True)
    for action in (save, store.check_writable, lambda: store.active(SERVICE)):
        with pytest.raises(DiskError) as caught:
            action()
        assert str(caught.value) == (
            f"Cannot use {path.parent}: a file with this name exists. Check the folder, or set WEBVOICE_STATE_DIR."
        )


def test_a_pipe_in_place_of_the_key_file_is_an_error(store: KeyStore, path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    os.mkfifo(path)

    for action in (lambda: store.active(SERVICE), lambda: store.save(SERVICE, name="mine", key=KEY, use=True)):
        with pytest.raises(DiskError) as caught:
            action()
        assert str(caught.value) == (
            f"Cannot read {path}: it is not a regular file. Check the folder, or set WEBVOICE_STATE_DIR."
        )


# Damaged files


def test_every_kind_of_damage_is_noticed(tmp_path: Path) -> None:
    contents = [
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
    for number, content in enumerate(contents):
        path = tmp_path / str(number) / "credentials.json"
        write_private(path, content)
        assert KeyStore(path).active(SERVICE) == ""
        assert [file.read_bytes() for file in KeyStore(path).damaged_files()] == [content]
        assert not path.exists()


def test_damaged_files_are_set_aside_and_never_lost(
    store: KeyStore, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.damaged_files() == []
    for content in (b"first", b"second"):
        write_private(path, content)
        monkeypatch.setattr("time.strftime", lambda _: "20260102-030405")
        store.save(SERVICE, name="mine", key=KEY, use=True)
    write_private(path, b"third")
    monkeypatch.undo()
    assert store.active(SERVICE) == ""

    first, second, third = store.damaged_files()
    assert (first.name, first.read_bytes()) == ("credentials.json.damaged-20260102-030405", b"first")
    assert (second.name, second.read_bytes()) == ("credentials.json.damaged-20260102-030405-2", b"second")
    assert re.fullmatch(r"credentials\.json\.damaged-\d{8}-\d{6}", third.name)
    assert mode(third) == 0o600
    assert [(record.name, record.levelno, record.getMessage()) for record in caplog.records] == [
        (
            "webvoice_mcp",
            logging.WARNING,
            f"{path} is damaged. It was set aside as {aside}; save the keys in it again.",
        )
        for aside in (first, second, third)
    ]


def test_a_damaged_file_that_cannot_be_set_aside_is_a_clear_error(
    store: KeyStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_private(path, b"")

    def refuse(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(DiskError) as caught:
        store.active(SERVICE)

    assert str(caught.value) == f"Cannot set aside {path}: TimeoutError. Check the folder, or set WEBVOICE_STATE_DIR."
    assert path.exists()


@pytest.mark.slow
@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.just("keys") | st.text(), inner),
    ).map(lambda value: json.dumps(value).encode())
)
@settings(max_examples=40, deadline=None)
@pytest.mark.untraced
def test_any_content_is_either_kept_or_set_aside(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "credentials.json"
        write_private(path, content)
        store = KeyStore(path)
        is_damaged = store.active(SERVICE) == "" and not path.exists()
        before = {} if is_damaged else json.loads(content)

        store.save(SERVICE, name="mine", key=KEY, use=True)

        assert store.active(SERVICE) == KEY
        assert [file.read_bytes() for file in store.damaged_files()] == ([content] if is_damaged else [])
        after = json.loads(path.read_bytes())
        assert after.pop("keys").keys() == before.pop("keys", {}).keys() | {SERVICE}
        assert after == before


# Other processes


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


@pytest.mark.slow
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

    keys = {base_url: {entry["key"] for entry in saved} for base_url, saved in read_document(path)["keys"].items()}
    saved_by_workers = {name: {f"wv_{name}_{number}" for number in range(15)} for name in "abc"}
    assert keys == {
        **{f"https://x/{name}": saved_by_workers[name] for name in "abc"},
        "https://shared": set().union(*saved_by_workers.values(), {f"wv_t_{number}" for number in range(20)}),
    }
    assert {name: store.active(f"https://x/{name}") for name in "abc"} == {name: f"wv_{name}_14" for name in "abc"}


HOLD_LOCK = """
import sys
from pathlib import Path
from webvoice_mcp.storage.locks import file_lock
with file_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_lock_that_is_never_released_is_a_clear_error(
    store: KeyStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(SERVICE, name="mine", key=KEY, use=True)
    monkeypatch.setattr("webvoice_mcp.storage.locks._TIMEOUT_SECONDS", 0.02)

    with other_process(HOLD_LOCK, f"{path}.lock"):
        with pytest.raises(DiskError) as caught:
            store.save(SERVICE, name="mine", key="wv_2", use=True)
        assert store.active(SERVICE) == KEY
    assert str(caught.value) == (
        f"Cannot lock {path}.lock: another process does not release it. Check the folder, or set WEBVOICE_STATE_DIR."
    )


def test_a_key_is_in_no_message_and_no_repr(store: KeyStore, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    store.save(SERVICE, name="mine", key=KEY, use=True)
    path.chmod(0o666)
    store.active(SERVICE)
    path.write_bytes(path.read_bytes()[:-5])
    store.active(SERVICE)

    assert len(caplog.messages) == 2
    assert KEY not in caplog.text + repr(store) + str(vars(store))
