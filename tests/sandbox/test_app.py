import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.world import ANN, HELLO, SITE, World, refused
from webvoice_mcp import __version__
from webvoice_mcp.contract import account, chat, image, messaging, speech, translation, video
from webvoice_mcp.contract.endpoint import Endpoint
from webvoice_mcp.sandbox.app import create_app

_POSTS = [
    "auth/send-code/",
    "auth/verify-code/",
    "keys/",
    "tts/",
    "translation/",
    "chat/completions/",
    "image/",
    "image-to-image/",
    "image-to-video/",
    "text-to-video/",
    "send-email/",
    "voice-memo/text/",
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


async def test_an_unknown_path_is_404_in_the_documented_format(world: World) -> None:
    expected = "There is no /api/v1/nowhere/ in the sandbox. Endpoints lie under /api/v1/ and end with a slash."
    assert refused(await world.get("nowhere/")) == (404, "Not Found", expected)


async def test_a_missing_final_slash_is_404_and_no_redirect(ann: World) -> None:
    assert refused(await ann.post("tts", {"text": "Hello"}))[:2] == (404, "Not Found")


async def test_a_wrong_method_is_405_in_the_documented_format(ann: World) -> None:
    expected = (405, "Method Not Allowed", "GET is not a method of /api/v1/tts/.")
    assert refused(await ann.get("tts/")) == expected


@pytest.mark.parametrize("path", ["chat/models", "chat/models/", "models", "models/"])
async def test_lists_of_models_answer_with_and_without_the_final_slash(ann: World, path: str) -> None:
    assert (await ann.get(path)).status_code == 200


@pytest.mark.parametrize("path", ["chat/completions", "chat/completions/"])
async def test_chat_answers_with_and_without_the_final_slash(ann: World, path: str) -> None:
    assert (await ann.post(path, HELLO)).status_code == 200


@pytest.mark.parametrize("path", ["voices/", "nowhere/", f"{SITE}/sandbox/inbox/", f"{SITE}/sandbox/faults"])
async def test_every_answer_names_the_sandbox_in_a_header(world: World, path: str) -> None:
    reply = await world.get(path)
    assert reply.headers["X-WebVoice-Sandbox"] == __version__
    assert reply.headers["Server"] == "webvoice-mcp-sandbox"


def _documented() -> list[Endpoint[Any, Any]]:
    modules = (account, chat, image, messaging, speech, translation, video)
    return [each for module in modules for each in vars(module).values() if isinstance(each, Endpoint)]


@pytest.mark.parametrize("endpoint", _documented(), ids=lambda endpoint: endpoint.path)
async def test_every_endpoint_of_the_contract_asks_for_a_key_exactly_when_it_says_so(
    world: World, endpoint: Endpoint[Any, Any]
) -> None:
    reply = await world.client.request(endpoint.method, endpoint.path)
    assert reply.status_code == (401 if endpoint.key else 400)


async def test_a_failure_inside_shows_no_traceback_and_is_logged(ann: World, caplog: pytest.LogCaptureFixture) -> None:
    with sqlite3.connect(ann.folder / "sandbox.db") as connection:
        connection.execute("DROP TABLE keys")
    connection.close()
    with caplog.at_level(logging.ERROR):
        reply = await ann.get("status/")
    assert refused(reply) == (500, "Internal Server Error", "The sandbox failed; its log says why.")
    assert "no such table: keys" in caplog.text


async def test_the_end_of_the_application_closes_its_database(tmp_path: Path) -> None:
    app = create_app(tmp_path)
    async with app.router.lifespan_context(app):
        assert (tmp_path / "sandbox.db-wal").exists()
    assert not (tmp_path / "sandbox.db-wal").exists()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body must be valid JSON."),
        (b"{", "The body must be valid JSON."),
        (b'{"a": NaN}', "The body must be valid JSON."),
        (b'{"a": "\\ud800"}', "The body must be valid JSON."),
        (b"\xff", "The body must be valid JSON."),
        (b"[" * 100_000, "The body must be valid JSON."),
        (b"[]", "The body must be a JSON object."),
    ],
)
async def test_what_is_no_json_object_is_refused(world: World, body: bytes, message: str) -> None:
    reply = await world.client.post("auth/send-code/", content=body)
    assert refused(reply) == (400, "Bad Request", message)


async def test_json_over_two_mebibytes_is_refused_by_its_declared_size(world: World) -> None:
    reply = await world.post("auth/send-code/", {"email": "a" * 2**21})
    assert refused(reply)[::2] == (413, "The body is larger than 2 MiB.")


async def test_json_over_two_mebibytes_is_refused_when_no_size_is_declared(world: World) -> None:
    async def body() -> Any:
        yield b" " * (2**21 + 1)

    reply = await world.client.post("auth/send-code/", content=body())
    assert refused(reply)[::2] == (413, "The body is larger than 2 MiB.")


async def test_a_body_that_breaks_off_is_refused(world: World) -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/auth/send-code/",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
        "client": None,
    }
    await world.app(scope, receive, send)
    assert json.loads(sent[1]["body"]) == {
        "error": "Bad Request",
        "message": "The connection ended before the body was complete.",
    }


async def test_a_caller_without_an_address_is_counted_all_the_same(world: World) -> None:
    body = json.dumps({"email": ANN, "accept_privacy": True, "accept_terms": True}).encode()
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/api/v1/auth/send-code/",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
        "client": None,
    }
    for _ in range(6):
        await world.app(dict(scope), receive, send)
    assert [status for status in statuses if status] == [200] * 5 + [429]


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_json_object_makes_the_sandbox_fail(ann: World, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(_POSTS))
    names = ["email", "code", "name", "text", "voice", "language", "speed", "target_language", "model", "messages"]
    names += ["tools", "tool_choice", "stream", "max_tokens", "accept_privacy", "provider", "api_key_name"]
    body = data.draw(st.dictionaries(st.sampled_from(names), _JSON, max_size=6))
    reply = await ann.post(path, body if path != "chat/completions/" else {**HELLO, **body})
    assert reply.status_code < 500 or "webvoice-mcp[sandbox]" in reply.text


@pytest.mark.parametrize("path", ["/", "/api/v1", "/accounts/login/", "/sandbox/"])
async def test_other_pages_of_the_site_are_404(world: World, path: str) -> None:
    assert refused(await world.get(f"{SITE}{path}"))[0] == 404
