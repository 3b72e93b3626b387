import sqlite3

import pytest

from tests.sandbox.world import ANN, HELLO, NOON_TEXT, SITE, SandboxClient, refused

_LINKS = {
    "login": f"{SITE}/accounts/login/",
    "api_dashboard": f"{SITE}/api/",
    "documentation": f"{SITE}/api/documentation/",
    "buy_credits_paypal": f"{SITE}/billing/purchase/",
    "subscriptions": f"{SITE}/billing/subscriptions/",
    "solana_topup": f"{SITE}/billing/solana/",
}
_WRONG_CODE = (400, "Bad Request", "The code is wrong, used or expired. Request a new one with auth/send-code/.")


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


async def test_an_agent_registers_with_the_code_from_the_inbox(client: SandboxClient) -> None:
    sent = await client.send_code()
    assert (sent.status_code, sent.json()) == (
        200,
        {
            "success": True,
            "is_new_user": True,
            "message": f"The code is in the sandbox's inbox: GET {SITE}/sandbox/inbox/?email={ANN}",
            "sandbox": True,
        },
    )
    code = (await client.inbox(ANN))[0]["code"]
    verified = await client.post("auth/verify-code/", {"email": ANN, "code": code, "api_key_name": "agent"})
    reply = verified.json()
    key = reply.pop("api_key")
    assert key.startswith("wv_sandbox_")
    assert reply == {"success": True, "onboarding": _onboarding(20.0, usable=True), "sandbox": True}
    status = await client.get("status/", headers={"X-API-Key": key})
    assert status.json() == {
        "success": True,
        "user": "sandbox",
        "credits": 20.0,
        "api_key": {"name": "agent", "created_at": NOON_TEXT, "last_used": NOON_TEXT, "usage_count": 1},
        "sandbox": True,
    }


async def test_the_code_is_in_the_mail_and_not_in_the_reply(client: SandboxClient) -> None:
    sent = await client.send_code()
    (mail,) = await client.inbox(ANN)
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
    (file,) = (client.folder / "inbox").iterdir()
    assert file.suffix == ".eml"
    assert code in file.read_text()


async def test_the_inbox_shows_the_newest_mail_last_and_filters_by_address(client: SandboxClient) -> None:
    for email in ("ann@example.com", "bob@example.com", "Ann@Example.com"):
        await client.send_code(email)
    assert [mail["to"] for mail in await client.inbox()] == ["ann@example.com", "bob@example.com", "ann@example.com"]
    assert len(await client.inbox("ANN@example.com")) == 2
    assert await client.inbox("nobody@example.com") == []


@pytest.mark.parametrize("consent", [{"accept_privacy": True}, {"accept_privacy": False, "accept_terms": True}])
async def test_without_both_consents_no_code_is_sent(client: SandboxClient, consent: dict[str, bool]) -> None:
    reply = await client.post("auth/send-code/", {"email": ANN, **consent})
    assert refused(reply) == (400, "Bad Request", '"accept_privacy" and "accept_terms" must both be true.')
    assert await client.inbox() == []


@pytest.mark.parametrize(
    "email",
    [
        "ann@localhost",
        "a@example.com\nBcc: b@example.com",
        "a@-example.com",
        "a" * 65 + "@example.com",
        "a@" + "b" * 60 + ".example" * 30 + ".com",
    ],
)
async def test_an_invalid_mail_address_is_refused(client: SandboxClient, email: str) -> None:
    reply = await client.send_code(email)
    message = "The e-mail address is not valid. Send one such as name@example.com."
    assert refused(reply) == (400, "Bad Request", message)


async def test_a_code_works_once(client: SandboxClient) -> None:
    body = {"email": ANN, "code": await client.code()}
    assert (await client.post("auth/verify-code/", body)).status_code == 200
    assert refused(await client.post("auth/verify-code/", body)) == _WRONG_CODE


async def test_a_code_expires_after_ten_minutes(client: SandboxClient) -> None:
    body = {"email": ANN, "code": await client.code()}
    client.clock.now += 600
    assert refused(await client.post("auth/verify-code/", body)) == _WRONG_CODE


