"""How the server ends: soon, with code 0, quietly, and leaving nothing behind."""

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.files.samples import MP3_BYTES, wav_bytes
from tests.loopback import Held, Loopback
from tests.support import CANARY
from tests.wire_driver import PATIENCE, SERVER, Ending, Message, Wire, environment, serving

SOON = 2.0  # seconds
posix = pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without asking it")

End = Callable[[Wire], Ending]
WAYS = [
    pytest.param(Wire.eof, id="end of input"),
    pytest.param(lambda wire: wire.signalled(signal.SIGTERM), id="SIGTERM", marks=posix),
    pytest.param(lambda wire: wire.signalled(signal.SIGINT), id="SIGINT", marks=posix),
    pytest.param(lambda wire: wire.signalled(signal.SIGINT, signal.SIGTERM, signal.SIGINT), id="more", marks=posix),
]


# A greeting in one go.
HELLO = b"""\
{"jsonrpc": "2.0", "id": 0, "method": "initialize", "params":\
 {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "wire", "version": "0"}}}
{"jsonrpc": "2.0", "method": "notifications/initialized"}
"""


def ended_well(ended: Ending) -> None:
    print(f"ended after {ended.seconds:.3f} s")
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.seconds < SOON


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def silent() -> Iterator[Loopback]:
    """A service that never answers these."""
    with Loopback({"tts/": None, "stt/": None, "chat/completions/": None}).running() as service:
        yield service


@pytest.mark.parametrize("end", WAYS)
def test_an_idle_server_ends_at_once(tmp_path: Path, end: End) -> None:
    with serving(environment(tmp_path)) as wire:
        ended_well(end(wire))


def test_a_chat_in_flight_does_not_hold_it(tmp_path: Path, silent: Loopback) -> None:
    with serving(environment(tmp_path, {"BASE_URL": silent.base_url, "API_KEY": CANARY})) as wire:
        wire.post("tools/call", {"name": "webvoice_chat", "arguments": {"prompt": "Hello"}})
        silent.wait()
        ended_well(wire.eof())


BEGINNINGS = [
    pytest.param(Wire.hang_up, id="end of input"),
    pytest.param(lambda wire: wire.process.send_signal(signal.SIGINT), id="SIGINT", marks=posix),
]


@pytest.mark.parametrize("begin", BEGINNINGS)
def test_media_in_flight_are_waited_for_and_saved(tmp_path: Path, begin: Callable[[Wire], None]) -> None:
    held = Held({"success": True, "audio": base64.b64encode(MP3_BYTES).decode(), "format": "mp3"})
    with (
        Loopback({"tts/": held}).running() as service,
        serving(environment(tmp_path, {"BASE_URL": service.base_url, "API_KEY": CANARY})) as wire,
    ):
        arguments = {"text": "Hello", "output_path": "deep/down/hello.mp3"}
        asked = wire.post("tools/call", {"name": "webvoice_tts", "arguments": arguments})
        service.wait()
        begin(wire)
        assert "error" in wire.answer_to(asked)  # so it has noticed
        held.release()
        ended_well(wire.ending(time.perf_counter()))
    path = tmp_path / "out" / "deep" / "down" / "hello.mp3"
    assert files_in(tmp_path / "out") == [path]
    assert path.read_bytes() == MP3_BYTES


