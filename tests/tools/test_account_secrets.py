"""Attacks on accounts through MCP: a key is to be shown, or another account put to work."""

import json
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from mcp.types import ElicitResult

from tests.support import BASE_URL, CANARY, MakeSettings, ScriptedTransport, answer, connected, fields
from tests.tools.calls import BOTH_ERAS
from tests.tools.test_confirmation import User, asking
from webvoice_mcp.keystore import KeyStore
from webvoice_mcp.settings import Settings

VERIFY, CREATE = "webvoice_register_verify", "webvoice_create_api_key"
CODE = {"email": "a@b.co", "code": "1"}
FURTHER = {"name": "second", "use": True}
FIRST_KEY, NEW_KEY, THIRD_KEY = "wv_first_key_0000000000", "wv_new_key_0123456789abcd", "wv_third_key_987654321"
NO = ElicitResult(action="decline")
UNUSED = "The new key is saved and not used"


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings(API_KEY="")


def active(settings: Settings) -> str:
    return KeyStore(settings.credentials_file).active(BASE_URL)


async def shown(settings: Settings, tool: str, arguments: dict[str, Any], reply: dict[str, Any]) -> str:
    """Return everything that a client gets for a call, as text."""
    async with connected(settings, ScriptedTransport(answer(reply))) as client:
        return (await client.call_tool(tool, arguments)).model_dump_json()


@pytest.mark.parametrize(
    "reply",
    [
        {"token": NEW_KEY},
        {"apiKey": NEW_KEY},
        {"data": {"api_key": NEW_KEY}},
        {"message": f"Your key is {NEW_KEY}."},
        {"onboarding": {"hint": f"X-API-Key: {NEW_KEY}"}},
        {"keys": [{NEW_KEY: 1}]},
        {"api_key": FIRST_KEY, "backup": NEW_KEY},
        {"api_key": f"Bearer {NEW_KEY}", "message": NEW_KEY},
        {"api_key": f"{NEW_KEY[:6]}\u200b{NEW_KEY[6:]}", "message": NEW_KEY},
    ],
    ids=lambda reply: next(iter(reply)),
)
@pytest.mark.parametrize(("tool", "arguments"), [(VERIFY, CODE), (CREATE, {"name": "n"})], ids=["verify", "create"])
async def test_a_key_in_an_unexpected_place_is_masked(
    make_settings: MakeSettings, tool: str, arguments: dict[str, Any], reply: dict[str, Any]
) -> None:
    text = await shown(make_settings(), tool, arguments, {"success": True, **reply})
    assert NEW_KEY not in text


@pytest.mark.parametrize(
    ("tool", "reply"),
    [
        ("webvoice_status", {"user": "ann", "credits": 1, "api_key": {"name": "n", "key": NEW_KEY}}),
        ("webvoice_onboarding", {"credits": 1, "urls": {"api": f"https://example.com/?key={NEW_KEY}"}}),
    ],
)
async def test_other_replies_about_accounts_show_no_key(
    make_settings: MakeSettings, tool: str, reply: dict[str, Any]
) -> None:
    text = await shown(make_settings(), tool, {}, reply)
    assert NEW_KEY not in text
    assert "wv_…abcd" in text


