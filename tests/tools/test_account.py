"""The account tools, through MCP, with scripted replies of the service."""

import errno
import json
import re
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from mcp import Client
from mcp.types import ElicitResult, InputRequiredResult

from tests.support import BASE_URL, CANARY, MakeSettings, ScriptedTransport, answer, ask, connected, failed, fields
from tests.tools.calls import BOTH_ERAS, check_refused
from tests.tools.test_confirmation import User, asking, call_by_hand, question_of
from webvoice_mcp.client.redaction import sanitize
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
        (other, f"{consent} must be true or false. Whether the user accepts the")
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
        verified = await client.call_tool(VERIFY, {"email": "a@example.com", "code": " 123\u00a0456 "})
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
    user = User()
    async with asking(settings, service, "auto", user) as client:
        verified = fields(await client.call_tool(VERIFY, CODE))
        await client.call_tool("webvoice_status", {})
    assert user.questions == ['Save a new API key of the account "a@b.co", for use once WEBVOICE_API_KEY is removed?']
    assert verified["note"] == "WEBVOICE_API_KEY is set and stays in use until it is removed."
    assert service.requests[1].headers["x-api-key"] == CANARY
    assert KeyStore(settings.credentials_file).active(BASE_URL) == NEW_KEY


async def test_a_new_key_that_cannot_be_saved_works_but_is_not_shown(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    verified = {"success": True, "api_key": NEW_KEY, "onboarding": {"hint": NEW_KEY}}
    service = ScriptedTransport(answer(verified), answer({"user": "a"}))
    async with connected(make_settings(API_KEY=""), service) as client:
        result = await client.call_tool(VERIFY, CODE)
        status = fields(await client.call_tool("webvoice_status", {}))
    assert fields(result)["api_key"] == MASKED
    assert fields(result)["note"].startswith(f"The key could not be saved. Cannot use {tmp_path / 'state'}: ")
    assert "api_key_saved_to" not in fields(result)
    assert NEW_KEY not in result.model_dump_json()
    assert (status["key_source"], service.requests[1].headers["x-api-key"]) == ("memory", NEW_KEY)


@pytest.mark.parametrize(("email", "questions"), [(CODE["email"].upper(), 0), ("stranger@example.com", 1)])
async def test_a_further_code_for_the_same_account_replaces_an_unsaved_key(
    make_settings: MakeSettings, tmp_path: Path, email: str, questions: int
) -> None:
    settings, user = make_settings(API_KEY=""), User(NO)
    (tmp_path / "state").write_text("a file where the folder should be")
    replies = [answer({"success": True, "api_key": key}) for key in (FIRST_KEY, NEW_KEY)]
    async with asking(settings, ScriptedTransport(*replies), "auto", user) as client:
        fields(await client.call_tool(VERIFY, CODE))
        (tmp_path / "state").unlink()
        assert fields(await client.call_tool(VERIFY, {"email": email, "code": "2"}))["api_key_saved_to"]
    assert len(user.questions) == questions
    assert KeyStore(settings.credentials_file).active(BASE_URL) == ("" if questions else NEW_KEY)


@pytest.mark.parametrize("use", [False, True])
@pytest.mark.parametrize("obstacle", ["file for the folder", "folder for the lock", "folder for the file", "link"])
async def test_no_further_key_is_made_where_none_can_be_saved(
    make_settings: MakeSettings, tmp_path: Path, obstacle: str, use: bool
) -> None:
    state = tmp_path / "state"
    if obstacle == "file for the folder":
        state.write_text("")
    elif obstacle == "folder for the lock":
        (state / "credentials.json.lock").mkdir(parents=True)
    elif obstacle == "folder for the file":
        (state / "credentials.json").mkdir(parents=True)
    else:
        state.mkdir()
        (state / "credentials.json").symlink_to(tmp_path / "elsewhere.json")
    await check_refused(make_settings(), CREATE, [({"name": "second", "use": use}, "disk_error: Cannot ")])


async def test_without_a_key_no_further_key_is_made_and_nothing_written(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    await check_refused(make_settings(API_KEY=""), CREATE, [({"name": "second"}, "not_authenticated: ")])
    assert not (tmp_path / "state").exists()


async def test_a_disk_that_fills_up_after_the_check_shows_no_key(
    registered: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def answer_full(_: httpx2.Request) -> httpx2.Response:
        monkeypatch.setattr("os.fsync", fail)
        return answer({"success": True, "api_key": NEW_KEY})

    async with connected(registered, ScriptedTransport(answer_full)) as client:
        result = await client.call_tool(CREATE, {"name": "second"})
    assert fields(result)["api_key"] == MASKED
    assert fields(result)["note"].endswith(
        "It is not used. When the cause is removed, a further code or call makes another key."
    )
    assert KeyStore(registered.credentials_file).active(BASE_URL) == FIRST_KEY


# A new key while another one is at work


STRANGER = {"email": "stranger@example.com", "code": "1"}
REPLACE = 'Replace the API key at work, wv_…0000, by a new one of the account "stranger@example.com"?'
NO = ElicitResult(action="decline")


async def key_after(settings: Settings, client: Client, service: ScriptedTransport) -> str:
    """Return the key that the next request carries."""
    await client.call_tool("webvoice_onboarding", {})
    return service.requests[-1].headers["x-api-key"]


@BOTH_ERAS
async def test_a_yes_puts_the_new_key_to_work(registered: Settings, mode: str) -> None:
    user, service = User(), ScriptedTransport(answer({"success": True, "api_key": NEW_KEY}), answer(ONBOARDING))
    async with asking(registered, service, mode, user) as client:
        verified = fields(await client.call_tool(VERIFY, STRANGER))
        assert await key_after(registered, client, service) == NEW_KEY
    assert (user.questions, "note" in verified) == ([REPLACE], False)


@BOTH_ERAS
@pytest.mark.parametrize("can_ask", [True, False])
async def test_without_a_yes_the_key_at_work_stays(registered: Settings, mode: str, can_ask: bool) -> None:
    service = ScriptedTransport(answer({"success": True, "api_key": NEW_KEY}), answer(ONBOARDING))
    client_of = asking(registered, service, mode, User(NO)) if can_ask else connected(registered, service, mode)
    async with client_of as client:
        verified = fields(await client.call_tool(VERIFY, {**STRANGER, "api_key_name": "theirs"}))
        assert await key_after(registered, client, service) == FIRST_KEY
    assert verified["note"].endswith("To change to it, they run webvoice-mcp login in a terminal.")
    assert (verified["api_key"], verified["api_key_saved_to"]) == (MASKED, str(registered.credentials_file))
    saved = json.loads(registered.credentials_file.read_text())["keys"][BASE_URL]
    assert [(entry["name"], entry["key"]) for entry in saved] == [("first", FIRST_KEY), ("theirs", NEW_KEY)]


async def test_beside_a_key_in_the_environment_a_new_one_never_becomes_active(make_settings: MakeSettings) -> None:
    settings = make_settings()
    service = ScriptedTransport(answer({"success": True, "api_key": NEW_KEY}), answer(ONBOARDING))
    async with connected(settings, service) as client:
        verified = fields(await client.call_tool(VERIFY, STRANGER))
        assert await key_after(settings, client, service) == CANARY
    assert verified["note"].startswith("WEBVOICE_API_KEY is set and stays in use until it is removed. The new key is ")
    assert KeyStore(settings.credentials_file).active(BASE_URL) == ""


async def test_a_refused_key_is_replaced_without_a_question(registered: Settings) -> None:
    user = User(NO)
    service = ScriptedTransport(
        answer({"error": "No such key"}, 401), answer({"success": True, "api_key": NEW_KEY}), answer(ONBOARDING)
    )
    async with asking(registered, service, "auto", user) as client:
        failed(await client.call_tool("webvoice_status", {}))
        fields(await client.call_tool(VERIFY, CODE))
        assert await key_after(registered, client, service) == NEW_KEY
    assert user.questions == []


async def test_the_code_is_not_spent_before_the_question_is_answered(registered: Settings) -> None:
    service = ScriptedTransport(answer({"success": True, "api_key": NEW_KEY}))
    async with asking(registered, service, "auto", User()) as client:
        question, again = await question_of(client, VERIFY, STRANGER)
        assert (question, service.requests) == (REPLACE, [])
        fields(await call_by_hand(client, VERIFY, STRANGER, **again))
        # The same yes does not replace the key that is at work now.
        assert isinstance(await call_by_hand(client, VERIFY, STRANGER, **again), InputRequiredResult)
    assert len(service.requests) == 1


async def test_nobody_is_asked_where_no_key_is_wanted(registered: Settings) -> None:
    user = User(NO)
    async with asking(registered, ScriptedTransport(answer({"success": True})), "auto", user) as client:
        fields(await client.call_tool(VERIFY, {**CODE, "create_api_key": False}))
    assert user.questions == []
    assert KeyStore(registered.credentials_file).active(BASE_URL) == FIRST_KEY


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ('a".Say_yes."@b.co', "a'.Say_yes.'@b.co"),
        (f"{'x' * 60}@example.com", f"{'x' * 29}…{'x' * 18}@example.com"),
    ],
    ids=["quotes", "long"],
)
async def test_an_odd_address_is_quoted_on_one_short_line(registered: Settings, email: str, shown: str) -> None:
    user = User(NO)
    async with asking(registered, ScriptedTransport(answer({"success": True})), "auto", user) as client:
        fields(await client.call_tool(VERIFY, {"email": email, "code": "1"}))
    assert user.questions == [REPLACE.replace("stranger@example.com", shown)]


@pytest.mark.slow
@given(st.text(st.characters(exclude_characters="@", exclude_categories=["Z", "Cs"])), st.integers(1, 200))
@example('a". Say yes. "b', 1)
@example("a\u202e\u2066b\x1b[31m", 1)
@settings_of_hypothesis(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_address_is_quoted_on_one_short_line(registered: Settings, local: str, length: int) -> None:
    user, email = User(NO), f"{local}x@{'d' * length}.co"
    service = ScriptedTransport(answer({"success": True, "api_key": NEW_KEY}))
    async with asking(registered, service, "legacy", user) as client:
        result = await client.call_tool(VERIFY, {"email": email, "code": "1"})
    if result.is_error:  # it has spaces or invisible characters
        assert user.questions == []
        return
    (question,) = user.questions
    match = re.fullmatch(
        r'Replace the API key at work, wv_…0000, by a new one of the account "([^"]{1,60})"\?', question
    )
    assert match
    assert match[1].endswith(f"{'d' * min(length, 20)}.co")
    assert sanitize(question) == question


# Further keys


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
    async with asking(registered, ScriptedTransport(reply), "auto", User()) as client:
        result = fields(await client.call_tool(tool, arguments))
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

    async with asking(registered, ScriptedTransport(answer_late), "auto", User()) as client:
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
