"""Accounts: login codes by mail, keys, onboarding, status."""

import secrets
from typing import Any

from starlette.responses import Response

from webvoice_mcp.contract.account import CREATE_KEY, LINKS, ONBOARDING, SEND_CODE, STATUS, VERIFY_CODE
from webvoice_mcp.sandbox import limits
from webvoice_mcp.sandbox.call import Call, door, open_door
from webvoice_mcp.sandbox.database import Account, Holder
from webvoice_mcp.sandbox.inbox import address
from webvoice_mcp.sandbox.reading import read_json
from webvoice_mcp.sandbox.replies import ApiError, iso, success
from webvoice_mcp.sandbox.security import new_key

WELCOME_CREDITS = 20.0
CODE_SECONDS = 10 * 60
CODE_ATTEMPTS = 5
_LONGEST_NAME = 100


async def send_code(call: Call) -> Response:
    """Mail a login code to the inbox."""
    fields = await read_json(call.request)
    email = address(fields.text("email"))
    if not (fields.flag("accept_privacy") and fields.flag("accept_terms")):
        raise ApiError(400, '"accept_privacy" and "accept_terms" must both be true.')
    limits.admit(call.sandbox.database, SEND_CODE.path, call.ip, limits.SEND_CODE, call.now)
    code = f"{secrets.randbelow(10**6):06d}"
    call.sandbox.database.put_code(email, code, call.now + CODE_SECONDS)
    call.sandbox.inbox.deliver(
        email,
        "Your WebVoice code",
        f"Your code is {code}. It works once, within {CODE_SECONDS // 60} minutes.",
        call.now,
        code,
    )
    return success(
        is_new_user=call.sandbox.database.account(email) is None,
        message=f"A code is in the sandbox's inbox: GET {call.site}/sandbox/inbox/?email={email}",
    )


async def verify_code(call: Call) -> Response:
    """Trade a code for an account, and a key unless the caller wants none."""
    fields = await read_json(call.request)
    email, code = address(fields.text("email")), fields.text("code").strip()
    wants_key = fields.flag("create_api_key", default=True)
    name = fields.text("api_key_name", "", longest=_LONGEST_NAME).strip() or "API key"
    limits.admit(call.sandbox.database, VERIFY_CODE.path, call.ip, limits.VERIFY_CODE, call.now)
    if not call.sandbox.database.take_code(email, code, call.now, CODE_ATTEMPTS):
        raise ApiError(400, "The code is wrong, used or expired. Ask for a new one with auth/send-code/.")
    account = call.sandbox.database.open_account(email, WELCOME_CREDITS)
    key = _give_key(call, account, name) if wants_key else None
    return success(api_key=key, onboarding=_onboarding(call, account))


async def create_key(call: Call, holder: Holder) -> Response:
    """One more key for the account."""
    name = (await read_json(call.request)).text("name", longest=_LONGEST_NAME)
    return success(api_key=_give_key(call, holder.account, name), name=name)


async def onboarding(call: Call, holder: Holder) -> Response:
    """What an agent can do now."""
    return success(**_onboarding(call, holder.account))


async def status(_call: Call, holder: Holder) -> Response:
    """Credits, and the key in use."""
    return success(
        user="sandbox",
        credits=holder.account.credits,
        api_key={
            "name": holder.key_name,
            "created_at": iso(holder.created_at),
            "last_used": iso(holder.last_used),
            "usage_count": holder.usage_count,
        },
    )


def _give_key(call: Call, account: Account, name: str) -> str:
    key = new_key()
    call.sandbox.database.add_key(key, account.id, name, call.now)
    return key


def _onboarding(call: Call, account: Account) -> dict[str, Any]:
    usable = account.credits > 0
    return {
        "credits": account.credits,
        "can_use_api": usable,
        "billing": {
            "topup_required": not usable,
            "note": f"Play credits of a local sandbox; POST {call.site}/sandbox/credits/ adds more.",
        },
        "solana": {"available": False},
        "urls": {name: f"{call.site}{path}" for name, path in LINKS.items()},
    }


DOORS = (
    open_door(SEND_CODE, send_code),
    open_door(VERIFY_CODE, verify_code),
    door(CREATE_KEY, create_key),
    door(ONBOARDING, onboarding),
    door(STATUS, status),
)
