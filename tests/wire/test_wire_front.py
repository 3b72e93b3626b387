"""While the SDK is being imported, the front answers what it can; all else is as with the SDK alone."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.loopback import LoopbackService
from tests.support import CANARY
from tests.wire.calls import CALLS
from tests.wire_driver import (
    HANDSHAKE,
    SDK_ALONE,
    SERVER_COMMAND,
    STATELESS_VERSION,
    TIMEOUT_SECONDS,
    Message,
    ServerProcess,
    environment,
)

pytestmark = pytest.mark.slow

# A server whose import of the SDK waits until a file is gone.
_HELD = """
import importlib.abc, os, sys, time

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        while name == "webvoice_mcp.server" and os.path.exists(sys.argv[1]):
            time.sleep(0.01)

sys.meta_path.insert(0, Finder())
from webvoice_mcp.cli import serve
sys.exit(serve.run())
"""

# A server that is still importing its first modules.
_BARELY_STARTED = """
import importlib.abc, sys, time

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "webvoice_mcp.cli.serve":
            print("importing", flush=True)
            time.sleep(20)

sys.meta_path.insert(0, Finder())
sys.argv = ["webvoice-mcp"]
from webvoice_mcp.__main__ import main
sys.exit(main())
"""

posix = pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without asking it")


@contextmanager
def held_server(
    home: Path, service: LoopbackService | None = None, version: str = "2025-11-25"
) -> Iterator[tuple[ServerProcess, Callable[[], None]]]:
    """Start a server whose import of the SDK goes on when the function that comes with it is called."""
    held = home / "held"
    held.touch()
    variables = {"BASE_URL": service.base_url, "API_KEY": CANARY} if service else {}
    server = ServerProcess(environment(home, variables), (sys.executable, "-c", _HELD, str(held)), version)
    try:
        yield server, held.unlink
    finally:
        held.unlink(missing_ok=True)
        server.close()


@pytest.mark.parametrize("version", ["2025-11-25", STATELESS_VERSION])
def test_lists_are_answered_before_the_sdk_is_there_and_calls_after(tmp_path: Path, version: str) -> None:
    with held_server(tmp_path, version=version) as (server, release):
        server.initialize()
        called = server.send_call("webvoice_account_links", {})
        listed = server.result("tools/list")
        server.result("prompts/list")
        assert {tool["name"] for tool in listed["tools"]} == set(CALLS)
        release()
        assert "result" in server.response_to(called)
        assert server.result("tools/list") == listed
        ended = server.close_stdin_and_wait()
    assert (ended.code, ended.stderr) == (0, "")
    ids = [json.loads(line)["id"] for line in server.stdout_lines]
    assert sorted(ids) == list(range(1, 6)), "each request has one answer"


def test_the_input_may_end_before_the_sdk_is_there(tmp_path: Path) -> None:
    with held_server(tmp_path) as (server, release):
        server.initialize()
        server.send_call("webvoice_account_links", {})
        server.result("tools/list")
        server.close_stdin()
        release()
        ended = server.wait_for_exit(time.perf_counter())
    assert (ended.code, ended.stderr) == (0, "")
    ids = [json.loads(line)["id"] for line in server.stdout_lines]
    assert ids in ([1, 3], [1, 3, 2])  # the SDK need not answer what is under way when its input ends


@posix
def test_a_call_that_waits_when_a_signal_arrives_is_not_made(tmp_path: Path) -> None:
    with (
        LoopbackService({"tts/": None}).running() as service,
        held_server(tmp_path, service) as (server, release),
    ):
        server.initialize()
        server.send_call("webvoice_tts", {"text": "Hello"})
        server.result("ping")  # so the call has been read
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)  # for the handler; if it were later, the call could be made
        release()
        ended = server.wait_for_exit(time.perf_counter())
        assert service.requests == []
    assert (ended.code, ended.stderr) == (0, "")
    assert len(server.stdout_lines) == 2


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_server_that_has_barely_started(tmp_path: Path, number: signal.Signals) -> None:
    command = (sys.executable, "-c", _BARELY_STARTED)
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, **pipes, env=environment(tmp_path)) as process:  # type: ignore[call-overload]  # of what `pipes` holds
        assert process.stdout.readline() == b"importing\n"
        process.send_signal(number)
        assert process.wait(TIMEOUT_SECONDS) == 0
        assert process.stderr.read() == b""


def test_a_waiting_call_can_be_cancelled(tmp_path: Path) -> None:
    with (
        LoopbackService({"chat/completions/": None}).running() as service,
        held_server(tmp_path, service) as (server, release),
    ):
        server.initialize()
        called = server.send_call("webvoice_chat", {"prompt": "Hello"})
        server.send_message({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": called}})
        server.result("ping")
        release()
        server.call("webvoice_account_links")
        ended = server.close_stdin_and_wait()
    assert (ended.code, ended.stderr) == (0, "")
    assert called not in [json.loads(line)["id"] for line in server.stdout_lines]


def test_both_directions_may_hold_more_than_a_pipe_does(tmp_path: Path) -> None:
    lists = b"".join(b'{"jsonrpc":"2.0","id":%d,"method":"tools/list"}\n' % number for number in range(1, 40))
    padding = b"x" * (1 << 20) + b"\n"
    held = tmp_path / "held"
    held.touch()
    command = (sys.executable, "-c", _HELD, str(held))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, env=environment(tmp_path)) as process:  # type: ignore[call-overload]  # of what `pipes` holds
        process.stdin.write(HANDSHAKE + lists + padding)  # none of the answers is read meanwhile
        process.stdin.close()
        held.unlink()
        answers = [json.loads(line) for line in process.stdout]
        assert process.wait(TIMEOUT_SECONDS) == 0
    assert sorted(answer["id"] for answer in answers) == list(range(40))


ALL_AT_ONCE: list[Message | bytes] = [
    {"jsonrpc": "2.0", "id": "a", "method": "tools/list"},  # before `initialized`
    b"not json\n",
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "webvoice_chat", "arguments": {"prompt": "x"}},
    },
    {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}},
    {"jsonrpc": "2.0", "id": 2, "method": "ping", "params": []},
    {"jsonrpc": "2.0", "id": 3, "method": "tools/list", "params": {"cursor": 5}},
    {"jsonrpc": "2.0", "id": 4, "method": "tools/unknown"},
    {"jsonrpc": "2.0", "id": 5, "method": "prompts/get", "params": {"name": "\ud800"}},
    {"jsonrpc": "2.0", "id": 6, "method": "resources/templates/list"},
]


@pytest.mark.parametrize(
    "version", ["2025-11-25", *(pytest.param(old, marks=pytest.mark.wide) for old in ("2024-11-05", "1999-01-01"))]
)
def test_all_messages_at_once_get_the_answers_that_the_sdk_gives(tmp_path: Path, version: str) -> None:
    first = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "wire", "version": "0"}}
    messages = [{"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": first}, *ALL_AT_ONCE]
    data = b"".join(
        message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n" for message in messages
    )
    transcripts = []
    with LoopbackService({"chat/completions/": None}).running() as service:
        for command in (SERVER_COMMAND, SDK_ALONE):
            server = ServerProcess(environment(tmp_path, {"BASE_URL": service.base_url, "API_KEY": CANARY}), command)
            try:
                server.send_bytes(data)
                server.responses_to(["a", 0, 2, 3, 4, 5, 6])
                assert server.close_stdin_and_wait().code == 0
            finally:
                server.close()
            transcripts.append({json.loads(line)["id"]: json.loads(line) for line in server.stdout_lines})
            assert len(transcripts[-1]) == len(server.stdout_lines) == 7
    assert transcripts[0] == transcripts[1]
