"""Errors made from statuses and error bodies."""

import json
import time
from collections import defaultdict
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.helpers import CHAT_REQUEST, MakeClient, caught, ignore_text, ok, patient, translate
from tests.support import BASE_URL, CANARY, events
from tests.tools.calls import TOOLS
from webvoice_mcp.client import answers
from webvoice_mcp.client.answers import CallContext
from webvoice_mcp.client.hints import TOOLS_BY_PATH
from webvoice_mcp.contract.account import links
from webvoice_mcp.contract.chat import CHAT
from webvoice_mcp.errors import BadRequest, Unauthorized

CONTEXT = CallContext(base_url=BASE_URL, links=links("https://site.example"), key=CANARY, key_source="environment")
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"error": "Bad Request", "message": "No text."}', "No text."),
        ('{"error": {"message": "As OpenAI says it", "code": 5}}', "As OpenAI says it"),
        ('{"message": " ", "error": ["x"], "detail": "two\\n lines"}', "two lines"),
        ('["text"]', ""),
        ("<html><body>Bad gateway</body></html>", ""),
    ],
)
def test_the_message_is_found_in_an_error_body(body: str, message: str) -> None:
    assert answers.message_in_body(body.encode()) == message


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (" 7 ", 7.0),
        ("2.5", 2.5),
        ("60s", 60.0),
        ("2 Seconds", 2.0),
        ("1e3", 1000.0),
        ("9e9", 999_999_999.0),
        ("soon", None),
        ("Sun, 22 Nov 2026 12:00:09 GMT", 9.0),
        ("Sun, 22 Nov 2026 12:00:09 -0000", 9.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    assert answers.parse_retry_after(header, now=NOW) == seconds


@pytest.mark.slow
@patient
@given(
    st.text()
    | st.sampled_from(["\u0663", "\u00b2", "-1", "nan", "9" * 5000, "Sun, 22 Nov 99999999999 12:00:09 GMT"])
    | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,12} [A-Z][a-z]{2} [0-9]{1,12} [0-9:]{1,12} ([+-][0-9]{1,12}|GMT|)")
    | st.datetimes(timezones=st.timezones()).map(format_datetime)
)
def test_no_retry_after_header_raises_an_error(header: str) -> None:
    seconds = answers.parse_retry_after(header)
    assert seconds is None or seconds >= 0


def test_a_retry_after_date_in_the_past_means_now() -> None:
    assert answers.parse_retry_after("Sun, 22 Nov 2020 12:00:00 GMT") == 0


def test_a_long_message_is_cut() -> None:
    body = json.dumps({"message": "x" * 5000}).encode()
    assert len(str(answers.status_error(400, body, CONTEXT))) < 500


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        (
            CONTEXT,
            (
                "127.0.0.1:9 did not accept the key wv_…cdef from WEBVOICE_API_KEY (401). "
                "Correct or remove WEBVOICE_API_KEY and restart the server."
            ),
        ),
        (
            CallContext(base_url=BASE_URL, links={}, key=CANARY, key_source="saved"),
            (
                "127.0.0.1:9 did not accept the key wv_…cdef saved for this base URL (401). "
                "Register again with webvoice_register_send_code, or set WEBVOICE_API_KEY."
            ),
        ),
        (
            CallContext(base_url=BASE_URL, links={}),
            (
                "127.0.0.1:9 refused the call (401). "
                "Register again with webvoice_register_send_code, or set WEBVOICE_API_KEY."
            ),
        ),
    ],
    ids=["environment", "saved", "no key"],
)
def test_a_refused_key_is_reported_with_host_masked_form_and_source(context: CallContext, sentence: str) -> None:
    assert str(answers.status_error(401, b"", context)) == sentence


def test_a_rate_limit_without_seconds_says_to_try_later() -> None:
    assert str(answers.status_error(429, b"", CONTEXT)) == "Too many requests. Try again later."


def test_a_refusal_without_a_message_says_so() -> None:
    assert str(answers.refusal_error({"success": False}, CONTEXT)) == (
        "The service refused the request. It gave no reason. Check the arguments, or try again later."
    )


