"""Replies about accounts without keys in them: the model reads what a tool returns, and can pass it on."""

import re
from typing import Any, TypeVar

from webvoice_mcp.client.redaction import mask_key, mask_keys_in, sanitize
from webvoice_mcp.contract.endpoint import Reply

R = TypeVar("R", bound=Reply)

_ONBOARDING = "onboarding"  # as the documentation describes it: ways to pay, one of which names a token
_SECRET_NAME = re.compile(r"(key|token|secret|password)\W*\Z", re.IGNORECASE)
_ALREADY_MASKED = re.compile(r"\*\*|\.\.|…")
_MIN_SECRET_CHARACTERS = 12


def without_keys(reply: R, *known: str) -> R:
    """Return a reply with every text in it masked that is one of the known keys or looks like a key."""
    return type(reply).model_validate(_masked(reply.model_dump(mode="json"), known, by_name=False))


def without_new_key(reply: R, *known: str) -> R:
    """Return a reply that brought a new key as `without_keys` does; texts whose names tell that they are secret, too.

    The service may send the key under a name that the documentation does not know.
    """
    return type(reply).model_validate(_masked(reply.model_dump(mode="json"), known, by_name=True))


def _masked(value: Any, known: tuple[str, ...], *, by_name: bool) -> Any:
    if isinstance(value, str):
        return mask_keys_in(sanitize(value), *known)
    if isinstance(value, list):
        return [_masked(item, known, by_name=by_name) for item in value]
    if not isinstance(value, dict):
        return value
    members: dict[str, Any] = {}
    for name, item in value.items():
        is_secret = by_name and _SECRET_NAME.search(name) and isinstance(item, str) and _is_whole(item)
        shown = mask_key(item) if is_secret else _masked(item, known, by_name=by_name and name != _ONBOARDING)
        members[mask_keys_in(sanitize(name), *known)] = shown
    return members


def _is_whole(text: str) -> bool:
    return len(text) >= _MIN_SECRET_CHARACTERS and not _ALREADY_MASKED.search(text)
