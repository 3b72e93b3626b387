"""The account tools, through MCP, with scripted replies of the service."""

import json
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from tests.support import BASE_URL, CANARY, MakeSettings, ScriptedTransport, answer, ask, connected, failed, fields
from tests.tools.calls import check_refused
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import Settings

SEND_CODE, VERIFY, CREATE = "webvoice_register_send_code", "webvoice_register_verify", "webvoice_create_api_key"
NEW_KEY = "wv_new_key_0123456789abcd"
MASKED = "wv_…abcd"
FIRST_KEY = "wv_first_key_0000000000"
ONBOARDING = {"credits": 20.0, "can_use_api": True, "billing": {"topup_required": False, "note": "…"}}
CONSENT = {"email": "a@example.com", "accept_privacy": True, "accept_terms": True}
CODE = {"email": "a@b.co", "code": "1"}

WITH_NEW_KEY = pytest.mark.parametrize(
    ("tool", "arguments"), [(VERIFY, CODE), (CREATE, {"name": "second", "use": True})], ids=["verify", "create"]
)


@pytest.fixture
def registered(make_settings: MakeSettings) -> Settings:
    """Settings of a user whose first key is saved."""
    settings = make_settings(API_KEY="")
    KeyStore(settings.credentials_file).save(BASE_URL, name="first", key=FIRST_KEY, use=True)
    return settings


async def test_a_code_is_sent_and_the_next_step_named(make_settings: MakeSettings) -> None:
    reply = answer({"success": True, "is_new_user": True, "message": "Code sent"})
    result, sent = await ask(make_settings(API_KEY=""), SEND_CODE, CONSENT, reply)
    assert sent == CONSENT
    assert result == {
        "success": True,
        "is_new_user": True,
        "message": "Code sent",
        "next_step": "Get the code from the mail, then call webvoice_register_verify with e-mail and code.",
    }


@pytest.mark.parametrize("consent", ["accept_privacy", "accept_terms"])
async def test_without_plain_consent_nothing_is_sent(make_settings: MakeSettings, consent: str) -> None:
    refused: list[tuple[Any, str]] = [(no, f"{consent} must be true") for no in (False, "false")]
    refused += [
        (other, f"{consent} should be a valid boolean. Whether the user accepts the")
        for other in (1, 1.0, "1", "y", "yes", "on", "True", [True])
    ]
    expected = [({**CONSENT, consent: value}, f"invalid_argument: {text}") for value, text in refused]
    await check_refused(make_settings(), SEND_CODE, expected)


async def test_consent_may_come_as_the_word_true(make_settings: MakeSettings) -> None:
    arguments = {"email": " a@example.com ", "accept_privacy": "true", "accept_terms": "true"}
    _, sent = await ask(make_settings(), SEND_CODE, arguments, answer({"success": True}))
    assert sent == CONSENT


async def test_other_texts_than_addresses_are_not_sent(make_settings: MakeSettings) -> None:
    text = "invalid_argument: email is not an e-mail address. Give one like name@example.com."
    await check_refused(make_settings(), SEND_CODE, [({**CONSENT, "email": "somebody"}, text)])
    await check_refused(make_settings(), VERIFY, [({**CODE, "email": "somebody"}, text)])


