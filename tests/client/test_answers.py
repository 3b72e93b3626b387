"""What is made of the service's words."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support import BASE_URL, CANARY
from webvoice_mcp.client import answers
from webvoice_mcp.client.answers import Asked
from webvoice_mcp.client.auth import mask, without_keys
from webvoice_mcp.contract.account import links

ASKED = Asked(base_url=BASE_URL, links=links("https://site.example"), key=CANARY, key_source="environment")
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
    assert answers.message_in(body.encode()) == said


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
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert answers.retry_after(header, now=NOW) == seconds


def test_retry_after_counts_from_now() -> None:
    assert answers.retry_after("Sun, 22 Nov 2020 12:00:00 GMT") == 0


def test_text_from_outside_loses_escapes_and_control_characters() -> None:
    assert answers.plain("\x1b[31mred\x1b[0m\x07 a\u202eb\tc\nd\x9b") == "red ab\tc\nd"


def test_a_long_message_is_cut() -> None:
    body = json.dumps({"message": "x" * 5000}).encode()
    assert len(str(answers.failure(400, body, ASKED))) < 500


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            ASKED,
            "127.0.0.1:9 did not accept the key wv_…cdef from WEBVOICE_API_KEY (401). "
            "Correct or remove WEBVOICE_API_KEY and restart the server.",
        ),
        (
            Asked(base_url=BASE_URL, links={}, key=CANARY, key_source="saved"),
            "127.0.0.1:9 did not accept the key wv_…cdef saved for this base URL (401). "
            "Register again with webvoice_register_send_code, or set WEBVOICE_API_KEY.",
        ),
        (
            Asked(base_url=BASE_URL, links={}),
            "127.0.0.1:9 refused the call (401). "
            "Register again with webvoice_register_send_code, or set WEBVOICE_API_KEY.",
        ),
    ],
)
def test_a_refused_key_is_told_by_host_mask_and_source(asked: Asked, sentence: str) -> None:
    assert str(answers.failure(401, b"", asked)) == sentence


def test_an_unknown_provider_leaves_the_choice_open() -> None:
    said = str(answers.failure(503, b"", ASKED))
    assert said == "The provider is not available (503). Try another provider or model, or try later."


def test_a_rate_limit_without_seconds_says_later() -> None:
    assert str(answers.failure(429, b"", ASKED)) == "Too many requests. Try again later."


@pytest.mark.parametrize("document", [{}, {"success": False}, []])
def test_a_refusal_without_words_says_so(document: Any) -> None:
    assert str(answers.refusal(document, ASKED)) == "The service refused the request: no reason given."


@pytest.mark.parametrize(
    ("key", "masked"), [("wv_abcdefghij1a2b", "wv_…1a2b"), ("sk-0123456789xyz", "…9xyz"), ("wv_short", "wv_…")]
)
def test_a_masked_key_can_be_recognised_but_not_used(key: str, masked: str) -> None:
    assert mask(key) == masked


def test_keys_are_masked_in_any_text() -> None:
    text = "mine is secret-key-0000, yours wv_abcdefghij1a2b"
    assert without_keys(text, "secret-key-0000", "") == "mine is …0000, yours wv_…1a2b"