@pytest.mark.slow
@given(
    name=st.sampled_from(["token", "secret", "accessToken", "client-secret", "API_KEY", "password", "refresh_token"]),
    secret=st.text("abcXYZ0189+/=&%-", min_size=12, max_size=60),
    nested=st.booleans(),
)
@settings_of_hypothesis(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_secret_of_any_form_is_masked_by_its_name(
    settings: Settings, name: str, secret: str, nested: bool
) -> None:
    field = {"data": {name: secret}} if nested else {name: secret}
    async with connected(settings, ScriptedTransport(answer({"success": True, **field}))) as client:
        result = fields(await client.call_tool(VERIFY, {**CODE, "create_api_key": False}))
    masked = f"…{secret[-4:]}" if len(secret) > 12 else "…"
    assert (result["data"] if nested else result)[name] == masked


async def test_what_is_no_secret_stays_as_the_service_sent_it(settings: Settings) -> None:
    facts = {"solana": {"token": "USDC-on-Solana", "memo": "wv-4711"}}
    reply = {"success": True, "onboarding": facts, "masked_key": "wv_12345…abcd", "token": "short", "count": 3}
    async with connected(settings, ScriptedTransport(answer(reply))) as client:
        result = fields(await client.call_tool(VERIFY, {**CODE, "create_api_key": False}))
    assert result == reply


@pytest.mark.parametrize("sent", [None, "wv_production_key", "a", f"renamed {NEW_KEY}"])
async def test_the_name_of_a_further_key_is_the_one_asked_for(make_settings: MakeSettings, sent: str | None) -> None:
    service = ScriptedTransport(answer({"success": True, "api_key": NEW_KEY, "name": sent}))
    async with connected(make_settings(), service) as client:
        result = fields(await client.call_tool(CREATE, {"name": "wv_production_key"}))
    assert result["name"] == {None: "wv_production_key", f"renamed {NEW_KEY}": "renamed wv_…abcd"}.get(sent, sent)


async def test_white_space_around_a_new_key_is_no_part_of_it(settings: Settings) -> None:
    text = await shown(settings, VERIFY, CODE, {"success": True, "api_key": f" {NEW_KEY}\n", "message": NEW_KEY})
    assert active(settings) == NEW_KEY
    assert NEW_KEY not in text


async def test_a_key_is_masked_in_a_link_too(make_settings: MakeSettings) -> None:
    key = "k+/&=ey%0123456789"
    reply = {"credits": 1, "urls": {"api": "https://example.com/?key=k%2B%2F%26%3Dey%250123456789"}}
    text = await shown(make_settings(API_KEY=key), "webvoice_onboarding", {}, reply)
    assert "k%2B" not in text
    assert "https://example.com/?key=…6789" in text


# Another account at work


class Gate:
    """A service that holds its answers back until a number of requests has come."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._open = anyio.Event()

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self._left -= 1
        if not self._left:
            self._open.set()
        await self._open.wait()
        email = json.loads(request.content)["email"]
        return answer({"success": True, "api_key": f"wv_key_of_{email[0]}_0123456789"})


async def test_of_codes_verified_at_once_one_puts_its_key_to_work(settings: Settings) -> None:
    results: list[dict[str, Any]] = []
    gate = Gate(3)
    async with connected(settings, ScriptedTransport(gate, gate, gate)) as client, anyio.create_task_group() as group:

        async def verify(name: str) -> None:
            result = await client.call_tool(VERIFY, {"email": f"{name}@example.com", "code": "1"})
            results.append(fields(result))

        for name in "abc":
            group.start_soon(verify, name)
    assert sum(UNUSED in result.get("note", "") for result in results) == 2
    saved = json.loads(settings.credentials_file.read_text())["keys"][BASE_URL]
    assert [entry.get("unused", False) for entry in saved] == [False, True, True]


async def test_of_keys_that_cannot_be_saved_the_first_works(settings: Settings) -> None:
    settings.credentials_file.with_name(f"{settings.credentials_file.name}.lock").mkdir(parents=True)
    settings.credentials_file.mkdir()
    gate = Gate(2)
    service = ScriptedTransport(gate, gate, answer({"credits": 1}), answer({"credits": 1}))
    notes: list[str] = []
    async with connected(settings, service) as client:

        async def verify(name: str) -> None:
            notes.append(fields(await client.call_tool(VERIFY, {"email": f"{name}@example.com", "code": "1"}))["note"])

        async with anyio.create_task_group() as group:
            group.start_soon(verify, "a")
            group.start_soon(verify, "b")
    assert sorted("It works until this process ends." in note for note in notes) == [False, True]


async def test_a_yes_is_void_once_another_key_is_at_work(settings: Settings) -> None:
    store = KeyStore(settings.credentials_file)
    store.save(BASE_URL, name="first", key=FIRST_KEY, use=True)

    async def sign_in_elsewhere(_: httpx2.Request) -> httpx2.Response:
        store.save(BASE_URL, name="third", key=THIRD_KEY, use=True)
        return answer({"success": True, "api_key": NEW_KEY})

    async with asking(settings, ScriptedTransport(sign_in_elsewhere), "auto", User()) as client:
        assert UNUSED in fields(await client.call_tool(VERIFY, CODE))["note"]
    assert active(settings) == THIRD_KEY


async def test_a_further_key_does_not_displace_an_account_signed_in_meanwhile(settings: Settings) -> None:
    store = KeyStore(settings.credentials_file)
    store.save(BASE_URL, name="first", key=FIRST_KEY, use=True)

    async def sign_in_elsewhere(_: httpx2.Request) -> httpx2.Response:
        store.save(BASE_URL, name="third", key=THIRD_KEY, use=True)
        return answer({"success": True, "api_key": NEW_KEY})

    async with connected(settings, ScriptedTransport(sign_in_elsewhere)) as client:
        assert UNUSED in fields(await client.call_tool(CREATE, FURTHER))["note"]
    assert active(settings) == THIRD_KEY


@BOTH_ERAS
@pytest.mark.parametrize("user", [None, User(NO), User()], ids=["cannot be asked", "no", "yes"])
async def test_beside_an_environments_key_the_saved_one_changes_with_a_yes(
    make_settings: MakeSettings, mode: str, user: User | None
) -> None:
    settings = make_settings()
    KeyStore(settings.credentials_file).save(BASE_URL, name="first", key=FIRST_KEY, use=True)
    service = ScriptedTransport(answer({"success": True, "api_key": NEW_KEY}))
    async with asking(settings, service, mode, user) if user else connected(settings, service, mode) as client:
        result = fields(await client.call_tool(CREATE, FURTHER))
    is_yes = user is not None and user.answer is not NO
    assert (active(settings), UNUSED in result["note"]) == ((NEW_KEY, False) if is_yes else (FIRST_KEY, True))
    if user:
        question = (
            f"Replace the saved API key, wv_…0000, by a new one of the account of WEBVOICE_API_KEY, wv_…{CANARY[-4:]}?"
        )
        assert set(user.questions) == {question}


async def test_the_question_names_the_saved_key_that_would_go(make_settings: MakeSettings) -> None:
    settings, user = make_settings(), User(NO)
    KeyStore(settings.credentials_file).save(BASE_URL, name="first", key=FIRST_KEY, use=True)
    reply = answer({"success": True, "api_key": NEW_KEY})
    async with asking(settings, ScriptedTransport(reply), "auto", user) as client:
        fields(await client.call_tool(VERIFY, CODE))
    assert user.questions == [
        'Save a new API key of the account "a@b.co", in place of wv_…0000, for use once WEBVOICE_API_KEY is removed?'
    ]
