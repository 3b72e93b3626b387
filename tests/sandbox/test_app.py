import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.world import ANN, HELLO, SandboxClient, refused
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


async def test_an_unknown_path_is_404_in_the_documented_format(client: SandboxClient) -> None:
    hint = "Use a path that begins with /api/v1/ and ends with a slash."
    expected = f"The sandbox has no /api/v1/nowhere/. {hint}"
    assert refused(await client.get("nowhere/")) == (404, "Not Found", expected)


async def test_a_missing_final_slash_is_404_and_not_a_redirect(ann: SandboxClient) -> None:
    assert refused(await ann.post("tts", {"text": "Hello"}))[:2] == (404, "Not Found")


async def test_a_wrong_method_is_405_in_the_documented_format(ann: SandboxClient) -> None:
    expected = (405, "Method Not Allowed", "/api/v1/tts/ does not accept GET.")
    assert refused(await ann.get("tts/")) == expected


async def test_chat_endpoints_need_no_final_slash(ann: SandboxClient) -> None:
    assert (await ann.get("chat/models")).status_code == 200
    assert (await ann.get("models")).status_code == 200
    assert (await ann.post("chat/completions", HELLO)).status_code == 200


def _documented() -> list[Endpoint[Any, Any]]:
    modules = (account, chat, image, messaging, speech, translation, video)
    return [value for module in modules for value in vars(module).values() if isinstance(value, Endpoint)]


async def test_endpoints_require_a_key_exactly_as_the_contract_says(client: SandboxClient) -> None:
    expected = {endpoint.path: 401 if endpoint.key else 400 for endpoint in _documented()}
    statuses = {
        endpoint.path: (await client.http.request(endpoint.method, endpoint.path)).status_code
        for endpoint in _documented()
    }
    assert statuses == expected


async def test_an_internal_error_is_logged_and_its_response_has_no_details(
    ann: SandboxClient, caplog: pytest.LogCaptureFixture
) -> None:
    with sqlite3.connect(ann.folder / "sandbox.db") as connection:
        connection.execute("DROP TABLE keys")
    connection.close()
    transport = httpx2.ASGITransport(app=ann.app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=ann.http.base_url, headers=ann.http.headers) as http:
        reply = await http.get("status/")
    assert refused(reply) == (500, "Internal Server Error", "The sandbox failed. See the cause in its log.")
    assert "no such table: keys" in caplog.text


async def test_shutdown_closes_the_database(tmp_path: Path) -> None:
    app = create_app(tmp_path)
    async with app.router.lifespan_context(app):
        assert (tmp_path / "sandbox.db-wal").exists()
    assert not (tmp_path / "sandbox.db-wal").exists()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "The body must be valid JSON."),
        (b'{"a": 1e999}', "The body must be valid JSON."),
        (b'{"a": "\\ud800"}', "The body must be valid JSON."),
        (b"[" * 100_000, "The body must be valid JSON."),
        (b"[]", "The body must be a JSON object."),
    ],
)
async def test_a_body_other_than_a_json_object_is_refused(client: SandboxClient, body: bytes, message: str) -> None:
    reply = await client.http.post("auth/send-code/", content=body)
    assert refused(reply) == (400, "Bad Request", message)


async def test_json_over_two_mebibytes_is_refused_by_its_declared_size(client: SandboxClient) -> None:
    reply = await client.post("auth/send-code/", {"email": "a" * 2**21})
    assert refused(reply)[::2] == (413, "The body is larger than 2 MiB.")


async def test_json_over_two_mebibytes_is_refused_when_no_size_is_declared(client: SandboxClient) -> None:
    async def body() -> Any:
        yield b" " * (2**21 + 1)

    reply = await client.http.post("auth/send-code/", content=body())
    assert refused(reply)[::2] == (413, "The body is larger than 2 MiB.")


async def test_an_incomplete_body_is_refused(client: SandboxClient) -> None:
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
    await client.app(scope, receive, send)
    assert json.loads(sent[1]["body"]) == {
        "error": "Bad Request",
        "message": "The connection ended before the body was complete. Send the request again.",
    }


async def test_a_caller_without_an_address_is_rate_limited(client: SandboxClient) -> None:
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
        await client.app(dict(scope), receive, send)
    assert [status for status in statuses if status] == [200] * 5 + [429]


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.untraced
async def test_no_json_object_makes_the_sandbox_fail(ann: SandboxClient, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(_POSTS))
    names = ["email", "code", "name", "text", "voice", "language", "speed", "target_language", "model", "messages"]
    names += ["tools", "tool_choice", "stream", "max_tokens", "accept_privacy", "provider", "api_key_name"]
    body = data.draw(st.dictionaries(st.sampled_from(names), _JSON, max_size=6))
    reply = await ann.post(path, body if path != "chat/completions/" else {**HELLO, **body})
    assert reply.status_code < 500 or "webvoice-mcp[sandbox]" in reply.text
