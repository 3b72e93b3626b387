import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.world import NOON_TEXT, SITE, SandboxClient, refused

_TO = "bob@example.com"
_MAIL = {"to": _TO, "subject": "Oggetto", "body": "Testo dell'email"}


async def test_a_mail_goes_to_the_inbox_and_is_free(ann: SandboxClient) -> None:
    reply = await ann.post("send-email/", _MAIL)
    assert reply.json() == {
        "success": True,
        "message": f"Email sent successfully. Nothing leaves the sandbox: GET {SITE}/sandbox/inbox/?email={_TO}",
        "to": _TO,
        "subject": "Oggetto",
        "sandbox": True,
    }
    assert await ann.inbox(_TO) == [
        {
            "to": _TO,
            "subject": "[SANDBOX] Oggetto",
            "body": "Testo dell'email",
            "code": "",
            "received_at": NOON_TEXT,
        }
    ]
    assert await ann.credits() == 20.0


@pytest.mark.parametrize("name", ["text", "content"])
async def test_the_field_of_the_body_has_other_names(ann: SandboxClient, name: str) -> None:
    assert (await ann.post("send-email/", {"to": _TO, name: "Hello"})).status_code == 200
    assert [mail["body"] for mail in await ann.inbox(_TO)] == ["Hello"]


async def test_a_mail_without_a_subject_gets_the_documented_one(ann: SandboxClient) -> None:
    reply = await ann.post("send-email/", {**_MAIL, "subject": " "})
    assert reply.json()["subject"] == "Message from WebVoice API"
    assert (await ann.inbox(_TO))[0]["subject"] == "[SANDBOX] Message from WebVoice API"


async def test_a_body_of_50000_characters_is_the_longest(ann: SandboxClient) -> None:
    assert (await ann.post("send-email/", {**_MAIL, "body": "è" * 50_000})).status_code == 200
    assert (await ann.inbox(_TO))[0]["body"] == "è" * 50_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"to": "bob"}, "The e-mail address is not valid. Send one such as name@example.com."),
        ({"body": None, "text": "a" * 50_001}, '"text" has 50001 characters; at most 50000 are accepted.'),
        ({"subject": "a\r\nBcc: eve@example.com"}, '"subject" must be one line of text.'),
    ],
)
async def test_a_wrong_mail_is_refused(ann: SandboxClient, change: dict[str, object], message: str) -> None:
    assert refused(await ann.post("send-email/", {**_MAIL, **change})) == (400, "Bad Request", message)
    assert await ann.inbox(_TO) == []


@pytest.mark.slow
@given(subject=st.text(max_size=200), body=st.text(min_size=1, max_size=300))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_mail_is_delivered_or_refused(ann: SandboxClient, subject: str, body: str) -> None:
    ann.clock.now += 3601
    reply = await ann.post("send-email/", {"to": _TO, "subject": subject, "body": body})
    assert reply.status_code in (200, 400)
    if reply.status_code == 200:
        mail = (await ann.inbox(_TO))[-1]
        # Python's e-mail library loses spaces between encoded words if it folds a long subject.
        assert "".join(mail["subject"].split()) == "".join(f"[SANDBOX] {reply.json()['subject']}".split())
        assert mail["body"].split() == body.split()


async def test_the_eleventh_mail_in_an_hour_has_to_wait(ann: SandboxClient) -> None:
    for _ in range(10):
        assert (await ann.post("send-email/", _MAIL)).status_code == 200
        ann.clock.now += 60
    reply = await ann.post("send-email/", _MAIL)
    message = "Too many requests: send-email/ is limited to 10 in an hour."
    assert refused(reply) == (429, "Too Many Requests", message)
    assert reply.headers["Retry-After"] == "3000"
    assert len(await ann.inbox(_TO)) == 10
    ann.clock.now += 3000
    assert (await ann.post("send-email/", _MAIL)).status_code == 200


async def test_the_limit_is_per_account_and_ignores_refused_mail(ann: SandboxClient) -> None:
    for _ in range(11):
        await ann.post("send-email/", {**_MAIL, "to": "bob"})
    for _ in range(10):
        await ann.post("send-email/", _MAIL)
    await ann.register("eve@example.com")
    assert (await ann.post("send-email/", _MAIL)).status_code == 200


async def test_a_memo_is_numbered_and_free(ann: SandboxClient) -> None:
    replies = [(await ann.post("voice-memo/text/", {"text": "Buy milk", "title": "Milk"})).json() for _ in range(2)]
    assert replies == [
        {
            "success": True,
            "voice_note_id": number,
            "title": "Milk",
            "detail_url": f"{SITE}/audio/voice-notes/{number}/",
            "created_at": NOON_TEXT,
            "sandbox": True,
        }
        for number in (1, 2)
    ]
    assert await ann.credits() == 20.0


async def test_memo_numbers_continue_after_a_restart(ann: SandboxClient) -> None:
    await ann.post("voice-memo/text/", {"text": "One"})
    again = SandboxClient(ann.folder, ann.clock)
    async with again.http:
        again.http.headers = ann.http.headers
        assert (await again.post("voice-memo/text/", {"text": "Two"})).json()["voice_note_id"] == 2


async def test_a_memo_without_a_title_takes_the_first_50_characters(ann: SandboxClient) -> None:
    reply = await ann.post("voice-memo/text/", {"text": " " + "abcde" * 20, "title": "  "})
    assert reply.json()["title"] == "abcde" * 10


async def test_the_longest_memo_has_10000_characters(ann: SandboxClient) -> None:
    assert (await ann.post("voice-memo/text/", {"text": "a" * 10_000})).status_code == 200
    message = '"text" has 10001 characters; at most 10000 are accepted.'
    assert refused(await ann.post("voice-memo/text/", {"text": "a" * 10_001})) == (400, "Bad Request", message)
