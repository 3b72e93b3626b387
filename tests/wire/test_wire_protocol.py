"""Every protocol revision and every kind of message, over a real pipe."""

import base64
import codecs
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.files.samples import MP3_BYTES
from tests.loopback import LoopbackService
from tests.support import CANARY
from tests.wire.calls import CALLS
from tests.wire.conftest import ConnectedServer
from tests.wire.results import failure, fields
from tests.wire_driver import (
    HANDSHAKE,
    STATELESS_VERSION,
    VERSIONS,
    Message,
    ServerProcess,
    environment,
    running_server,
)
from webvoice_mcp import __version__

UNREACHABLE = "http://127.0.0.1:9/api/v1"  # nothing listens there
UNKNOWN_VERSION = "1999-01-01"
SPEECH = {
    "success": True,
    "audio": base64.b64encode(MP3_BYTES).decode(),
    "format": "mp3",
    "duration": 0.08,
    "credits_used": 0.5,
    "credits_remaining": 19.5,
}


def links_of(base_url: str) -> Message:
    """Return what `webvoice_account_links` returns for a service."""
    site = base_url.removesuffix("/api/v1")
    return {
        "login": f"{site}/accounts/login/",
        "api_dashboard": f"{site}/api/",
        "documentation": f"{site}/api/documentation/",
        "buy_credits_paypal": f"{site}/billing/purchase/",
        "subscriptions": f"{site}/billing/subscriptions/",
        "solana_topup": f"{site}/billing/solana/",
    }


def names(listed: Message) -> list[str]:
    return [tool["name"] for tool in listed["tools"]]


# For this server, these revisions do not differ from others. All other tests use 2025-11-25.
WIDE_VERSIONS = ("2025-03-26", "2025-06-18", "2025-11-25", UNKNOWN_VERSION)


@pytest.mark.usefixtures("with_and_without_front")
@pytest.mark.slow
@pytest.mark.parametrize(
    "version",
    ["2024-11-05", STATELESS_VERSION, *(pytest.param(version, marks=pytest.mark.wide) for version in WIDE_VERSIONS)],
)
def test_every_revision_is_spoken(version: str, tmp_path: Path) -> None:
    with LoopbackService({"tts/": SPEECH}).running() as service:
        environ = environment(tmp_path, {"BASE_URL": service.base_url, "API_KEY": CANARY})
        server = ServerProcess(environ, version=version)
        try:
            described = server.initialize()
            first, again = server.result("tools/list"), server.result("tools/list")
            links = server.call("webvoice_account_links")
            spoken = server.call("webvoice_tts", {"text": "Hello", "output_path": "hello.mp3"})
            refused = server.call("webvoice_tts", {"text": "Hello", "output_path": "hello.mp3"})
            ended = server.close_stdin_and_wait()
        finally:
            server.close()
    if version == STATELESS_VERSION:
        info = described["_meta"]["io.modelcontextprotocol/serverInfo"]
        assert version in described["supportedVersions"]
    else:
        info = described["serverInfo"]
        assert described["protocolVersion"] in VERSIONS
        assert described["protocolVersion"] == version or version == UNKNOWN_VERSION
        version = described["protocolVersion"]
    assert (info["name"], info["version"], info["title"]) == ("webvoice", __version__, "WebVoice")
    assert "webvoice_register_send_code" in described["instructions"]
    assert names(first) == names(again)
    assert set(names(first)) == set(CALLS)

    expected = links_of(service.base_url)
    assert json.loads(links["content"][0]["text"]) == expected
    path = tmp_path / "out" / "hello.mp3"
    file = {"path": str(path), "uri": path.as_uri(), "mime_type": "audio/mpeg", "size_bytes": len(MP3_BYTES)}
    assert json.loads(spoken["content"][0]["text"])["files"] == [file]
    link = {"type": "resource_link", "uri": file["uri"], "name": "hello.mp3", "mimeType": "audio/mpeg"}
    if version < "2025-06-18":
        assert [block["type"] for block in spoken["content"]] == ["text"]
        assert "structuredContent" not in spoken
        assert "structuredContent" not in links
    else:
        assert spoken["content"][1:] == [link | {"size": len(MP3_BYTES)}]
        assert fields(spoken)["files"] == [file]
        assert fields(links) == expected
    assert failure(refused)[0] == "file_exists"
    assert (ended.code, ended.stderr) == (0, "")
    assert [json.loads(line)["jsonrpc"] for line in server.stdout_lines] == ["2.0"] * 6


