"""Starting the worker: how it is detached on each system, and what it gets and does not get."""

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.files.samples import MP3_BYTES
from tests.loopback import LoopbackService
from tests.support import CANARY
from tests.wire_driver import environment
from tests.worker.inside import job_line
from webvoice_mcp import __version__
from webvoice_mcp.worker.process import MAX_LOG_BYTES, detachment, environment_of_worker, open_log, start


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_on_linux_and_macos_the_worker_has_its_own_session(platform: str) -> None:
    assert detachment(platform) == ({"start_new_session": True, "close_fds": True, "cwd": "/"},)


def test_on_windows_it_leaves_console_group_and_if_it_may_the_job() -> None:
    first, second = detachment("win32")
    detached, new_group, breakaway = 0x8, 0x200, 0x01000000
    assert first == {"creationflags": detached | new_group | breakaway, "close_fds": True}
    assert second == {"creationflags": detached | new_group, "close_fds": True}


@pytest.mark.skipif(sys.platform != "win32", reason="the constants exist on Windows only")
def test_the_flags_are_those_of_windows() -> None:
    flags: Any = subprocess
    assert detachment("win32")[0]["creationflags"] == (
        flags.DETACHED_PROCESS | flags.CREATE_NEW_PROCESS_GROUP | flags.CREATE_BREAKAWAY_FROM_JOB
    )


def test_the_key_is_in_no_variable_whatever_its_name() -> None:
    environ = {
        "WEBVOICE_API_KEY": f" {CANARY} ",
        "AUTHORIZATION": f"Bearer {CANARY}",
        "WEBVOICE_OUTPUT_DIR": "/out",
        "HTTPS_PROXY": "http://proxy:3128",
    }
    kept = environment_of_worker(environ)
    assert {name: kept[name] for name in kept if name != "PYTHONPATH"} == {
        "WEBVOICE_OUTPUT_DIR": "/out",
        "HTTPS_PROXY": "http://proxy:3128",
    }
    assert environment_of_worker({"Webvoice_Api_Key": "", "A": "b"})["A"] == "b"


def test_a_short_key_takes_no_setting_and_no_path_with_it() -> None:
    environ = {
        "WEBVOICE_API_KEY": "test",
        "WEBVOICE_OUTPUT_DIR": "/srv/test/out",
        "WEBVOICE_ALLOWED_DIRS": "/srv/test",
        "HOME": "/srv/tester",
        "TOKEN": "test",
    }
    kept = environment_of_worker(environ)
    assert {name for name in environ if name not in kept} == {"WEBVOICE_API_KEY", "TOKEN"}
    folder = f"/out/{CANARY}"
    assert environment_of_worker({"WEBVOICE_API_KEY": CANARY, "WEBVOICE_OUTPUT_DIR": folder})[
        "WEBVOICE_OUTPUT_DIR"
    ] == (folder)


def test_relative_paths_mean_the_same_in_the_workers_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", ["/usr/bin"])
    monkeypatch.chdir(tmp_path)
    both = os.pathsep.join(["src", str(tmp_path / "lib")])
    kept = environment_of_worker({"PYTHONPATH": both, "SSL_CERT_FILE": "ca.pem", "SSL_CERT_DIR": ""})
    assert kept == {
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "src"), str(tmp_path / "lib")]),
        "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
        "SSL_CERT_DIR": "",
    }


def test_a_package_in_the_working_folder_is_found_from_another_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    package = str(Path(__file__).parents[2])
    monkeypatch.setattr(sys, "path", [package, *sys.path])
    assert environment_of_worker({})["PYTHONPATH"] == package
    assert environment_of_worker({"PYTHONPATH": "/mine"})["PYTHONPATH"] == os.pathsep.join([package, "/mine"])
    monkeypatch.setattr(sys, "path", ["/usr/bin", package])
    assert "PYTHONPATH" not in environment_of_worker({})


def test_a_long_log_begins_anew_and_stays_private(tmp_path: Path) -> None:
    log = tmp_path / "state" / "worker.log"
    os.close(open_log(log))
    log.write_bytes(b"x" * (MAX_LOG_BYTES // 2))
    os.close(open_log(log))
    assert log.stat().st_size == MAX_LOG_BYTES // 2
    log.write_bytes(b"x" * (MAX_LOG_BYTES // 2 + 1))
    os.close(open_log(log))
    assert log.read_bytes() == b""
    assert os.name == "nt" or (log.stat().st_mode & 0o777, log.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_log_that_cannot_be_opened_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    descriptor = open_log(tmp_path / "state" / "worker.log")
    os.write(descriptor, b"gone")
    os.close(descriptor)


@pytest.mark.parametrize("problem", ["no interpreter", "frozen", "first process"])
def test_no_process_is_started_where_it_could_not_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: str
) -> None:
    if problem == "no interpreter":
        monkeypatch.setattr(sys, "executable", "")
    elif problem == "frozen":
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    else:
        monkeypatch.setattr(os, "getpid", lambda: 1)
    with pytest.raises(OSError, match=r"Python interpreter|processes of this container"):
        start({}, tmp_path / "worker.log")


@pytest.mark.slow
def test_a_worker_says_its_version_and_ends_with_the_connection(tmp_path: Path) -> None:
    environ = environment(tmp_path, {"API_KEY": CANARY})
    channel = start(environ, tmp_path / "log")
    assert json.loads(channel.receive() or b"{}") == {"type": "ready", "version": __version__}
    channel.close()
    assert channel.receive() is None
    assert (tmp_path / "log").read_bytes() == b""


# The process that goes on prints its modules at its end; the one that starts it ends at once.
MODULES_OF_WORKER = """
import json, os, socket, sys
from webvoice_mcp.cli import worker

ours, theirs = socket.socketpair()
os.dup2(theirs.fileno(), 0)
theirs.close()
ours.sendall(sys.argv[1].encode())
ours.shutdown(socket.SHUT_WR)
worker.run()
print(json.dumps([*sys.modules]))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no Unix sockets")
def test_a_worker_that_makes_media_imports_no_sdk(tmp_path: Path) -> None:
    spoken = {"success": True, "audio": base64.b64encode(MP3_BYTES).decode(), "credits_used": 0.5}
    with LoopbackService({"tts/": spoken}).running() as service:
        environ = environment(tmp_path, {"BASE_URL": service.base_url})
        line = job_line("webvoice_tts", {"text": "Hello", "output_path": "hello.mp3"})
        command = [sys.executable, "-c", MODULES_OF_WORKER, line.decode()]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert (tmp_path / "out" / "hello.mp3").read_bytes() == MP3_BYTES
    modules = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert modules & {"mcp", "mcp_types", "starlette", "uvicorn"} == set()
    assert {"httpx2", "pydantic"} <= modules


@pytest.mark.slow
def test_a_worker_logs_nothing_more_in_a_long_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    channel = start(environment(tmp_path), log)
    channel.send(b"nonsense\n")
    deadline = time.monotonic() + 60
    while not log.stat().st_size and time.monotonic() < deadline:
        time.sleep(0.01)
    with log.open("ab") as file:
        file.write(bytes(MAX_LOG_BYTES))
    channel.send(b"nonsense\n" + job_line("webvoice_nothing", {}))
    assert any(b'"accepted"' in line for line in iter(channel.receive, None))  # it has handled the line before
    content = log.read_bytes()
    channel.close()
    assert content.count(b"The server sent a line that is none of its messages.") == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no Unix sockets")
def test_an_interpreter_that_cannot_be_started_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError):
        start({}, tmp_path / "worker.log")
