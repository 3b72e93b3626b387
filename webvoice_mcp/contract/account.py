"""Accounts: e-mail codes, keys, onboarding, status; all free."""

from typing import Any

from pydantic import Field, field_validator, model_validator

from webvoice_mcp.contract.endpoint import Empty, FreeEndpoint, Reply, Request

# The documentation names only `api_key`, and only for auth/verify-code/.
_KEY_FIELDS = ("api_key", "key")

# Paths below the site, which is the base URL without /api/v1.
LINKS = {
    "login": "/accounts/login/",
    "api_dashboard": "/api/",
    "documentation": "/api/documentation/",
    "buy_credits_paypal": "/billing/purchase/",
    "subscriptions": "/billing/subscriptions/",
    "solana_topup": "/billing/solana/",
}


class SendCodeRequest(Request):
    email: str
    accept_privacy: bool
    accept_terms: bool


class SendCodeReply(Reply):
    success: bool = True
    is_new_user: bool | None = None
    message: str | None = None


class VerifyCodeRequest(Request):
    email: str
    code: str
    create_api_key: bool
    api_key_name: str

    @field_validator("code")
    @classmethod
    def _without_spaces(cls, code: str) -> str:
        return "".join(code.split())  # mails and people write 123 456


class _NewKeyReply(Reply):
    """A reply that may carry a new key. The service sends it only once, so all of its likely names are accepted."""

    @model_validator(mode="before")
    @classmethod
    def _normalize_key(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        rest = {name: value for name, value in data.items() if name not in _KEY_FIELDS}
        return {**rest, "api_key": _key_in(data)}


class VerifyCodeReply(_NewKeyReply):
    success: bool = True
    api_key: str | None = None
    onboarding: dict[str, Any] | None = None


class OnboardingReply(Reply):
    credits: float | None = None
    can_use_api: bool | None = None
    billing: dict[str, Any] | None = None
    solana: dict[str, Any] | None = None
    urls: dict[str, Any] | None = None


class CreateKeyRequest(Request):
    name: str


class CreateKeyReply(_NewKeyReply):
    api_key: str
    name: str | None = None
    success: bool = True


class KeyDetails(Reply):
    name: str | None = None
    created_at: str | None = None
    last_used: str | None = None
    usage_count: int | None = None


class StatusReply(Reply):
    user: str | None = None
    credits: float | None = None
    api_key: KeyDetails = Field(default_factory=KeyDetails)


SEND_CODE = FreeEndpoint("POST", "auth/send-code/", SendCodeRequest, SendCodeReply, key=False)
VERIFY_CODE = FreeEndpoint("POST", "auth/verify-code/", VerifyCodeRequest, VerifyCodeReply, key=False)
ONBOARDING = FreeEndpoint("GET", "onboarding/", Empty, OnboardingReply)
CREATE_KEY = FreeEndpoint("POST", "keys/", CreateKeyRequest, CreateKeyReply)
STATUS = FreeEndpoint("GET", "status/", Empty, StatusReply)


def _key_in(data: Any) -> str | None:
    if isinstance(data, dict):
        return next(filter(None, (_key_in(data.get(name)) for name in _KEY_FIELDS)), None)
    return data.strip() or None if isinstance(data, str) else None


def links(site: str) -> dict[str, str]:
    """Return the URLs of the service's web pages by name."""
    return {name: f"{site}{path}" for name, path in LINKS.items()}
