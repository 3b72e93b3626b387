"""Every protocol revision, over a real pipe."""

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.files.samples import MP3_BYTES
from tests.loopback import Loopback
from tests.support import CANARY
from tests.wire.conftest import Start
from tests.wire.world import failure, fields
from tests.wire_driver import HANDSHAKE_VERSIONS, STATELESS_VERSION, VERSIONS, Message, Wire, environment, serving
from webvoice_mcp import __version__
from webvoice_mcp.settings import TOOLSETS
from webvoice_mcp.tools.catalogue import offered

LINKS = {
    "login": "http://127.0.0.1:9/accounts/login/",
    "api_dashboard": "http://127.0.0.1:9/api/",
    "documentation": "http://127.0.0.1:9/api/documentation/",
    "buy_credits_paypal": "http://127.0.0.1:9/billing/purchase/",
    "subscriptions": "http://127.0.0.1:9/billing/subscriptions/",
    "solana_topup": "http://127.0.0.1:9/billing/solana/",
}
NOBODY = "http://127.0.0.1:9/api/v1"
ALL_TOOLS = [each.name for each in offered(TOOLSETS)]
SPOKEN = {
    "success": True,
    "audio": base64.b64encode(MP3_BYTES).decode(),
    "format": "mp3",
    "duration": 0.08,
    "credits_used": 0.5,
    "credits_remaining": 19.5,
}


def names(listed: Message) -> list[str]:
    return [each["name"] for each in listed["tools"]]


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def test_every_revision_is_spoken(version: str, tmp_path: Path) -> None:
    with Loopback({"tts/": SPOKEN}).running() as service:
        environ = environment(tmp_path, {"BASE_URL": service.base_url, "API_KEY": CANARY})
        wire = Wire(environ, version=version)
        try:
            told = wire.start()
            first, again = wire.result("tools/list"), wire.result("tools/list")
            links = wire.call("webvoice_account_links")
            spoken = wire.call("webvoice_tts", {"text": "Hello", "output_path": "hello.mp3"})
            refused = wire.call("webvoice_tts", {"text": "Hello", "output_path": "hello.mp3"})
            ended = wire.eof()
        finally:
            wire.close()
    stateless = version == STATELESS_VERSION
    said = told["_meta"]["io.modelcontextprotocol/serverInfo"] if stateless else told["serverInfo"]
    assert (said["name"], said["version"], said["title"]) == ("webvoice", __version__, "WebVoice")
    assert version in told["supportedVersions"] if stateless else told["protocolVersion"] == version
    assert "webvoice_register_send_code" in told["instructions"]
    assert names(first) == names(again) == ALL_TOOLS

    site = service.base_url.removesuffix("/api/v1")
    expected = {name: url.replace("http://127.0.0.1:9", site) for name, url in LINKS.items()}
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
    assert [json.loads(line)["jsonrpc"] for line in wire.lines] == ["2.0"] * 6


@pytest.fixture(scope="module")
def wire(start: Start) -> Wire:
    """A server that nothing may bring down."""
    return start(BASE_URL=NOBODY, API_KEY=CANARY)


@pytest.mark.parametrize(
    "junk",
    [
        b"{not json",
        b"\x00\xff\xfe\x80 binary \x1b[2J",
        b"",
        b"[]",
        b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]',
        b'{"jsonrpc": "2.0", "id": null, "method": "ping"}',
        b'{"jsonrpc": "1.0", "id": "x", "method": "ping"}',
        b'{"jsonrpc": "2.0", "id": 9999, "result": {}}',
        b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 424242}}',
        b'{"jsonrpc": "2.0", "method": "notifications/unheard-of"}',
        b"x" * (4 << 20),
        b"[" * 100_000,
    ],
    ids=[
        "no JSON", "binary", "empty", "empty batch", "batch", "id null", "wrong version", "answer to nothing",
        "cancelled nothing", "unknown notification", "4 MB line", "deep",
    ],
)  # fmt: skip
def test_garbage_on_the_line_does_not_end_the_server(wire: Wire, junk: bytes) -> None:
    wire.raw(junk + b"\n")
    assert wire.result("ping") == {}
    assert names(wire.result("tools/list")) == ALL_TOOLS


