"""The account tools, through MCP, against scripted answers."""

import json
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from tests.support import BASE_URL, CANARY, MakeSettings, ScriptedTransport, answer, ask, connected, failed, fields
from webvoice_mcp.keystore import KeyStore

NEW_KEY = "wv_new_key_0123456789abcd"
MASKED = "wv_…abcd"
FIRST_KEY = "wv_first_key_0000000000"
ONBOARDING = {"credits": 20.0, "can_use_api": True, "billing": {"topup_required": False, "note": "…"}}


async def test_a_code_is_sent_and_the_next_step_told(make_settings: MakeSettings) -> None:
    sent = ScriptedTransport(answer({"success": True, "is_new_user": True, "message": "Code sent"}))
    arguments = {"email": "a@example.com", "accept_privacy": True, "accept_terms": True}
    async with connected(make_settings(API_KEY=""), sent) as client:
        result = fields(await client.call_tool("webvoice_register_send_code", arguments))
    assert json.loads(sent.bodies[0]) == arguments
    assert result == {
        "success": True,
        "is_new_user": True,
        "message": "Code sent",
        "next_step": "Get the code from the mail, then call webvoice_register_verify with e-mail and code.",
    }


@pytest.mark.parametrize("refused", ["accept_privacy", "accept_terms"])
async def test_without_consent_nothing_is_sent(make_settings: MakeSettings, refused: str) -> None:
    sent = ScriptedTransport()
    arguments = {"email": "a@example.com", "accept_privacy": True, "accept_terms": True, refused: False}
    async with connected(make_settings(), sent) as client:
        said = failed(await client.call_tool("webvoice_register_send_code", arguments))
    assert said.startswith(f"invalid_argument: {refused} must be true")
    assert sent.requests == []


@pytest.mark.parametrize("consent", ["accept_privacy", "accept_terms"])
@pytest.mark.parametrize("said", [1, 1.0, "1", "y", "yes", "on", "True", [True]])
async def test_what_is_not_plainly_a_consent_is_none(make_settings: MakeSettings, consent: str, said: Any) -> None:
    sent = ScriptedTransport()
    arguments = {"email": "a@example.com", "accept_privacy": True, "accept_terms": True, consent: said}
    async with connected(make_settings(), sent) as client:
        text = failed(await client.call_tool("webvoice_register_send_code", arguments))
    assert text.startswith(f"invalid_argument: {consent} should be a valid boolean. Whether the user accepts the")
    assert sent.requests == []


async def test_truth_values_may_come_as_text(make_settings: MakeSettings) -> None:
    arguments = {"email": " a@example.com ", "accept_privacy": "true", "accept_terms": "true"}
    result, sent = await ask(make_settings(), "webvoice_register_send_code", arguments, answer({"success": True}))
    assert result["success"] is True
    assert sent == {"email": "a@example.com", "accept_privacy": True, "accept_terms": True}
    async with connected(make_settings(), ScriptedTransport()) as client:
        said = failed(await client.call_tool("webvoice_register_send_code", {**arguments, "accept_terms": "false"}))
    assert said.startswith("invalid_argument: accept_terms must be true")


@pytest.mark.parametrize("tool", ["webvoice_register_send_code", "webvoice_register_verify"])
async def test_what_is_no_address_is_not_sent(make_settings: MakeSettings, tool: str) -> None:
    sent = ScriptedTransport()
    more = {"code": "123456"} if tool.endswith("verify") else {"accept_privacy": True, "accept_terms": True}
    async with connected(make_settings(), sent) as client:
        said = failed(await client.call_tool(tool, {"email": "somebody", **more}))
    assert said == "invalid_argument: email is not an e-mail address. Give one like name@example.com."
    assert sent.requests == []


async def test_the_new_key_is_saved_masked_and_used_at_once(make_settings: MakeSettings) -> None:
    settings = make_settings(API_KEY="")
    onboarding = {**ONBOARDING, "hint": f"your key is {NEW_KEY}"}
    sent = ScriptedTransport(
        answer({"success": True, "api_key": NEW_KEY, "onboarding": onboarding}), answer({"user": "a", "credits": 20.0})
    )
    async with connected(settings, sent) as client:
        verified = await client.call_tool("webvoice_register_verify", {"email": "a@example.com", "code": " 123456 "})
        status = fields(await client.call_tool("webvoice_status", {}))
    assert json.loads(sent.bodies[0]) == {
        "email": "a@example.com",
        "code": "123456",
        "create_api_key": True,
        "api_key_name": "webvoice-mcp",
    }
    assert fields(verified) == {
        "success": True,
        "api_key": MASKED,
        "api_key_saved_to": str(settings.credentials_file),
        "onboarding": {**ONBOARDING, "hint": f"your key is {MASKED}"},
    }
    assert NEW_KEY not in verified.model_dump_json()
    assert sent.requests[1].headers["x-api-key"] == NEW_KEY
    assert status["key_source"] == "saved"


