import sqlite3

import pytest

from tests.sandbox.world import ANN, HELLO, NOON_TEXT, SITE, World, refused

_LINKS = {
    "login": f"{SITE}/accounts/login/",
    "api_dashboard": f"{SITE}/api/",
    "documentation": f"{SITE}/api/documentation/",
    "buy_credits_paypal": f"{SITE}/billing/purchase/",
    "subscriptions": f"{SITE}/billing/subscriptions/",
    "solana_topup": f"{SITE}/billing/solana/",
}
_WRONG_CODE = (400, "Bad Request", "The code is wrong, used or expired. Ask for a new one with auth/send-code/.")


def _onboarding(credits_left: float, *, usable: bool) -> dict[str, object]:
    return {
        "credits": credits_left,
        "can_use_api": usable,
        "billing": {
            "topup_required": not usable,
            "note": f"Play credits of a local sandbox; POST {SITE}/sandbox/credits/ adds more.",
        },
        "solana": {"available": False},
        "urls": _LINKS,
    }


async def test_an_agent_registers_with_the_code_from_the_inbox(world: World) -> None:
    sent = await world.send_code()
    assert (sent.status_code, sent.json()) == (
        200,
        {
            "success": True,
            "is_new_user": True,
            "message": f"A code is in the sandbox's inbox: GET {SITE}/sandbox/inbox/?email={ANN}",
            "sandbox": True,
        },
    )
    code = (await world.inbox(ANN))[0]["code"]
    verified = await world.post("auth/verify-code/", {"email": ANN, "code": code, "api_key_name": "agent"})
    reply = verified.json()
    key = reply.pop("api_key")
    assert key.startswith("wv_sandbox_")
    assert reply == {"success": True, "onboarding": _onboarding(20.0, usable=True), "sandbox": True}
    status = await world.get("status/", headers={"X-API-Key": key})
    assert status.json() == {
        "success": True,
        "user": "sandbox",
        "credits": 20.0,
        "api_key": {"name": "agent", "created_at": NOON_TEXT, "last_used": NOON_TEXT, "usage_count": 1},
        "sandbox": True,
    }


async def test_the_code_is_in_the_mail_and_nowhere_in_the_reply(world: World) -> None:
    sent = await world.send_code()
    (mail,) = await world.inbox(ANN)
    code = mail["code"]
    assert code.isdecimal()
    assert len(code) == 6
    assert code not in sent.text
    assert mail == {
        "to": ANN,
        "subject": "[SANDBOX] Your WebVoice code",
        "body": f"Your code is {code}. It works once, within 10 minutes.",
        "code": code,
        "received_at": NOON_TEXT,
    }


async def test_mail_lies_in_the_inbox_folder_as_eml_files(world: World) -> None:
    await world.send_code()
    (file,) = (world.folder / "inbox").iterdir()
    assert file.suffix == ".eml"
    assert (await world.inbox(ANN))[0]["code"] in file.read_text()


async def test_the_inbox_shows_the_newest_mail_last_and_filters_by_address(world: World) -> None:
    for email in ("ann@example.com", "bob@example.com", "Ann@Example.com"):
        await world.send_code(email)
    assert [mail["to"] for mail in await world.inbox()] == ["ann@example.com", "bob@example.com", "ann@example.com"]
    assert len(await world.inbox("ANN@example.com")) == 2
    assert await world.inbox("nobody@example.com") == []


@pytest.mark.parametrize("consent", [{}, {"accept_privacy": True}, {"accept_privacy": True, "accept_terms": False}])
async def test_without_both_consents_no_code_is_sent(world: World, consent: dict[str, bool]) -> None:
    reply = await world.post("auth/send-code/", {"email": ANN, **consent})
    assert refused(reply) == (400, "Bad Request", '"accept_privacy" and "accept_terms" must both be true.')
    assert await world.inbox() == []


@pytest.mark.parametrize(
    "email",
    [
        "ann",
        "ann@",
        "@example.com",
        "ann@localhost",
        "a b@example.com",
        "a@example.com\nBcc: b@example.com",
        "a@-example.com",
        '"a"@example.com',
        "a" * 65 + "@example.com",
        "a@" + "b" * 60 + ".example" * 30 + ".com",
    ],
)
async def test_what_is_no_mail_address_is_refused(world: World, email: str) -> None:
    reply = await world.send_code(email)
    assert refused(reply) == (400, "Bad Request", "That is not a valid e-mail address.")


async def test_a_code_works_once(world: World) -> None:
    body = {"email": ANN, "code": await world.code()}
    assert (await world.post("auth/verify-code/", body)).status_code == 200
    assert refused(await world.post("auth/verify-code/", body)) == _WRONG_CODE


async def test_a_code_expires_after_ten_minutes(world: World) -> None:
    body = {"email": ANN, "code": await world.code()}
    world.clock.now += 600
    assert refused(await world.post("auth/verify-code/", body)) == _WRONG_CODE


async def test_five_wrong_tries_void_a_code(world: World) -> None:
    code = await world.code()
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for _ in range(5):
        assert refused(await world.post("auth/verify-code/", {"email": ANN, "code": wrong})) == _WRONG_CODE
    assert refused(await world.post("auth/verify-code/", {"email": ANN, "code": code})) == _WRONG_CODE