async def test_five_wrong_attempts_void_a_code(client: SandboxClient) -> None:
    code = await client.code()
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for _ in range(5):
        assert refused(await client.post("auth/verify-code/", {"email": ANN, "code": wrong})) == _WRONG_CODE
    assert refused(await client.post("auth/verify-code/", {"email": ANN, "code": code})) == _WRONG_CODE


async def test_four_wrong_attempts_do_not_void_a_code(client: SandboxClient) -> None:
    code = await client.code()
    for _ in range(4):
        await client.post("auth/verify-code/", {"email": ANN, "code": "wrong"})
    assert (await client.post("auth/verify-code/", {"email": ANN, "code": code})).status_code == 200


async def test_a_new_code_voids_the_previous_one(client: SandboxClient) -> None:
    first, second = await client.code(), await client.code()
    statuses = [
        (await client.post("auth/verify-code/", {"email": ANN, "code": code})).status_code for code in (first, second)
    ]
    assert statuses == ([400, 200] if first != second else [200, 400])  # one pair in a million is equal


async def test_signing_in_again_adds_no_credits(ann: SandboxClient) -> None:
    await ann.post("chat/completions/", HELLO)
    assert (await ann.send_code()).json()["is_new_user"] is False
    await ann.register()
    assert await ann.credits() == 18.0


async def test_no_key_is_created_if_the_caller_declines_one(client: SandboxClient) -> None:
    body = {"email": ANN, "code": await client.code(), "create_api_key": False}
    assert (await client.post("auth/verify-code/", body)).json()["api_key"] is None


async def test_another_key_belongs_to_the_same_account(ann: SandboxClient) -> None:
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
async def test_a_key_needs_a_name(ann: SandboxClient, body: dict[str, object], message: str) -> None:
    assert refused(await ann.post("keys/", body)) == (400, "Bad Request", message)


async def test_onboarding_says_if_credits_are_left(ann: SandboxClient) -> None:
    assert (await ann.get("onboarding/")).json() == {"success": True, **_onboarding(20.0, usable=True), "sandbox": True}
    await ann.spend_down_to(0.0)
    assert (await ann.get("onboarding/")).json() == {"success": True, **_onboarding(0.0, usable=False), "sandbox": True}


async def test_accounts_keys_mail_and_limits_survive_a_restart(ann: SandboxClient) -> None:
    await ann.post("chat/completions/", HELLO)
    for _ in range(4):
        await ann.send_code()
    again = SandboxClient(ann.folder, ann.clock)
    async with again.http:
        again.http.headers = ann.http.headers
        assert await again.credits() == 18.0
        assert len(await again.inbox(ANN)) == 5
        assert (await again.send_code()).status_code == 429


async def test_keys_are_stored_as_hashes(client: SandboxClient) -> None:
    key = await client.register()
    with sqlite3.connect(client.folder / "sandbox.db") as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert ANN in dump
    assert key not in dump


async def test_the_sixth_code_in_fifteen_minutes_has_to_wait(client: SandboxClient) -> None:
    for _ in range(5):
        assert (await client.send_code()).status_code == 200
        client.clock.now += 60
    reply = await client.send_code()
    assert refused(reply) == (
        429,
        "Too Many Requests",
        "Too many requests: auth/send-code/ is limited to 5 in 15 minutes.",
    )
    assert reply.headers["Retry-After"] == "600"
    client.clock.now += 600
    assert (await client.send_code()).status_code == 200


async def test_the_twenty_first_attempt_at_a_code_has_to_wait(client: SandboxClient) -> None:
    for _ in range(20):
        assert (await client.post("auth/verify-code/", {"email": ANN, "code": "0"})).status_code == 400
    reply = await client.post("auth/verify-code/", {"email": ANN, "code": "0"})
    assert reply.status_code == 429
    assert reply.headers["Retry-After"] == "900"


async def test_a_purchase_adds_credits(ann: SandboxClient) -> None:
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
            "bob@example.com has no account. Register it with auth/send-code/ first.",
        ),
    ],
)
async def test_an_invalid_purchase_is_refused(ann: SandboxClient, body: dict[str, object], message: str) -> None:
    assert refused(await ann.post(f"{SITE}/sandbox/credits/", body)) == (400, "Bad Request", message)
