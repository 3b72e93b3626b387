"""The documented rate limits, for each IP address or account."""

import math
from typing import NamedTuple

from starlette.exceptions import HTTPException

from webvoice_mcp.sandbox.database import Database

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


class RateLimit(NamedTuple):
    """At most `calls` in any period of `seconds`."""

    calls: int
    seconds: int


SEND_CODE = (RateLimit(5, 15 * _MINUTE),)
VERIFY_CODE = (RateLimit(20, 15 * _MINUTE),)
SEND_EMAIL = (RateLimit(10, _HOUR),)
FREE_CHAT = (RateLimit(20, _MINUTE), RateLimit(50, _DAY))
FREE_CHAT_AFTER_PURCHASE = (RateLimit(20, _MINUTE), RateLimit(1000, _DAY))


def enforce(database: Database, action: str, caller: str, limits: tuple[RateLimit, ...], now: float) -> None:
    """Record a call, or refuse it.

    Raises:
        HTTPException: 429 with the seconds until all limits accept a call in Retry-After.
    """
    wait = max(
        _seconds_to_wait(database.calls_since(action, caller, now - limit.seconds), limit, now) for limit in limits
    )
    if wait > 0:
        rules = " and ".join(f"{limit.calls} in {_period(limit.seconds)}" for limit in limits)
        retry_after = str(max(1, math.ceil(wait)))
        raise HTTPException(429, f"Too many requests: {action} is limited to {rules}.", {"Retry-After": retry_after})
    database.delete_calls(now - _DAY)
    database.record_call(action, caller, now)


def _seconds_to_wait(recent: list[float], limit: RateLimit, now: float) -> float:
    return recent[-limit.calls] + limit.seconds - now if len(recent) >= limit.calls else 0


def _period(seconds: int) -> str:
    return {_MINUTE: "a minute", _HOUR: "an hour", _DAY: "a day"}.get(seconds, f"{seconds // _MINUTE} minutes")
