"""What is made of the service's words."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import BASE_URL, CANARY
from webvoice_mcp.client import answers, redaction
from webvoice_mcp.client.answers import CallContext
from webvoice_mcp.client.redaction import mask_key, mask_keys_in
from webvoice_mcp.contract.account import links
from webvoice_mcp.errors import Unauthorized

ASKED = CallContext(base_url=BASE_URL, links=links("https://site.example"), key=CANARY, key_source="environment")
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"error": "Bad Request", "message": "No text."}', "No text."),
        ('{"error": "Bad Request"}', "Bad Request"),
        ('{"error": {"message": "As OpenAI says it", "code": 5}}', "As OpenAI says it"),
        ('{"detail": "Not found."}', "Not found."),
        ('{"message": "", "error": ["x"], "detail": "two\\n lines"}', "two lines"),
        ('{"message": 5}', ""),
        ('["text"]', ""),
        ("<html><body>Bad gateway</body></html>", ""),
        ("[" * 100_000, ""),
    ],
)
def test_the_sentence_in_an_error_body_is_found(body: str, said: str) -> None:
    assert answers.message_in_body(body.encode()) == said


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("soon", None),
        ("-1", None),
        ("99999999999999", None),
        ("Sun, 22 Nov 2026 12:00:09 GMT", 9.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("Sun, 22 Nov 2026 12:00:09 -0000", 9.0),
        ("Sun, 22 Nov 99999999999 12:00:09 GMT", None),
        ("Sun, 22 Nov 2026 12:00:09 +99999999999999", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 251607038339.0),
        ("\u0663", None),
        ("9" * 5000, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert answers.parse_retry_after(header, now=NOW) == seconds


@given(
    st.text()
    | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,12} [A-Z][a-z]{2} [0-9]{1,12} [0-9:]{1,12} ([+-][0-9]{1,12}|GMT|)")
    | st.datetimes(timezones=st.timezones()).map(format_datetime)
)
def test_no_retry_after_header_breaks_anything(header: str) -> None:
    seconds = answers.parse_retry_after(header)
    assert seconds is None or seconds >= 0


def test_retry_after_counts_from_now() -> None:
    assert answers.parse_retry_after("Sun, 22 Nov 2020 12:00:00 GMT") == 0


def test_text_from_outside_loses_escapes_and_control_characters() -> None:
    assert redaction.redact("\x1b[31mred\x1b[0m\x07 a\u202eb\tc\nd\x9b") == "red ab\tc\nd"


def test_a_long_message_is_cut() -> None:
    body = json.dumps({"message": "x" * 5000}).encode()
    assert len(str(answers.status_error(400, body, ASKED))) < 500


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            ASKED,
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
)
def test_a_refused_key_is_told_by_host_mask_and_source(asked: CallContext, sentence: str) -> None:
    assert str(answers.status_error(401, b"", asked)) == sentence


def test_a_rate_limit_without_seconds_says_later() -> None:
    assert str(answers.status_error(429, b"", ASKED)) == "Too many requests. Try again later."


@pytest.mark.parametrize("document", [{}, {"success": False}, []])
def test_a_refusal_without_words_says_so(document: Any) -> None:
    assert str(answers.refusal_error(document, ASKED)) == (
        "The service refused the request. It gave no reason: check the arguments, or try again later."
    )


ELSEWHERE = "There is nothing at this address: WEBVOICE_BASE_URL may be wrong, or an id in the arguments unknown."


@pytest.mark.parametrize(
    ("status", "to_do"),
    [
        (400, "It gave no reason: check the arguments, or try again later."),
        (404, ELSEWHERE),
        (405, ELSEWHERE),
        (408, "The request took too long to arrive: try again."),
        (413, "The request is too large: send less."),
    ],
)
@pytest.mark.parametrize("body", [b"", b"{}", b"<html>No</html>", b'{"message":" "}'])
def test_a_refusal_without_a_message_names_the_likely_cause(status: int, to_do: str, body: bytes) -> None:
    assert str(answers.status_error(status, body, ASKED)) == f"The service refused the request ({status}). {to_do}"


def test_a_refusal_with_a_message_says_to_do_as_it_says() -> None:
    said = str(answers.status_error(404, b'{"detail":"No such voice."}', ASKED))
    assert said == "The service refused the request (404): No such voice. Change the arguments as it says."


def test_a_call_that_is_forbidden_does_not_blame_the_key() -> None:
    error = answers.status_error(403, b'{"message":"Chat is not for this account."}', ASKED)
    assert (type(error), error.status) == (Unauthorized, 403)
    assert str(error) == (
        "127.0.0.1:9 refused the call (403): Chat is not for this account. "
        "The account may not be allowed to do this (see webvoice_onboarding), or a firewall or VPN on the way blocks it."
    )


def test_half_a_character_in_an_error_body_does_no_harm() -> None:
    str(answers.status_error(400, b'{"message":"x \\ud83d"}', ASKED)).encode()


@pytest.mark.parametrize(
    ("key", "masked"), [("wv_abcdefghij1a2b", "wv_…1a2b"), ("sk-0123456789xyz", "…9xyz"), ("wv_short", "wv_…")]
)
def test_a_masked_key_can_be_recognised_but_not_used(key: str, masked: str) -> None:
    assert mask_key(key) == masked


def test_keys_are_masked_in_any_text() -> None:
    text = "mine is secret-key-0000, yours wv_abcdefghij1a2b"
    assert mask_keys_in(text, "secret-key-0000", "") == "mine is …0000, yours wv_…1a2b"
