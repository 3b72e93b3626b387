"""Messaging: e-mail to the sandbox's inbox, and voice memos. Both are free."""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from webvoice_mcp.contract.messaging import (
    DEFAULT_SUBJECT,
    EMAIL_BODY_CHARACTERS,
    MEMO_CHARACTERS,
    SEND_EMAIL,
    VOICE_MEMO,
)
from webvoice_mcp.sandbox import rate_limits
from webvoice_mcp.sandbox.inbox import parse_address
from webvoice_mcp.sandbox.requests import ApiRequest, api_route
from webvoice_mcp.sandbox.responses import success, utc_timestamp

_BODY_FIELDS = ("body", "text", "content")
_TITLE_CHARACTERS = 50  # of a memo's text, which become its title if no title is sent


async def send_email(request: ApiRequest) -> Response:
    """Deliver a mail to the sandbox's inbox."""
    account = request.authenticate().account
    fields = await request.read_json()
    to = parse_address(fields.string("to"))
    body_field = next((name for name in _BODY_FIELDS if fields.get(name) is not None), "body")
    body = fields.string(body_field, max_length=EMAIL_BODY_CHARACTERS)
    subject = fields.string("subject", "").strip() or DEFAULT_SUBJECT
    if not subject.isprintable():
        raise HTTPException(400, '"subject" must be one line of text.')
    rate_limits.enforce(request.sandbox.database, SEND_EMAIL.path, str(account.id), rate_limits.SEND_EMAIL, request.now)
    request.sandbox.inbox.deliver(to, subject, body, request.now)
    hint = f"Nothing leaves the sandbox: GET {request.site}/sandbox/inbox/?email={to}"
    return success(message=f"Email sent successfully. {hint}", to=to, subject=subject)


async def voice_memo(request: ApiRequest) -> Response:
    """Save a text as a voice memo."""
    account = request.authenticate().account
    fields = await request.read_json()
    text = fields.string("text", max_length=MEMO_CHARACTERS)
    title = fields.string("title", "").strip() or text.strip()[:_TITLE_CHARACTERS]
    memo_id = request.sandbox.database.add_memo(account.id, title, text, request.now)
    return success(
        voice_note_id=memo_id,
        title=title,
        detail_url=f"{request.site}/audio/voice-notes/{memo_id}/",
        created_at=utc_timestamp(request.now),
    )


ROUTES = [api_route(SEND_EMAIL, send_email), api_route(VOICE_MEMO, voice_memo)]