@pytest.mark.parametrize("success", [False, "false", "true", "", 0, 1, [], {}])
async def test_a_success_that_is_there_and_not_true_is_a_refusal(make: MakeClient, success: Any) -> None:
    said = "The service refused the request: No. Change the arguments accordingly, or try again later."
    body = {"success": success, "message": "No.", "translated_text": "Ciao"}
    client, _, _ = make(ok(body), events(json.dumps(body)))
    assert str(await caught(translate(client), BadRequest)) == said
    assert str(await caught(client.chat(CHAT, CHAT_REQUEST, ignore_text), BadRequest)) == said


@pytest.mark.parametrize("success", [True, None])
async def test_a_success_of_true_or_null_is_none(make: MakeClient, success: Any) -> None:
    client, _, _ = make(ok({"success": success, "translated_text": "Ciao"}))
    assert (await translate(client)).translated_text == "Ciao"


@pytest.mark.parametrize(
    ("message", "tools"),
    [
        ("Unknown model x. GET models/ lists those.", "webvoice_list_chat_models"),
        ("Ask for a new one with POST /api/v1/auth/send-code/.", "webvoice_register_send_code"),
        (
            "See https://webvoice.example/api/v1/chat/models/ or voices/",
            "webvoice_list_chat_models or webvoice_list_voices",
        ),
        (f"Not this one. {'x' * 400} See (status/)", "webvoice_status"),
        ("image/png, /srv/models/x, status and see https://a.example/models/ are no paths", ""),
    ],
)
def test_a_path_in_a_message_is_followed_by_the_tool_for_it(message: str, tools: str) -> None:
    body = json.dumps({"message": message}).encode()
    said = str(answers.status_error(404, body, CONTEXT))
    assert said.startswith(f"The service refused the request (404): {message[:250].rstrip('.')}")
    assert said.endswith(f". Here the tool for that is {tools}. Change the arguments accordingly." if tools else ".")
    assert ("the tool for that" in said) == bool(tools)


@pytest.mark.parametrize("part", ["!", "/", "/api/v1", "models/x/", "wv_", "\x1b]", "&#x7"])
def test_a_long_message_is_read_in_linear_time(part: str) -> None:
    body = json.dumps({"message": part * (64_000 // len(part))}).encode()
    started = time.process_time()
    assert answers.status_error(400, body, CONTEXT)
    assert time.process_time() - started < 2


def test_the_tool_for_a_path_is_one_that_calls_it() -> None:
    paths: defaultdict[str, set[str]] = defaultdict(set)
    for tool in TOOLS.values():
        for endpoint in tool.endpoints:
            paths[endpoint.path].add(tool.name)
    assert {path.strip("/") for path in paths} == set(TOOLS_BY_PATH)
    assert all(tool in paths[f"{path}/"] for path, tool in TOOLS_BY_PATH.items())


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "It gave no reason. Check the arguments, or try again later."),
        (404, "Nothing exists at this address. Check WEBVOICE_BASE_URL and any id in the arguments."),
    ],
)
def test_a_status_without_a_message_names_the_likely_cause(status: int, advice: str) -> None:
    said = str(answers.status_error(status, b"<html>No</html>", CONTEXT))
    assert said == f"The service refused the request ({status}). {advice}"


def test_a_status_with_a_message_refers_to_the_message() -> None:
    said = str(answers.status_error(404, b'{"detail":"No such voice."}', CONTEXT))
    assert said == "The service refused the request (404): No such voice. Change the arguments accordingly."


def test_a_forbidden_call_does_not_blame_the_key() -> None:
    error = answers.status_error(403, b'{"message":"Chat is not for this account."}', CONTEXT)
    assert (type(error), error.status) == (Unauthorized, 403)
    assert str(error) == (
        "127.0.0.1:9 refused the call (403): Chat is not for this account. The account may lack permission "
        "(see webvoice_onboarding), or a firewall or VPN may block the call."
    )
