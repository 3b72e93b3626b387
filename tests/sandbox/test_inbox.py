from pathlib import Path

import pytest

from tests.sandbox.world import NOON, NOON_TEXT
from webvoice_mcp.sandbox.inbox import Inbox


@pytest.mark.parametrize("body", ["Grüße 🙂 こんにちは", "From here\n.\nto there\n=?utf-8?q?x?="])
def test_a_mail_is_read_as_it_was_written(tmp_path: Path, body: str) -> None:
    inbox = Inbox(tmp_path)
    inbox.deliver("bob@example.com", "Größe: 7", body, NOON)
    assert inbox.messages("bob@example.com") == [
        {
            "to": "bob@example.com",
            "subject": "[SANDBOX] Größe: 7",
            "body": body,
            "code": "",
            "received_at": NOON_TEXT,
        }
    ]


def test_a_long_address_is_read_as_it_was_written(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    to = f"{'a' * 64}@{'b' * 60}.{'c' * 60}.example"
    inbox.deliver(to, "Hello", "Hello", NOON)
    assert [mail["to"] for mail in inbox.messages()] == [to]


def test_mail_of_the_same_time_keeps_its_order(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    for number in range(12):
        inbox.deliver("bob@example.com", str(number), "", NOON)
    assert [mail["subject"] for mail in inbox.messages()] == [f"[SANDBOX] {number}" for number in range(12)]