@pytest.fixture
def server(connected: ConnectedServer) -> ServerProcess:
    """A server that other tests use as well."""
    return connected.server


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"{not json", id="no JSON"),
        pytest.param(b"\x00\xff\xfe\x80 binary \x1b[2J", id="binary"),
        pytest.param(b"", id="empty"),
        pytest.param(b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', id="batch"),
        pytest.param(b'{"jsonrpc": "2.0", "id": null, "method": "ping"}', id="id null"),
        pytest.param(b'{"jsonrpc": "2.0", "id": 9999, "result": {}}', id="response to nothing"),
        pytest.param(
            b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 424242}}',
            id="cancelled nothing",
        ),
        pytest.param(b'{"jsonrpc": "2.0", "method": "notifications/unheard-of"}', id="unknown notification"),
        pytest.param(b"x" * (4 << 20), id="4 MiB line"),
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_garbage_does_not_end_the_server(server: ServerProcess, line: bytes) -> None:
    server.send_bytes(line + b"\n")
    assert server.result("ping") == {}


def test_a_message_may_arrive_byte_by_byte(server: ServerProcess) -> None:
    message = b'{"jsonrpc":"2.0","id":"in pieces","method":"ping"}\n'
    for index in range(len(message)):
        server.send_bytes(message[index : index + 1])
    assert server.response_to("in pieces") == {"jsonrpc": "2.0", "id": "in pieces", "result": {}}


@pytest.mark.parametrize("params", [b"[]", b"[ ]", b" [\t]"])
def test_a_request_whose_params_are_an_empty_list_has_none(server: ServerProcess, params: bytes) -> None:
    server.send_bytes(
        b'{"jsonrpc":"2.0","method":"notifications/initialized","params":[]}\n'
        b'{"jsonrpc":"2.0","id":"first","method":"ping"}\n'
        b'{"jsonrpc":"2.0","id":"empty","params":' + params + b',"method":"tools/list"}\r\n'
    )
    first, listed = server.responses_to(["first", "empty"])
    assert first["result"] == {}
    assert "webvoice_tts" in names(listed["result"])


def test_an_empty_list_elsewhere_stays_as_it_is(connected: ConnectedServer) -> None:
    text = '"params": [] {"params":[]}'
    fields(connected.server.call("webvoice_voice_memo", {"text": text}))
    assert json.loads(connected.service.requests[-1].body)["text"] == text
    tool = {"type": "function", "function": {"name": "x", "parameters": {"type": "object", "params": []}}}
    fields(connected.server.call("webvoice_chat", {"prompt": "Hi", "tools": [tool]}))
    assert json.loads(connected.service.requests[-1].body)["tools"] == [tool]
    connected.server.send_bytes(b'{"params": [], not json\n[{"params": []}]\n')
    assert connected.server.result("ping") == {}


@pytest.mark.usefixtures("with_and_without_front")
@pytest.mark.slow
@pytest.mark.parametrize("piece", [1, 2, 1 << 20])
def test_a_byte_order_mark_before_the_first_line_is_skipped(tmp_path: Path, piece: int) -> None:
    server = ServerProcess(environment(tmp_path))
    try:
        data = codecs.BOM_UTF8 + HANDSHAKE
        for start in range(0, len(data), piece):
            server.send_bytes(data[start : start + piece])
        assert server.response_to(0)["result"]["serverInfo"]["name"] == "webvoice"
        assert server.result("ping") == {}
        ended = server.close_stdin_and_wait()
    finally:
        server.close()
    assert (ended.code, ended.stderr) == (0, "")


