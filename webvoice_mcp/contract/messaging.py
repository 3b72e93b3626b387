"""Messaging: e-mail and voice memos, both free."""

from webvoice_mcp.contract.endpoint import FreeEndpoint, Reply, Request
from webvoice_mcp.contract.prices import Price

EMAIL_BODY_CHARACTERS = 50_000
MEMO_CHARACTERS = 10_000
DEFAULT_SUBJECT = "Message from WebVoice API"
MEMO_PRICE = Price("a voice memo from text", 0.0, "memo", "Voice memo (text only): Free — no credits charged.")


class EmailRequest(Request):
    to: str
    body: str
    subject: str | None = None


class EmailReply(Reply):
    success: bool = True
    message: str | None = None
    to: str | None = None
    subject: str | None = None


class MemoRequest(Request):
    text: str
    title: str | None = None


class MemoReply(Reply):
    voice_note_id: int | str | None = None
    title: str | None = None
    detail_url: str | None = None
    created_at: str | None = None


SEND_EMAIL = FreeEndpoint("POST", "send-email/", EmailRequest, EmailReply)
VOICE_MEMO = FreeEndpoint("POST", "voice-memo/text/", MemoRequest, MemoReply)
