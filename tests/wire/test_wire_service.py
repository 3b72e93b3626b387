"""What the service does wrong, or says no to, over a real pipe: each is told as what it is."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Loopback
from tests.support import CANARY
from tests.wire.conftest import Start
from tests.wire.world import KEYED, Play, failure
from tests.wire_driver import Message, Wire, environment, serving


@pytest.fixture(scope="module")
def keyless(start: Start, service: Loopback) -> Wire:
    """A server without a key."""
    return start(BASE_URL=service.base_url)


@pytest.mark.usefixtures("files", "untouched")
@pytest.mark.parametrize("tool", KEYED)
def test_without_a_key_it_says_how_to_get_one(keyless: Wire, tool: str) -> None:
    code, text = failure(keyless.call(tool, KEYED[tool]))
    assert code == "not_authenticated"
    assert "webvoice_register_send_code" in text
    assert "WEBVOICE_API_KEY" in text


@pytest.fixture(scope="module")
def wrong_key(start: Start, play: Play) -> Wire:
    """A server with a key that the service does not know."""
    return start(BASE_URL=play.base_url, API_KEY=CANARY)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("tool", KEYED)
def test_a_key_that_is_not_accepted_is_named_by_its_source(wrong_key: Wire, tool: str) -> None:
    result = wrong_key.call(tool, KEYED[tool])
    code, text = failure(result)
    assert (code, result["_meta"]["webvoice/error"]["status"]) == ("unauthorized", 401)
    assert "wv_…cdef from WEBVOICE_API_KEY" in text


def test_used_up_credits_come_with_the_links_to_add_some(tmp_path: Path, play: Play) -> None:
    key = play.register("poor@example.com")
    play.spend_all(key)
    site = play.base_url.removesuffix("/api/v1")
    with serving(environment(tmp_path, {"BASE_URL": play.base_url, "API_KEY": key})) as wire:
        for tool in ("webvoice_chat", "webvoice_tts", "webvoice_translate"):
            result = wire.call(tool, KEYED[tool])
            code, text = failure(result)
            assert (code, result["_meta"]["webvoice/error"]["status"]) == ("insufficient_credits", 402)
            assert f"{site}/billing/purchase/" in text
            assert f"{site}/billing/solana/" in text
    assert not list((tmp_path / "out").rglob("*.mp3"))


# What the service does, the code, further facts in _meta, and what the text says.
FAULTS: list[tuple[dict[str, Any], Message, str]] = [
    ({"status": 400, "body": {"message": "No such voice"}}, {"code": "bad_request", "status": 400}, "No such voice"),
    ({"status": 404, "body": "<html>Not found</html>"}, {"code": "bad_request", "status": 404}, "(404)"),
    ({"status": 413, "body": "x" * 5000}, {"code": "bad_request", "status": 413}, "(413)"),
    ({"body": {"success": False, "error": "Too quiet"}}, {"code": "bad_request", "status": 200}, "Too quiet"),
    ({"status": 401}, {"code": "unauthorized", "status": 401}, "WEBVOICE_API_KEY"),
    ({"status": 403}, {"code": "unauthorized", "status": 403}, "(403)"),
    ({"status": 402}, {"code": "insufficient_credits", "status": 402}, "/billing/purchase/"),
    ({"retry_after": 60}, {"code": "rate_limited", "status": 429, "retry_after_seconds": 60}, "60 seconds"),
    ({"status": 500, "body": "Traceback (most recent call last)"}, {"code": "server_error", "status": 500}, "(500)"),
    ({"status": 502, "body": "<html>Bad gateway</html>"}, {"code": "server_error", "status": 502}, "(502)"),
    ({"status": 503}, {"code": "provider_unavailable", "status": 503}, "provider"),
    ({"status": 504}, {"code": "server_error", "status": 504}, "(504)"),
    ({"status": 302, "body": "moved"}, {"code": "invalid_response", "status": 302}, "redirect"),
    ({"status": 200, "body": "<html>Welcome</html>"}, {"code": "invalid_response"}, "may have been spent"),
    ({"status": 200, "body": "[]"}, {"code": "invalid_response"}, "The service's answer"),
    ({"status": 200, "body": {"success": True}}, {"code": "invalid_response"}, "The service's answer"),
    ({"drop": True}, {"code": "network_error"}, "may have been spent"),
]  # fmt: skip


@pytest.fixture(scope="module")
def playing(start: Start, play: Play) -> Wire:
    """A server with an account in the sandbox."""
    return start(BASE_URL=play.base_url, API_KEY=play.register("faults@example.com"))


@pytest.mark.parametrize("tool", ["webvoice_tts", "webvoice_chat"])
@pytest.mark.parametrize(("fault", "details", "said"), FAULTS, ids=[json.dumps(row[0])[:40] for row in FAULTS])
def test_a_failure_of_the_service_is_told_as_what_it_is(
    playing: Wire, play: Play, out: Path, tool: str, fault: Message, details: Message, said: str
) -> None:
    before = sorted(out.rglob("*"))
    play.fault("tts/" if tool == "webvoice_tts" else "chat/completions/", **fault)
    result = playing.call(tool, KEYED[tool])
    _, text = failure(result)
    assert result["_meta"]["webvoice/error"] == details
    assert said in text
    assert sorted(out.rglob("*")) == before


def test_broken_base64_leaves_no_file(playing: Wire, play: Play, out: Path) -> None:
    before = sorted(out.rglob("*"))
    play.fault("tts/", body={"success": True, "audio": "SUQz!!!!", "format": "mp3"})
    assert failure(playing.call("webvoice_tts", {"text": "Hi"}))[0] == "invalid_response"
    assert sorted(out.rglob("*")) == before


def test_a_stream_that_is_cut_short_is_no_answer(playing: Wire, play: Play) -> None:
    play.fault("chat/completions/", cut_at=300)
    code, text = failure(playing.call("webvoice_chat", {"prompt": "Say 'one two three'", "stream": True}))
    assert code == "invalid_response"
    assert "may have been spent" in text


def test_progress_is_told_under_the_token_that_the_caller_gave(playing: Wire) -> None:
    playing.notifications.clear()
    said = {"prompt": "Say 'one two three'"}
    answer = json.loads(playing.call("webvoice_chat", said, _meta={"progressToken": "mine"})["content"][0]["text"])
    assert {each["method"] for each in playing.notifications} == {"notifications/progress"}
    told = [each["params"] for each in playing.notifications]
    assert {each["progressToken"] for each in told} == {"mine"}
    assert "".join(each["message"] for each in told) == answer["text"]


def test_too_slow_an_answer_is_a_timeout(tmp_path: Path, play: Play) -> None:
    variables = {"BASE_URL": play.base_url, "API_KEY": play.register("slow@example.com"), "TIMEOUT": "0.2"}
    play.fault("tts/", delay=1)
    with serving(environment(tmp_path, variables)) as wire:
        code, text = failure(wire.call("webvoice_tts", {"text": "Hi", "output_path": "deep/hi.mp3"}))
    assert code == "timeout"
    assert "WEBVOICE_TIMEOUT" in text
    assert "may have been spent" in text
    assert not list((tmp_path / "out").rglob("*"))


def test_nobody_there_is_a_network_error_that_cost_nothing(tmp_path: Path) -> None:
    variables = {"BASE_URL": "http://127.0.0.1:9/api/v1", "API_KEY": CANARY}
    with serving(environment(tmp_path, variables)) as wire:
        code, text = failure(wire.call("webvoice_tts", {"text": "Hi"}))
    assert code == "network_error"
    assert "No credits were spent" in text
