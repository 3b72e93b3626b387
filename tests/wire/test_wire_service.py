"""Failures of the service over a real pipe: the error says what happened and whether credits may have been spent."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import CANARY
from tests.wire.calls import CALLS
from tests.wire.conftest import StartServer
from tests.wire.results import failure
from tests.wire.sandbox_service import SandboxService
from tests.wire_driver import Message, ServerProcess

# The fault, the details in `_meta`, and a part of the error text.
FAULTS: list[tuple[dict[str, Any], Message, str]] = [
    ({"status": 400, "body": {"message": "No such voice"}}, {"code": "bad_request", "status": 400}, "No such voice"),
    ({"status": 413, "body": "x" * 5000}, {"code": "bad_request", "status": 413}, "(413)"),
    ({"body": {"success": False, "error": "Too quiet"}}, {"code": "bad_request", "status": 200}, "Too quiet"),
    ({"status": 401}, {"code": "unauthorized", "status": 401}, " from WEBVOICE_API_KEY"),
    ({"status": 403}, {"code": "unauthorized", "status": 403}, "(403)"),
    ({"status": 402}, {"code": "insufficient_credits", "status": 402}, "/billing/purchase/"),
    ({"status": 402}, {"code": "insufficient_credits", "status": 402}, "/billing/solana/"),
    ({"retry_after": 60}, {"code": "rate_limited", "status": 429, "retry_after_seconds": 60}, "60 seconds"),
    ({"status": 500, "body": "Traceback (most recent call last)"}, {"code": "server_error", "status": 500}, "(500)"),
    ({"status": 503}, {"code": "provider_unavailable", "status": 503}, "provider"),
    ({"status": 302, "body": "moved"}, {"code": "invalid_response", "status": 302}, "redirect"),
    ({"status": 200, "body": "<html>Welcome</html>"}, {"code": "invalid_response"}, "may have been spent"),
    ({"status": 200, "body": {"success": True}}, {"code": "invalid_response"}, "The service's answer"),
    ({"drop": True}, {"code": "network_error"}, "may have been spent"),
]  # fmt: skip


@pytest.fixture(scope="module")
def server(start_server: StartServer, sandbox: SandboxService) -> ServerProcess:
    """A server with an account in the sandbox."""
    return start_server(BASE_URL=sandbox.base_url, API_KEY=sandbox.register("faults@example.com"))


@pytest.fixture
def out(home: Path) -> Path:
    """The server's output folder."""
    return home / "out"


@pytest.mark.parametrize(("fault", "details", "part"), FAULTS, ids=[json.dumps(row[0])[:40] for row in FAULTS])
def test_a_failure_of_the_service_is_described(
    server: ServerProcess, sandbox: SandboxService, out: Path, fault: Message, details: Message, part: str
) -> None:
    before = sorted(out.rglob("*"))
    for tool, path in (("webvoice_tts", "tts/"), ("webvoice_chat", "chat/completions/")):
        sandbox.fault(path, **fault)
        result = server.call(tool, CALLS[tool])
        _, text = failure(result)
        assert result["_meta"]["webvoice/error"] == details
        assert part in text
    assert sorted(out.rglob("*")) == before


def test_broken_base64_leaves_no_file(server: ServerProcess, sandbox: SandboxService, out: Path) -> None:
    before = sorted(out.rglob("*"))
    sandbox.fault("tts/", body={"success": True, "audio": "SUQz!!!!", "format": "mp3"})
    assert failure(server.call("webvoice_tts", {"text": "Hi"}))[0] == "invalid_response"
    assert sorted(out.rglob("*")) == before


def test_a_stream_that_is_cut_short_is_no_answer(server: ServerProcess, sandbox: SandboxService) -> None:
    sandbox.fault("chat/completions/", cut_at=300)
    code, text = failure(server.call("webvoice_chat", {"prompt": "Say 'one two three'", "stream": True}))
    assert code == "invalid_response"
    assert "may have been spent" in text


def test_progress_carries_the_token_of_its_call(server: ServerProcess) -> None:
    server.notifications.clear()
    result = server.call("webvoice_chat", {"prompt": "Say 'one two three'"}, _meta={"progressToken": "mine"})
    reply = json.loads(result["content"][0]["text"])
    assert {notification["method"] for notification in server.notifications} == {"notifications/progress"}
    reports = [notification["params"] for notification in server.notifications]
    assert {report["progressToken"] for report in reports} == {"mine"}
    assert "".join(report["message"] for report in reports) == reply["text"]


@pytest.mark.wide
def test_an_unreachable_service_is_a_network_error_that_costs_nothing(start_server: StartServer) -> None:
    server = start_server(BASE_URL="http://127.0.0.1:9/api/v1", API_KEY=CANARY)
    code, text = failure(server.call("webvoice_tts", {"text": "Hi"}))
    assert code == "network_error"
    assert "No credits were spent" in text
