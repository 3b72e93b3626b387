"""Optional arguments, which clients send as null, as an empty text, or not at all."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests.files.samples import MP3_BYTES
from tests.loopback import Loopback
from tests.support import CANARY
from tests.wire.conftest import Start
from tests.wire.world import CONSENT, KEYED, fields
from tests.wire_driver import Wire

# What a service that speaks as documented answers.
REPLIES: dict[str, Any] = {
    "auth/send-code/": {"success": True, "is_new_user": True},
    "auth/verify-code/": {"success": True, "onboarding": {"credits": 20.0}},
    "keys/": {"success": True, "api_key": "wv_second_1234567890", "name": "second"},
    "onboarding/": {"credits": 20.0, "can_use_api": True},
    "status/": {"success": True, "user": "ann", "credits": 20.0},
    "chat/models/": {"models": [{"id": "a", "credits_per_request": 2.0}]},
    "models/": {"object": "list", "data": [{"id": "a", "object": "model"}]},
    "chat/completions/": {"id": "1", "choices": [{"message": {"role": "assistant", "content": "Hello"}}]},
    "voices/": {"success": True, "voices": {"en": [{"id": "af_sarah", "name": "Sarah"}]}},
    "tts/": {"success": True, "audio": base64.b64encode(MP3_BYTES).decode(), "format": "mp3", "duration": 0.1},
    "stt/": {"success": True, "text": "Hello", "language": "en"},
    "translation/": {"success": True, "translated_text": "Ciao"},
}
NEEDED: dict[str, dict[str, Any]] = {
    "webvoice_register_send_code": CONSENT,
    "webvoice_register_verify": {"email": "a@example.com", "code": "123456"},
    "webvoice_account_links": {},
    **KEYED,
}


@pytest.fixture(scope="module")
def answering(start: Start) -> Iterator[tuple[Wire, Loopback]]:
    """A server, and a service that answers."""
    with Loopback(REPLIES).running() as loopback:
        yield start(BASE_URL=loopback.base_url, API_KEY=CANARY), loopback


@pytest.mark.wide
@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("tool", NEEDED)
@pytest.mark.parametrize("left_out", [None, "", "  "], ids=["null", "empty", "blank"])
def test_optional_arguments_may_be_null_or_blank(
    answering: tuple[Wire, Loopback], tool: str, left_out: str | None
) -> None:
    wire, loopback = answering
    schema = next(each for each in wire.result("tools/list")["tools"] if each["name"] == tool)["inputSchema"]
    optional = dict.fromkeys(set(schema["properties"]) - set(NEEDED[tool]), left_out)
    loopback.asked.clear()
    first = fields(wire.call(tool, NEEDED[tool]))
    asked = [(each.path, _without_boundary(each.body)) for each in loopback.asked]
    loopback.asked.clear()
    second = fields(wire.call(tool, {**NEEDED[tool], **optional}))
    assert [(each.path, _without_boundary(each.body)) for each in loopback.asked] == asked
    assert first.keys() == second.keys()


def _without_boundary(body: bytes) -> bytes:
    boundary = body.partition(b"\r\n")[0]
    return body.replace(boundary, b"--") if body.startswith(b"--") else body
