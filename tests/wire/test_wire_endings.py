"""The end of the server: it exits soon, with code 0 and no output, and leaves no incomplete file."""

import base64
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import wire_driver
from tests.files.samples import MP3_BYTES, wav_bytes
from tests.loopback import HeldReply, LoopbackService
from tests.support import CANARY
from tests.wire_driver import (
    HANDSHAKE,
    TIMEOUT_SECONDS,
    Exit,
    Message,
    ServerProcess,
    environment,
    running_server,
)

# The server waits up to 20 s for running jobs, so a faster exit shows that it did not wait. On a quiet machine, an exit
# takes a tenth of a second.
MAX_EXIT_SECONDS = 18.0

posix = pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without asking it")


def assert_clean_exit(ended: Exit) -> None:
    print(f"ended after {ended.seconds:.3f} s")
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.seconds < MAX_EXIT_SECONDS


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@contextmanager
def started(command: Sequence[str], home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a process whose pipes the test uses directly; kill it if it runs too long, which ends every read."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, env=environment(home)) as process:  # type: ignore[call-overload]  # of what `pipes` holds
        killer = threading.Timer(TIMEOUT_SECONDS, process.kill)
        killer.start()
        try:
            yield process
        finally:
            killer.cancel()


@pytest.fixture
def silent_service() -> Iterator[LoopbackService]:
    """A service that never answers."""
    with LoopbackService({"tts/": None, "stt/": None, "chat/completions/": None}).running() as service:
        yield service


@pytest.mark.usefixtures("with_and_without_front")
@posix
@pytest.mark.slow
def test_several_signals_at_once_end_an_idle_server(tmp_path: Path) -> None:
    with running_server(environment(tmp_path)) as server:
        assert_clean_exit(server.signal_and_wait(signal.SIGINT, signal.SIGTERM, signal.SIGINT))


@pytest.mark.usefixtures("with_and_without_front")
@pytest.mark.slow
def test_at_the_end_of_the_input_media_are_saved_and_chats_abandoned(tmp_path: Path) -> None:
    held = HeldReply({"success": True, "audio": base64.b64encode(MP3_BYTES).decode(), "format": "mp3"})
    with (
        LoopbackService({"tts/": held, "chat/completions/": None}).running() as service,
        running_server(environment(tmp_path, {"BASE_URL": service.base_url, "API_KEY": CANARY})) as server,
    ):
        speech = server.send_call("webvoice_tts", {"text": "Hello", "output_path": "deep/down/hello.mp3"})
        chat = server.send_call("webvoice_chat", {"prompt": "Hello"})
        for _ in range(2):
            service.wait_for_request()
        server.close_stdin()
        responses = server.responses_to([speech, chat])
        assert all("error" in response for response in responses)  # so the server has noticed the end of its input
        held.release()
        assert_clean_exit(server.wait_for_exit(time.perf_counter()))
    path = tmp_path / "out" / "deep" / "down" / "hello.mp3"
    assert files_in(tmp_path / "out") == [path]
    assert path.read_bytes() == MP3_BYTES


@pytest.mark.usefixtures("with_and_without_front")
@posix
@pytest.mark.slow
def test_a_second_signal_abandons_running_jobs_and_leaves_no_file(
    tmp_path: Path, silent_service: LoopbackService
) -> None:
    recording = tmp_path / "talk.wav"
    recording.write_bytes(wav_bytes(2_000_000))
    calls: list[tuple[str, Message]] = [
        ("webvoice_tts", {"text": "Hello", "output_path": "deep/down/hello.mp3"}),
        ("webvoice_stt", {"audio_path": str(recording), "output_path": "talk.txt"}),
        ("webvoice_chat", {"prompt": "Hello"}),
    ]
    with running_server(environment(tmp_path, {"BASE_URL": silent_service.base_url, "API_KEY": CANARY})) as server:
        request_ids = [server.send_call(*call) for call in calls]
        paths = {silent_service.wait_for_request().path for _ in calls}
        assert paths == {"tts/", "stt/", "chat/completions/"}
        assert {path.suffix for path in files_in(tmp_path / "out")} == {".part"}
        server.process.send_signal(signal.SIGINT)
        assert all("error" in response for response in server.responses_to(request_ids))
        assert_clean_exit(server.signal_and_wait(signal.SIGTERM))
    assert files_in(tmp_path / "out") == []


# A server that sends itself a signal while it is still importing its modules.
_SIGNAL_WHILE_LOADING = """
import importlib.abc, os, signal, sys

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "webvoice_mcp.server":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
from webvoice_mcp.__main__ import main
sys.exit(main())
"""


@posix
@pytest.mark.slow
def test_a_signal_during_loading_ends_the_server(tmp_path: Path) -> None:
    server = ServerProcess(environment(tmp_path), (sys.executable, "-c", _SIGNAL_WHILE_LOADING))
    try:
        ended = server.wait_for_exit(time.perf_counter())
    finally:
        server.close()
    assert (ended.code, ended.stderr, server.stdout_lines) == (0, "", [])


@pytest.mark.usefixtures("with_and_without_front")
@pytest.mark.slow
def test_a_client_that_closes_its_end_of_stdout_ends_the_server(tmp_path: Path) -> None:
    with started(wire_driver.SERVER_COMMAND, tmp_path) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n' * 3)
        process.stdin.flush()
        assert process.wait() == 0
        assert process.stderr.read() == b""


@pytest.mark.usefixtures("with_and_without_front")
@pytest.mark.slow
def test_a_client_that_never_reads_does_not_keep_the_server_running(tmp_path: Path) -> None:
    with started(wire_driver.SERVER_COMMAND, tmp_path) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(HANDSHAKE)
        for number in range(1, 20):
            process.stdin.write(b'{"jsonrpc": "2.0", "id": %d, "method": "tools/list"}\n' % number)
        process.stdin.flush()
        process.stdout.readline()  # so the server has started; the lists of tools are much larger than the pipe
        process.stdin.close()
        assert process.wait() == 0
        assert process.stderr.read() == b""


# A client that starts a server and is killed.
_KILLED_CLIENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-m", "webvoice_mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdin.write(sys.argv[1].encode())
child.stdin.flush()
child.stdout.readline()
os.kill(os.getpid(), 9)
"""


@pytest.mark.slow
@posix
def test_a_client_that_is_killed_ends_the_server(tmp_path: Path) -> None:
    command = (sys.executable, "-c", _KILLED_CLIENT, HANDSHAKE.decode())
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment(tmp_path)) as client:
        # Client and server share this stderr, so it ends when both have ended.
        _, stderr = client.communicate(timeout=TIMEOUT_SECONDS)
        assert (client.returncode, stderr) == (-signal.SIGKILL, b"")


@posix
@pytest.mark.slow
def test_closed_standard_streams_do_no_harm(tmp_path: Path) -> None:
    command = 'exec "$0" -m webvoice_mcp <&- >&- 2>&-'
    with started(["/bin/sh", "-c", command, sys.executable], tmp_path) as process:
        assert process.communicate() == (b"", b"")
        assert process.returncode == 0


@pytest.mark.usefixtures("with_and_without_front")
@posix
@pytest.mark.slow
def test_an_unreadable_stdin_counts_as_the_end_of_the_input(tmp_path: Path) -> None:
    unreadable = os.open(os.devnull, os.O_WRONLY)
    try:
        done = subprocess.run(
            wire_driver.SERVER_COMMAND,
            stdin=unreadable,
            capture_output=True,
            env=environment(tmp_path),
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    finally:
        os.close(unreadable)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