async def test_a_key_in_the_environment_wins_and_the_note_says_so(make_settings: MakeSettings) -> None:
    settings = make_settings()
    sent = ScriptedTransport(answer({"success": True, "api_key": NEW_KEY}), answer({"user": "a"}))
    async with connected(settings, sent) as client:
        verified = fields(await client.call_tool("webvoice_register_verify", {"email": "a@b.co", "code": "1"}))
        await client.call_tool("webvoice_status", {})
    assert "WEBVOICE_API_KEY is set" in verified["note"]
    assert sent.requests[1].headers["x-api-key"] == CANARY
    assert KeyStore(settings.credentials_file).active(BASE_URL) == NEW_KEY


async def test_a_key_that_cannot_be_saved_is_shown_once_and_not_lost(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    sent = ScriptedTransport(
        answer({"success": True, "api_key": NEW_KEY}), answer({"success": True, "api_key": NEW_KEY})
    )
    async with connected(make_settings(), sent) as client:
        verified = fields(await client.call_tool("webvoice_register_verify", {"email": "a@b.co", "code": "1"}))
        created = fields(await client.call_tool("webvoice_create_api_key", {"name": "second"}))
    for result in (verified, created):
        assert result["api_key"] == NEW_KEY
        assert "could not be saved" in result["note"]
        assert "api_key_saved_to" not in result


async def test_signing_in_without_a_key_saves_none(make_settings: MakeSettings) -> None:
    settings = make_settings(API_KEY="")
    sent = ScriptedTransport(answer({"success": True, "onboarding": ONBOARDING}), answer({"success": True}))
    arguments = {"email": "a@b.co", "code": "1"}
    async with connected(settings, sent) as client:
        without = await client.call_tool("webvoice_register_verify", {**arguments, "create_api_key": False})
        missing = await client.call_tool("webvoice_register_verify", arguments)
    assert fields(without) == {"success": True, "onboarding": ONBOARDING}
    assert fields(missing) == {"success": True, "note": "The service sent no API key."}
    assert not settings.credentials_file.exists()


async def test_a_key_that_was_not_asked_for_is_kept_but_not_used(make_settings: MakeSettings) -> None:
    settings = make_settings(API_KEY="")
    store = KeyStore(settings.credentials_file)
    store.save(BASE_URL, name="first", key=FIRST_KEY, use=True)
    arguments = {"email": "a@b.co", "code": "1", "create_api_key": False}
    reply = answer({"success": True, "api_key": NEW_KEY})
    result, _ = await ask(settings, "webvoice_register_verify", arguments, reply)
    assert (result["api_key"], store.active(BASE_URL)) == (MASKED, FIRST_KEY)
    assert NEW_KEY in settings.credentials_file.read_text()


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("webvoice_register_verify", {"email": "a@b.co", "code": "1"}),
        ("webvoice_create_api_key", {"name": "second"}),
    ],
)
async def test_what_the_service_adds_never_takes_the_place_of_what_is_said_here(
    make_settings: MakeSettings, tool: str, arguments: dict[str, str]
) -> None:
    settings = make_settings(API_KEY="")
    KeyStore(settings.credentials_file).save(BASE_URL, name="first", key=FIRST_KEY, use=True)
    odd = {"note": {"x": 1}, "api_key_saved_to": ["nowhere"], "owner": f"of {NEW_KEY}"}
    result, _ = await ask(settings, tool, arguments, answer({"success": True, "api_key": NEW_KEY, "name": "n", **odd}))
    assert result.pop("name") == "n"
    assert result == {
        "success": True,
        "api_key": MASKED,
        "api_key_saved_to": str(settings.credentials_file),
        "owner": f"of {MASKED}",
    }


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("webvoice_register_verify", {"email": "a@b.co", "code": "1"}),
        ("webvoice_create_api_key", {"name": "second", "use": True}),
    ],
)
async def test_a_caller_who_goes_away_does_not_lose_the_new_key(
    make_settings: MakeSettings, tool: str, arguments: dict[str, Any]
) -> None:
    settings = make_settings(API_KEY="")
    KeyStore(settings.credentials_file).save(BASE_URL, name="first", key=FIRST_KEY, use=True)
    asked, gone = anyio.Event(), anyio.Event()

    async def slow(_: httpx2.Request) -> httpx2.Response:
        asked.set()
        await gone.wait()
        return answer({"success": True, "api_key": NEW_KEY})

    async with connected(settings, ScriptedTransport(slow)) as client:
        async with anyio.create_task_group() as callers:
            callers.start_soon(client.call_tool, tool, arguments)
            await asked.wait()
            callers.cancel_scope.cancel()
        await client.call_tool("webvoice_account_links", {})  # whatever was to be cancelled is by now
        gone.set()
    assert KeyStore(settings.credentials_file).active(BASE_URL) == NEW_KEY