def test_a_message_may_come_in_pieces(wire: Wire) -> None:
    message = b'{"jsonrpc":"2.0","id":"in pieces","method":"ping"}\n'
    for place in range(len(message)):
        wire.raw(message[place : place + 1])
    assert wire.answer_to("in pieces") == {"jsonrpc": "2.0", "id": "in pieces", "result": {}}


def test_an_unknown_method_is_a_protocol_error(wire: Wire) -> None:
    assert wire.ask("tools/uninstall")["error"]["code"] == -32601
    assert wire.result("ping") == {}


def test_arguments_that_are_no_object_are_a_protocol_error(wire: Wire) -> None:
    answer = wire.ask("tools/call", {"name": "webvoice_account_links", "arguments": "all"})
    assert answer["error"]["code"] == -32602
    assert wire.result("ping") == {}


def test_a_call_without_arguments_is_a_call_with_none(wire: Wire) -> None:
    assert fields(wire.result("tools/call", {"name": "webvoice_account_links"})) == LINKS


@pytest.mark.parametrize("size", [1 << 20, 8 << 20])
def test_a_huge_argument_is_taken_like_any_other(wire: Wire, size: int) -> None:
    arguments = {"text": "x" * size, "target_language": "it", "source_language": "xx"}
    code, text = failure(wire.call("webvoice_translate", arguments))
    assert code == "invalid_argument"
    assert text.startswith("invalid_argument: source_language ")


def test_many_calls_at_once_are_all_answered(wire: Wire) -> None:
    asked = [wire.post("tools/call", {"name": "webvoice_account_links", "arguments": {}}) for _ in range(50)]
    assert [fields(answer["result"]) for answer in wire.answers_to(asked)] == [LINKS] * 50


def test_the_unknown_revision_is_answered_with_a_known_one(tmp_path: Path) -> None:
    wire = Wire(environment(tmp_path), version="1999-01-01")
    try:
        assert wire.start()["protocolVersion"] in HANDSHAKE_VERSIONS
    finally:
        wire.close()


def test_toolsets_pick_tools_and_the_account_is_always_on(tmp_path: Path) -> None:
    chosen = offered(frozenset({"account", "speech", "translation"}))
    with serving(environment(tmp_path, {"TOOLSETS": "speech, Translation"})) as wire:
        assert names(wire.result("tools/list")) == [each.name for each in chosen]
        assert failure(wire.call("webvoice_chat", {"prompt": "Hi"}))[0] == "invalid_argument"


# Stands for whatever may print in a process: libraries, threads, children, C code; from the start to the very end.
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


@pytest.fixture
def noisy(tmp_path: Path) -> Iterator[Wire]:
    environ = environment(tmp_path, {"BASE_URL": NOBODY}) | {"PYTHONUNBUFFERED": ""}
    with serving(environ, (sys.executable, "-c", NOISY)) as wire:
        yield wire


def test_nothing_but_the_protocol_is_on_stdout_whatever_prints(noisy: Wire) -> None:
    until_the_child_spoke = iter(lambda: "child" in noisy.stderr, True)
    assert all(fields(noisy.call("webvoice_account_links")) == LINKS for _ in until_the_child_spoke)
    ended = noisy.eof()
    assert ended.code == 0
    assert {json.loads(line)["jsonrpc"] for line in noisy.lines} == {"2.0"}
    heard = {word for word in ("printed", "not flushed", "buffer", "the first", "raw", "child") if word in ended.stderr}
    assert heard == {"printed", "not flushed", "buffer", "the first", "raw", "child"}
