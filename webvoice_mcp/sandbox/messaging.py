"""Messaging: e-mail into the sandbox's inbox, and voice memos. Both are free."""

from starlette.responses import Response

from webvoice_mcp.contract.messaging import (
    DEFAULT_SUBJECT,
    EMAIL_BODY_CHARACTERS,
    MEMO_CHARACTERS,
    SEND_EMAIL,
    VOICE_MEMO,
)
from webvoice_mcp.sandbox import limits
from webvoice_mcp.sandbox.call import Call, door
from webvoice_mcp.sandbox.database import Holder
from webvoice_mcp.sandbox.inbox import address
from webvoice_mcp.sandbox.reading import read_json
from webvoice_mcp.sandbox.replies import ApiError, iso, success

_BODY_FIELDS = ("body", "text", "content")
_TITLE_CHARACTERS = 50  # of the text, where there is no title


async def send_email(call: Call, holder: Holder) -> Response:
    """Put a mail into the inbox."""
    fields = await read_json(call.request)
    to = address(fields.text("to"))
    name = next((each for each in _BODY_FIELDS if fields.get(each) is not None), "body")
    body = fields.text(name, longest=EMAIL_BODY_CHARACTERS)
    subject = fields.text("subject", "").strip() or DEFAULT_SUBJECT
    if not subject.isprintable():
        raise ApiError(400, '"subject" must be one line of text.')
    limits.admit(call.sandbox.database, SEND_EMAIL.path, str(holder.account.id), limits.SEND_EMAIL, call.now)
    call.sandbox.inbox.deliver(to, subject, body, call.now)
    where = f"Nothing leaves the sandbox: GET {call.site}/sandbox/inbox/?email={to}"
    return success(message=f"Email sent successfully. {where}", to=to, subject=subject)


async def voice_memo(call: Call, holder: Holder) -> Response:
    """Keep a text as a voice memo."""
    fields = await read_json(call.request)
    text = fields.text("text", longest=MEMO_CHARACTERS)
    title = fields.text("title", "").strip() or text.strip()[:_TITLE_CHARACTERS]
    number = call.sandbox.database.add_memo(holder.account.id, title, text, call.now)
    return success(
        voice_note_id=number,
        title=title,
        detail_url=f"{call.site}/audio/voice-notes/{number}/",
        created_at=iso(call.now),
    )


DOORS = (door(SEND_EMAIL, send_email), door(VOICE_MEMO, voice_memo))