@pytest.mark.usefixtures("with_and_without_front")
def test_a_client_that_could_not_wait_for_discovery_can_initialize(tmp_path: Path) -> None:
    server = ServerProcess(environment(tmp_path), version=STATELESS_VERSION)
    try:
        discovery = server.send_request("server/discover")  # the server cannot have started yet
        server.send_bytes(HANDSHAKE)
        initialized, discovered = server.responses_to([0, discovery])
        assert initialized["result"]["protocolVersion"] == "2025-11-25"
        assert discovered["error"]["code"] == -32600
        assert server.close_stdin_and_wait().code == 0
    finally:
        server.close()


@pytest.mark.usefixtures("with_and_without_front")
def test_a_request_that_only_mentions_initialize_stays_in_its_place(tmp_path: Path) -> None:
    server = ServerProcess(environment(tmp_path), version=STATELESS_VERSION)
    try:
        mention = {"_meta": {"word": "initialize"}}
        requests = [server.send_request("server/discover", mention), server.send_request("tools/list")]
        server.send_bytes(b'["initialize"]\n{"initialize": \n')
        assert all("result" in response for response in server.responses_to(requests))
    finally:
        server.close()


def test_malformed_requests_are_protocol_errors(server: ServerProcess) -> None:
    assert server.request("tools/uninstall")["error"]["code"] == -32601
    params = {"name": "webvoice_account_links", "arguments": "all"}
    assert server.request("tools/call", params)["error"]["code"] == -32602
    assert server.result("ping") == {}


def test_a_call_without_arguments_is_a_call_with_none(connected: ConnectedServer) -> None:
    links = fields(connected.server.result("tools/call", {"name": "webvoice_account_links"}))
    assert links == links_of(connected.service.base_url)


def test_a_huge_argument_is_handled_like_any_other(server: ServerProcess) -> None:
    arguments = {"text": "x" * (8 << 20), "target_language": "it", "source_language": "xx"}
    code, text = failure(server.call("webvoice_translate", arguments))
    assert code == "invalid_argument"
    assert text.startswith("invalid_argument: source_language ")


def test_many_calls_at_once_are_all_answered(server: ServerProcess) -> None:
    request_ids = [server.send_call("webvoice_account_links", {}) for _ in range(50)]
    results = [fields(response["result"]) for response in server.responses_to(request_ids)]
    assert results == [results[0]] * 50


# A server where everything that can print does so from start to end: libraries, threads, child processes, C code.
NOISY = """
import os, subprocess, sys, threading, time
import webvoice_mcp.cli.stdio as stdio

class Noisy(stdio.EndableStdin):
    def __init__(self):
        super().__init__()
        threading.Thread(target=noise).start()

def noise():
    shout = "import sys; print('child', sys.stdin.read(), flush=True)"
    subprocess.run([sys.executable, "-c", shout])
    while threading.main_thread().is_alive():
        time.sleep(0.0005)
        print("printed", flush=True)
        print("not flushed", end="")
        sys.stdout.buffer.write(b"buffer\\n")
        sys.__stdout__.write("the first stdout\\n")
        os.write(1, b"raw\\n")

stdio.EndableStdin = Noisy
from webvoice_mcp.__main__ import main
sys.argv = ["webvoice-mcp"]
sys.exit(main())
"""
NOISES = {"printed", "not flushed", "buffer", "the first", "raw", "child"}


@pytest.fixture
def noisy_server(tmp_path: Path) -> Iterator[ServerProcess]:
    environ = environment(tmp_path, {"BASE_URL": UNREACHABLE}) | {"PYTHONUNBUFFERED": ""}
    with running_server(environ, (sys.executable, "-c", NOISY)) as server:
        yield server


def test_stdout_carries_only_the_protocol_whatever_else_prints(noisy_server: ServerProcess) -> None:
    server = noisy_server
    server.wait_for_stderr("raw")  # the noise has begun
    for _ in range(20):
        assert fields(server.call("webvoice_account_links")) == links_of(UNREACHABLE)
    ended = server.close_stdin_and_wait()
    assert ended.code == 0
    assert {json.loads(line)["jsonrpc"] for line in server.stdout_lines} == {"2.0"}
    assert {noise for noise in NOISES if noise in ended.stderr} == NOISES
