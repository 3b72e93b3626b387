"""Messaging: e-mail and voice memos. Both are free."""

from webvoice_mcp.contract.endpoint import Endpoint, Reply, Request

EMAIL_BODY_CHARACTERS = 50_000
MEMO_CHARACTERS = 10_000
DEFAULT_SUBJECT = "Message from WebVoice API"


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


SEND_EMAIL = Endpoint("POST", "send-email/", EmailRequest, EmailReply)
VOICE_MEMO = Endpoint("POST", "voice-memo/text/", MemoRequest, MemoReply)