@posix
@pytest.mark.parametrize("begin", BEGINNINGS)
def test_a_signal_after_that_gives_up_what_runs_and_leaves_no_file(
    tmp_path: Path, silent: Loopback, begin: Callable[[Wire], None]
) -> None:
    recording = tmp_path / "talk.wav"
    recording.write_bytes(wav_bytes(2_000_000))
    with serving(environment(tmp_path, {"BASE_URL": silent.base_url, "API_KEY": CANARY})) as wire:
        calls: list[tuple[str, Message]] = [
            ("webvoice_tts", {"text": "Hello", "output_path": "deep/down/hello.mp3"}),
            ("webvoice_stt", {"audio_path": str(recording), "output_path": "talk.txt"}),
            ("webvoice_chat", {"prompt": "Hello"}),
        ]
        asked = [wire.post("tools/call", {"name": tool, "arguments": arguments}) for tool, arguments in calls]
        assert {silent.wait().path for _ in calls} == {"tts/", "stt/", "chat/completions/"}
        assert {path.suffix for path in files_in(tmp_path / "out")} == {".part"}
        begin(wire)
        assert all("error" in answer for answer in wire.answers_to(asked))
        ended_well(wire.signalled(signal.SIGTERM))
    assert files_in(tmp_path / "out") == []


def test_a_cancelled_call_is_given_up_and_the_server_goes_on(tmp_path: Path, silent: Loopback) -> None:
    with serving(environment(tmp_path, {"BASE_URL": silent.base_url, "API_KEY": CANARY})) as wire:
        asked = wire.post("tools/call", {"name": "webvoice_chat", "arguments": {"prompt": "Hello"}})
        silent.wait()
        wire.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": asked}})
        assert wire.result("ping") == {}
        ended_well(wire.eof())
    assert [b'"id":%d,' % asked in line for line in wire.lines] == [False, False]


# Sends itself a signal while it is still loading.
_EARLY = """
import importlib.abc, os, signal, sys

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "webvoice_mcp.server":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
from webvoice_mcp.__main__ import main
code = main()
sys.exit(code)
"""


@posix
def test_a_signal_while_it_is_still_loading_ends_it_too(tmp_path: Path) -> None:
    wire = Wire(environment(tmp_path), (sys.executable, "-c", _EARLY))
    try:
        ended = wire.ending(time.perf_counter())
    finally:
        wire.close()
    assert (ended.code, ended.stderr, wire.lines) == (0, "", [])


def test_a_client_that_no_longer_listens_ends_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path)
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n' * 3)
        process.stdin.flush()
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == b""


def _deaf(tmp_path: Path) -> "subprocess.Popen[bytes]":
    """A server whose client has asked for much and reads nothing of it."""
    process = subprocess.Popen(
        SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path)
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(HELLO)
    for number in range(1, 20):
        process.stdin.write(b'{"jsonrpc": "2.0", "id": %d, "method": "tools/list"}\n' % number)
    process.stdin.flush()
    process.stdout.readline()  # it serves; the pipe takes far less than the lists
    return process


def test_a_client_that_never_reads_cannot_keep_it(tmp_path: Path) -> None:
    with _deaf(tmp_path) as process:
        assert process.stdin
        assert process.stderr
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == b""


_PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-m", "webvoice_mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdin.write(sys.argv[1].encode())
child.stdin.flush()
child.stdout.readline()
os.kill(os.getpid(), 9)
"""


@posix
def test_a_killed_parent_takes_it_along(tmp_path: Path) -> None:
    # Parent and server share this stderr; it ends when both have.
    command = (sys.executable, "-c", _PARENT, HELLO.decode())
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment(tmp_path)) as parent:
        assert parent.wait(PATIENCE) == -signal.SIGKILL
        started = time.perf_counter()
        assert parent.stderr
        assert parent.stderr.read() == b""
        assert time.perf_counter() - started < SOON


@posix
def test_streams_that_were_never_open_do_no_harm(tmp_path: Path) -> None:
    command = 'exec "$0" -m webvoice_mcp <&- >&- 2>&-'
    done = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable],
        input=b"",
        capture_output=True,
        env=environment(tmp_path),
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@posix
def test_what_cannot_be_read_counts_as_the_end_of_the_input(tmp_path: Path) -> None:
    unreadable = os.open(os.devnull, os.O_WRONLY)
    try:
        done = subprocess.run(
            SERVER, stdin=unreadable, capture_output=True, env=environment(tmp_path), timeout=PATIENCE, check=False
        )
    finally:
        os.close(unreadable)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
