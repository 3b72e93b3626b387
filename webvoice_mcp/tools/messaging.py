"""Messaging: e-mail and voice memos."""

from typing import Annotated

from pydantic import Field

from webvoice_mcp.client.free_client import FreeClient
from webvoice_mcp.contract.messaging import (
    EMAIL_BODY_CHARACTERS,
    MEMO_CHARACTERS,
    SEND_EMAIL,
    VOICE_MEMO,
    EmailRequest,
    MemoRequest,
)
from webvoice_mcp.tools.parameters import check_line, checked_email
from webvoice_mcp.tools.results import Result
from webvoice_mcp.tools.toolset import DESTROYS, WRITES, ToolSet

tools = ToolSet("messaging")


class EmailSent(Result):
    """An e-mail that was sent."""

    success: bool
    message: str | None = None
    to: str | None = None
    subject: str | None = None


class Memo(Result):
    """A voice memo in the account."""

    voice_note_id: int | str | None = None
    title: str | None = None
    detail_url: str | None = None
    created_at: str | None = None


@tools.free(SEND_EMAIL, title="Send e-mail", effect=DESTROYS)
async def webvoice_send_email(
    to: Annotated[str, Field(description="One e-mail address.")],
    body: Annotated[str, Field(max_length=EMAIL_BODY_CHARACTERS, description="Plain text. At most 50,000 characters.")],
    subject: Annotated[str, Field(description="Unset: Message from WebVoice API.")] = "",
    *,
    client: FreeClient,
) -> EmailSent:
    """Send a plain-text e-mail, without attachments, to any address; it cannot be taken back.

    Free; at most 10 an hour. To keep a note for oneself use webvoice_voice_memo.
    """
    check_line("to", to)
    check_line("subject", subject)
    request = EmailRequest(to=checked_email("to", to), body=body, subject=subject)
    reply = await client.call(SEND_EMAIL, request)
    return EmailSent.from_reply(reply)


@tools.free(VOICE_MEMO, title="Create voice memo", effect=WRITES)
async def webvoice_voice_memo(
    text: Annotated[str, Field(max_length=MEMO_CHARACTERS, description="The memo. At most 10,000 characters.")],
    title: Annotated[str, Field(description="Unset: the text's first 50 characters.")] = "",
    *,
    client: FreeClient,
) -> Memo:
    """Keep a note: store text, without sound, among the account's voice memos; returns the address of its page.

    Free. For a sound file use webvoice_tts.
    """
    reply = await client.call(VOICE_MEMO, MemoRequest(text=text, title=title))
    return Memo.from_reply(reply)
