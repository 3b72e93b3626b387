"""Bills: the credits that an answer of the service says a call cost."""

import math
from collections.abc import Iterable
from typing import Any

_LEAST = 1e-6  # less is a rounding error, or a way to switch the limits off
_MOST = 1e9


def price_in(bill: Any) -> float | None:
    """Return the credits that a bill states, None if it is no price: not a number, not positive, or beyond reason."""
    if isinstance(bill, bool) or not isinstance(bill, int | float | str):
        return None
    try:
        credits_ = float(bill)
    except (ValueError, OverflowError):
        return None
    return credits_ if math.isfinite(credits_) and _LEAST <= credits_ <= _MOST else None


def dearest(bills: Iterable[Any]) -> float | None:
    """Return the highest price in bills for the same call, None if none of them states a price."""
    return max((price for bill in bills if (price := price_in(bill)) is not None), default=None)


def bills_in(document: Any) -> list[Any]:
    """Return the bills of a decoded answer, prices or not: at its top, in a chat's `webvoice`, or in an error."""
    if not isinstance(document, dict):
        return []
    parts = [document, *(document.get(name) for name in ("webvoice", "error", "detail"))]
    return [part["credits_used"] for part in parts if isinstance(part, dict) and "credits_used" in part]