async def test_four_wrong_tries_do_not(world: World) -> None:
    code = await world.code()
    for _ in range(4):
        await world.post("auth/verify-code/", {"email": ANN, "code": "wrong"})
    assert (await world.post("auth/verify-code/", {"email": ANN, "code": code})).status_code == 200


async def test_a_new_code_voids_the_one_before(world: World) -> None:
    first, second = await world.code(), await world.code()
    tries = [
        (await world.post("auth/verify-code/", {"email": ANN, "code": code})).status_code for code in (first, second)
    ]
    assert tries == ([400, 200] if first != second else [200, 400])  # once in a million codes they are the same


async def test_signing_in_again_gives_no_second_welcome(ann: World) -> None:
    await ann.post("chat/completions/", HELLO)
    assert (await ann.send_code()).json()["is_new_user"] is False
    await ann.register()
    assert await ann.credits() == 18.0


async def test_no_key_is_made_when_none_is_wanted(world: World) -> None:
    body = {"email": ANN, "code": await world.code(), "create_api_key": False}
    assert (await world.post("auth/verify-code/", body)).json()["api_key"] is None


async def test_one_more_key_opens_the_same_account(ann: World) -> None:
    made = (await ann.post("keys/", {"name": "my-agent"})).json()
    key = made.pop("api_key")
    assert made == {"success": True, "name": "my-agent", "sandbox": True}
    ann.clock.now += 60
    status = (await ann.get("status/", headers={"X-API-Key": key})).json()
    assert (status["credits"], status["api_key"]) == (
        20.0,
        {"name": "my-agent", "created_at": NOON_TEXT, "last_used": "2026-11-22T12:01:00Z", "usage_count": 1},
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, '"name" is required.'),
        ({"name": " "}, '"name" must not be blank.'),
        ({"name": 7}, '"name" must be a string.'),
        ({"name": "n" * 101}, '"name" has 101 characters; at most 100 are accepted.'),
    ],
)
async def test_a_key_needs_a_name(ann: World, body: dict[str, object], message: str) -> None:
    assert refused(await ann.post("keys/", body)) == (400, "Bad Request", message)


async def test_onboarding_says_when_credits_are_gone(ann: World) -> None:
    assert (await ann.get("onboarding/")).json() == {"success": True, **_onboarding(20.0, usable=True), "sandbox": True}
    await ann.spend_down_to(0.0)
    assert (await ann.get("onboarding/")).json() == {"success": True, **_onboarding(0.0, usable=False), "sandbox": True}


async def test_a_restart_forgets_neither_account_nor_key_nor_mail_nor_limits(ann: World) -> None:
    await ann.post("chat/completions/", HELLO)
    for _ in range(4):
        await ann.send_code()
    again = World(ann.folder, ann.clock)
    async with again.client:
        again.client.headers = ann.client.headers
        assert await again.credits() == 18.0
        assert len(await again.inbox(ANN)) == 5
        assert (await again.send_code()).status_code == 429


async def test_keys_are_kept_as_hashes(world: World) -> None:
    key = await world.register()
    with sqlite3.connect(world.folder / "sandbox.db") as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert ANN in dump
    assert key not in dump


async def test_the_sixth_code_in_fifteen_minutes_has_to_wait(world: World) -> None:
    for _ in range(5):
        assert (await world.send_code()).status_code == 200
        world.clock.now += 60
    reply = await world.send_code()
    assert refused(reply) == (
        429,
        "Too Many Requests",
        "Too many requests: auth/send-code/ is limited to 5 in 15 minutes.",
    )
    assert reply.headers["Retry-After"] == "600"
    world.clock.now += 600
    assert (await world.send_code()).status_code == 200


async def test_the_twenty_first_try_at_a_code_has_to_wait(world: World) -> None:
    for _ in range(20):
        assert (await world.post("auth/verify-code/", {"email": ANN, "code": "0"})).status_code == 400
    reply = await world.post("auth/verify-code/", {"email": ANN, "code": "0"})
    assert reply.status_code == 429
    assert reply.headers["Retry-After"] == "900"


async def test_a_purchase_adds_credits(ann: World) -> None:
    bought = await ann.post(f"{SITE}/sandbox/credits/", {"email": ANN, "credits": 2.5})
    assert bought.json() == {"success": True, "email": ANN, "credits": 22.5, "sandbox": True}
    assert await ann.credits() == 22.5


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"email": ANN}, '"credits" is required.'),
        ({"email": ANN, "credits": 0}, '"credits" must be a number from 0.1 to 1e+06.'),
        ({"email": ANN, "credits": True}, '"credits" must be a number from 0.1 to 1e+06.'),
        (
            {"email": "bob@example.com", "credits": 5},
            "bob@example.com has no account; register it with auth/send-code/ first.",
        ),
    ],
)
async def test_a_purchase_that_makes_no_sense_is_refused(ann: World, body: dict[str, object], message: str) -> None:
    assert refused(await ann.post(f"{SITE}/sandbox/credits/", body)) == (400, "Bad Request", message)