async def test_the_new_key_is_saved_masked_and_used_at_once(make_settings: MakeSettings) -> None:
    settings = make_settings(API_KEY="")
    onboarding = {**ONBOARDING, "hint": f"your key is {NEW_KEY}"}
    service = ScriptedTransport(
        answer({"success": True, "api_key": NEW_KEY, "onboarding": onboarding}), answer({"user": "a", "credits": 20.0})
    )
    async with connected(settings, service) as client:
        verified = await client.call_tool(VERIFY, {"email": "a@example.com", "code": " 123456 "})
        status = fields(await client.call_tool("webvoice_status", {}))
    assert json.loads(service.bodies[0]) == {
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
    assert service.requests[1].headers["x-api-key"] == NEW_KEY
    assert status["key_source"] == "saved"


async def test_a_key_in_the_environment_wins_over_the_new_one(make_settings: MakeSettings) -> None:
    settings = make_settings()
    service = ScriptedTransport(answer({"success": True, "api_key": NEW_KEY}), answer({"user": "a"}))
    async with connected(settings, service) as client:
        verified = fields(await client.call_tool(VERIFY, CODE))
        await client.call_tool("webvoice_status", {})
    assert "WEBVOICE_API_KEY is set" in verified["note"]
    assert service.requests[1].headers["x-api-key"] == CANARY
    assert KeyStore(settings.credentials_file).active(BASE_URL) == NEW_KEY


@WITH_NEW_KEY
async def test_a_key_that_cannot_be_saved_is_shown_in_full(
    make_settings: MakeSettings, tmp_path: Path, tool: str, arguments: dict[str, Any]
) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    result, _ = await ask(make_settings(), tool, arguments, answer({"success": True, "api_key": NEW_KEY}))
    assert result["api_key"] == NEW_KEY
    assert "could not be saved" in result["note"]
    assert "api_key_saved_to" not in result


async def test_signing_in_without_a_key_saves_none(make_settings: MakeSettings) -> None:
    settings = make_settings(API_KEY="")
    service = ScriptedTransport(answer({"success": True, "onboarding": ONBOARDING}), answer({"success": True}))
    async with connected(settings, service) as client:
        without = await client.call_tool(VERIFY, {**CODE, "create_api_key": False})
        missing = await client.call_tool(VERIFY, CODE)
    assert fields(without) == {"success": True, "onboarding": ONBOARDING}
    assert fields(missing) == {"success": True, "note": "The service sent no API key."}
    assert not settings.credentials_file.exists()


async def test_a_key_that_nobody_asked_for_is_saved_but_not_used(registered: Settings) -> None:
    reply = answer({"success": True, "api_key": NEW_KEY})
    result, _ = await ask(registered, VERIFY, {**CODE, "create_api_key": False}, reply)
    assert (result["api_key"], KeyStore(registered.credentials_file).active(BASE_URL)) == (MASKED, FIRST_KEY)
    assert NEW_KEY in registered.credentials_file.read_text()


@WITH_NEW_KEY
async def test_fields_of_the_service_do_not_replace_ours(
    registered: Settings, tool: str, arguments: dict[str, Any]
) -> None:
    odd = {"note": {"x": 1}, "api_key_saved_to": ["nowhere"], "owner": f"of {NEW_KEY}"}
    reply = answer({"success": True, "api_key": NEW_KEY, "name": "n", **odd})
    result, _ = await ask(registered, tool, arguments, reply)
    assert result == {
        "success": True,
        "name": "n",
        "api_key": MASKED,
        "api_key_saved_to": str(registered.credentials_file),
        "owner": f"of {MASKED}",
    }


@WITH_NEW_KEY
async def test_a_caller_who_goes_away_does_not_lose_the_new_key(
    registered: Settings, tool: str, arguments: dict[str, Any]
) -> None:
    requested, gone = anyio.Event(), anyio.Event()

    async def answer_late(_: httpx2.Request) -> httpx2.Response:
        requested.set()
        await gone.wait()
        return answer({"success": True, "api_key": NEW_KEY})

    async with connected(registered, ScriptedTransport(answer_late)) as client:
        async with anyio.create_task_group() as callers:
            callers.start_soon(client.call_tool, tool, arguments)
            await requested.wait()
            callers.cancel_scope.cancel()
        await client.call_tool("webvoice_account_links", {})  # by now the cancellation has reached the server
        gone.set()
    assert KeyStore(registered.credentials_file).active(BASE_URL) == NEW_KEY


async def test_a_wrong_code_is_refused_in_the_services_words(make_settings: MakeSettings) -> None:
    service = ScriptedTransport(answer({"error": "Bad Request", "message": "Wrong or expired code"}, 400))
    async with connected(make_settings(API_KEY=""), service) as client:
        result = await client.call_tool(VERIFY, CODE)
    assert failed(result) == (
        "bad_request: The service refused the request (400): Wrong or expired code. Change the arguments accordingly."
    )
    assert result.meta is not None
    assert result.meta["webvoice/error"] == {"code": "bad_request", "status": 400}


@pytest.mark.parametrize(("use", "used"), [(False, FIRST_KEY), (True, NEW_KEY)])
async def test_a_further_key_is_used_only_if_asked_for(registered: Settings, use: bool, used: str) -> None:
    service = ScriptedTransport(answer({"success": True, "api_key": NEW_KEY}), answer({"user": "a"}))
    async with connected(registered, service) as client:
        created = fields(await client.call_tool(CREATE, {"name": "second", "use": use}))
        await client.call_tool("webvoice_status", {})
    assert json.loads(service.bodies[0]) == {"name": "second"}
    assert created == {
        "success": True,
        "name": "second",
        "api_key": MASKED,
        "api_key_saved_to": str(registered.credentials_file),
    }
    assert service.requests[1].headers["x-api-key"] == used


async def test_large_deep_and_binary_fields_are_not_passed_on(make_settings: MakeSettings) -> None:
    small = {"small": [1, {"a": "b"}], "long": "x y " * 450}
    for odd in (
        "x y " * 550,
        "data:image/png;base64,AAAA",
        ["DATA:;base64,AAAA"],
        {"qr": "QUJD" * 51},
        {"QUJD" * 51: 1},
        json.loads("[" * 40 + "]" * 40),
    ):
        reply = httpx2.Response(200, text=json.dumps({**ONBOARDING, **small, "odd": odd, "none": None}))
        async with connected(make_settings(), ScriptedTransport(reply)) as client:
            assert fields(await client.call_tool("webvoice_onboarding", {})) == {**ONBOARDING, **small}


async def test_the_status_names_the_account_and_the_source_of_the_key(make_settings: MakeSettings) -> None:
    key = {"name": "My key", "created_at": "2024-01-01T00:00:00Z", "usage_count": 42}
    service = ScriptedTransport(answer({"success": True, "user": "ann", "credits": 100.0, "api_key": key}))
    async with connected(make_settings(), service) as client:
        assert fields(await client.call_tool("webvoice_status", {})) == {
            "user": "ann",
            "credits": 100.0,
            "api_key": key,
            "key_source": "environment",
        }


async def test_links_need_neither_key_nor_network(make_settings: MakeSettings) -> None:
    service = ScriptedTransport()
    async with connected(make_settings(API_KEY="", BASE_URL="https://site.example/api/v1/"), service) as client:
        assert fields(await client.call_tool("webvoice_account_links", {})) == {
            "login": "https://site.example/accounts/login/",
            "api_dashboard": "https://site.example/api/",
            "documentation": "https://site.example/api/documentation/",
            "buy_credits_paypal": "https://site.example/billing/purchase/",
            "subscriptions": "https://site.example/billing/subscriptions/",
            "solana_topup": "https://site.example/billing/solana/",
        }
    assert service.requests == []


async def test_a_damaged_key_file_is_set_aside_and_named(make_settings: MakeSettings) -> None:
    settings = make_settings(API_KEY="")
    settings.credentials_file.parent.mkdir()
    settings.credentials_file.write_text("{ damaged")
    async with connected(settings, ScriptedTransport()) as client:
        text = failed(await client.call_tool("webvoice_status", {}))
    (aside,) = settings.credentials_file.parent.glob("credentials.json.damaged-*")
    assert text.startswith("not_authenticated: ")
    assert f"A damaged key file was set aside as {aside}." in text
    assert aside.read_text() == "{ damaged"
