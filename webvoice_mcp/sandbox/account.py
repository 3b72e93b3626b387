"""Accounts: registration with a code sent by e-mail, API keys, onboarding, status."""

import secrets
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from webvoice_mcp.contract.account import CREATE_KEY, LINKS, ONBOARDING, SEND_CODE, STATUS, VERIFY_CODE
from webvoice_mcp.sandbox import rate_limits
from webvoice_mcp.sandbox.database import Account
from webvoice_mcp.sandbox.inbox import parse_address
from webvoice_mcp.sandbox.requests import SANDBOX_KEY_PREFIX, ApiRequest, api_route
from webvoice_mcp.sandbox.responses import success, utc_timestamp

_WELCOME_CREDITS = 20.0
_CODE_LIFETIME_SECONDS = 10 * 60
_MAX_CODE_ATTEMPTS = 5
_MAX_NAME_CHARACTERS = 100


async def send_code(request: ApiRequest) -> Response:
    """Send a login code to the inbox."""
    fields = await request.read_json()
    email = parse_address(fields.string("email"))
    if not (fields.boolean("accept_privacy") and fields.boolean("accept_terms")):
        raise HTTPException(400, '"accept_privacy" and "accept_terms" must both be true.')
    database = request.sandbox.database
    rate_limits.enforce(database, SEND_CODE.path, request.client_host, rate_limits.SEND_CODE, request.now)
    code = f"{secrets.randbelow(10**6):06d}"
    database.set_code(email, code, request.now + _CODE_LIFETIME_SECONDS)
    request.sandbox.inbox.deliver(
        email,
        "Your WebVoice code",
        f"Your code is {code}. It works once, within {_CODE_LIFETIME_SECONDS // 60} minutes.",
        request.now,
        code,
    )
    return success(
        is_new_user=database.find_account(email) is None,
        message=f"The code is in the sandbox's inbox: GET {request.site}/sandbox/inbox/?email={email}",
    )


async def verify_code(request: ApiRequest) -> Response:
    """Open the account of an address if its code is right, and create a key unless the caller declines one."""
    fields = await request.read_json()
    email, code = parse_address(fields.string("email")), fields.string("code").strip()
    wants_key = fields.boolean("create_api_key", default=True)
    name = fields.string("api_key_name", "", max_length=_MAX_NAME_CHARACTERS).strip() or "API key"
    database = request.sandbox.database
    rate_limits.enforce(database, VERIFY_CODE.path, request.client_host, rate_limits.VERIFY_CODE, request.now)
    if not database.redeem_code(email, code, request.now, _MAX_CODE_ATTEMPTS):
        raise HTTPException(400, "The code is wrong, used or expired. Request a new one with auth/send-code/.")
    account = database.open_account(email, _WELCOME_CREDITS)
    key = _create_key(request, account, name) if wants_key else None
    return success(api_key=key, onboarding=_onboarding(request, account))


async def create_key(request: ApiRequest) -> Response:
    """Create another key for the account."""
    account = request.authenticate().account
    name = (await request.read_json()).string("name", max_length=_MAX_NAME_CHARACTERS)
    return success(api_key=_create_key(request, account, name), name=name)


async def onboarding(request: ApiRequest) -> Response:
    """Return the account's credits and the links for buying more."""
    return success(**_onboarding(request, request.authenticate().account))


async def status(request: ApiRequest) -> Response:
    """Return the credits of the account and the usage of the key."""
    key = request.authenticate()
    return success(
        user="sandbox",
        credits=key.account.credits,
        api_key={
            "name": key.name,
            "created_at": utc_timestamp(key.created_at),
            "last_used": utc_timestamp(key.last_used),
            "usage_count": key.usage_count,
        },
    )


def _create_key(request: ApiRequest, account: Account, name: str) -> str:
    key = SANDBOX_KEY_PREFIX + secrets.token_hex(20)
    request.sandbox.database.add_key(key, account.id, name, request.now)
    return key


def _onboarding(request: ApiRequest, account: Account) -> dict[str, Any]:
    has_credits = account.credits > 0
    return {
        "credits": account.credits,
        "can_use_api": has_credits,
        "billing": {
            "topup_required": not has_credits,
            "note": f"Play credits of a local sandbox; POST {request.site}/sandbox/credits/ adds more.",
        },
        "solana": {"available": False},
        "urls": {name: f"{request.site}{path}" for name, path in LINKS.items()},
    }


ROUTES = [
    api_route(SEND_CODE, send_code),
    api_route(VERIFY_CODE, verify_code),
    api_route(CREATE_KEY, create_key),
    api_route(ONBOARDING, onboarding),
    api_route(STATUS, status),
]