async def test_a_wrong_code_is_the_services_refusal(make_settings: MakeSettings) -> None:
    sent = ScriptedTransport(answer({"error": "Bad Request", "message": "Wrong or expired code"}, 400))
    async with connected(make_settings(API_KEY=""), sent) as client:
        result = await client.call_tool("webvoice_register_verify", {"email": "a@b.co", "code": "1"})
    assert failed(result) == (
        "bad_request: The service refused the request (400): Wrong or expired code. Change the arguments as it says."
    )
    assert result.meta is not None
    assert result.meta["webvoice/error"] == {"code": "bad_request", "status": 400}


@pytest.mark.parametrize(("use", "used"), [(False, FIRST_KEY), (True, NEW_KEY)])
async def test_a_further_key_is_saved_and_used_only_when_asked(
    make_settings: MakeSettings, use: bool, used: str
) -> None:
    settings = make_settings(API_KEY="")
    KeyStore(settings.credentials_file).save(BASE_URL, name="first", key=FIRST_KEY, use=True)
    sent = ScriptedTransport(answer({"success": True, "api_key": NEW_KEY, "name": "second"}), answer({"user": "a"}))
    async with connected(settings, sent) as client:
        created = fields(await client.call_tool("webvoice_create_api_key", {"name": "second", "use": use}))
        await client.call_tool("webvoice_status", {})
    assert json.loads(sent.bodies[0]) == {"name": "second"}
    assert created == {
        "success": True,
        "name": "second",
        "api_key": MASKED,
        "api_key_saved_to": str(settings.credentials_file),
    }
    assert sent.requests[1].headers["x-api-key"] == used


@pytest.mark.parametrize(
    "odd",
    [
        "x" * 5000,
        "data:image/png;base64,AAAA",
        ["DATA:;base64,AAAA"],
        {"qr": "QUJD" * 51},
        {"QUJD" * 51: 1},
        json.loads("[" * 40 + "]" * 40),
    ],
)
async def test_what_is_large_deep_or_no_text_is_not_passed_on(make_settings: MakeSettings, odd: Any) -> None:
    body = httpx2.Response(200, text=json.dumps({**ONBOARDING, "small": [1, {"a": "b"}], "odd": odd, "none": None}))
    async with connected(make_settings(), ScriptedTransport(body)) as client:
        result = fields(await client.call_tool("webvoice_onboarding", {}))
    assert result == {**ONBOARDING, "small": [1, {"a": "b"}]}


async def test_onboarding_passes_on_whatever_the_service_sent(make_settings: MakeSettings) -> None:
    sent = ScriptedTransport(answer({**ONBOARDING, "new_field": {"a": 1}, "huge": "x" * 5000}))
    async with connected(make_settings(), sent) as client:
        assert fields(await client.call_tool("webvoice_onboarding", {})) == {**ONBOARDING, "new_field": {"a": 1}}


async def test_status_tells_the_account_and_where_the_key_came_from(make_settings: MakeSettings) -> None:
    key = {"name": "My key", "created_at": "2024-01-01T00:00:00Z", "usage_count": 42}
    sent = ScriptedTransport(answer({"success": True, "user": "ann", "credits": 100.0, "api_key": key}))
    async with connected(make_settings(), sent) as client:
        assert fields(await client.call_tool("webvoice_status", {})) == {
            "user": "ann",
            "credits": 100.0,
            "api_key": key,
            "key_source": "environment",
        }


async def test_links_need_neither_key_nor_network(make_settings: MakeSettings) -> None:
    sent = ScriptedTransport()
    async with connected(make_settings(API_KEY="", BASE_URL="https://site.example/api/v1/"), sent) as client:
        assert fields(await client.call_tool("webvoice_account_links", {})) == {
            "login": "https://site.example/accounts/login/",
            "api_dashboard": "https://site.example/api/",
            "documentation": "https://site.example/api/documentation/",
            "buy_credits_paypal": "https://site.example/billing/purchase/",
            "subscriptions": "https://site.example/billing/subscriptions/",
            "solana_topup": "https://site.example/billing/solana/",
        }
    assert sent.requests == []


async def test_a_damaged_key_file_is_set_aside_and_the_next_call_says_where(make_settings: MakeSettings) -> None:
    settings = make_settings(API_KEY="")
    settings.credentials_file.parent.mkdir()
    settings.credentials_file.write_text("{ damaged")
    async with connected(settings, ScriptedTransport()) as client:
        said = failed(await client.call_tool("webvoice_status", {}))
    (aside,) = settings.credentials_file.parent.glob("credentials.json.damaged-*")
    assert said.startswith("not_authenticated: ")
    assert f"A damaged key file was set aside as {aside}." in said
    assert aside.read_text() == "{ damaged"
