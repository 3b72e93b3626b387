"""The documented limits: so many calls in so many seconds, by address or by account."""

from typing import NamedTuple

from webvoice_mcp.sandbox.database import Database
from webvoice_mcp.sandbox.replies import ApiError

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


class Limit(NamedTuple):
    """At most `calls` in any `seconds`."""

    calls: int
    seconds: int


SEND_CODE = (Limit(5, 15 * _MINUTE),)
VERIFY_CODE = (Limit(20, 15 * _MINUTE),)
SEND_EMAIL = (Limit(10, _HOUR),)
FREE_CHAT = (Limit(20, _MINUTE), Limit(50, _DAY))
FREE_CHAT_AFTER_PURCHASE = (Limit(20, _MINUTE), Limit(1000, _DAY))


def admit(database: Database, what: str, who: str, limits: tuple[Limit, ...], now: float) -> None:
    """Count this call, or refuse it.

    Raises:
        ApiError: 429 with the seconds after which every limit lets the call pass.
    """
    wait = max(_wait(database.visits(what, who, now - limit.seconds), limit, now) for limit in limits)
    if wait > 0:
        rules = " and ".join(f"{limit.calls} in {_span(limit.seconds)}" for limit in limits)
        raise ApiError(429, f"Too many requests: {what} is limited to {rules}.", retry_after=wait)
    database.forget_visits(now - _DAY)
    database.visit(what, who, now)


def _wait(recent: list[float], limit: Limit, now: float) -> float:
    return recent[-limit.calls] + limit.seconds - now if len(recent) >= limit.calls else 0


def _span(seconds: int) -> str:
    return {_MINUTE: "a minute", _HOUR: "an hour", _DAY: "a day"}.get(seconds, f"{seconds // _MINUTE} minutes")
