"""When a request may be sent again, and how long to wait before it is."""

import random
from collections.abc import Callable
from typing import Literal

_TRIES = 3
_WAIT_IN_ALL = 30.0  # seconds that one call may spend waiting between tries
_FIRST_PAUSE = 0.5
_AGAIN = {"GET": frozenset({429, 502, 503, 504}), "POST": frozenset({429})}


class Retries:
    """The tries of one call.

    A GET is repeated on connection errors, 429, 502, 503 and 504. A POST may have been billed, so it is repeated
    only where it surely was not processed: the connection was refused, or the service answered 429.
    """

    def __init__(self, method: Literal["GET", "POST"], time_left: Callable[[], float]) -> None:
        """Begin with the first try.

        Args:
            time_left: gives the seconds that the call still has; no pause is as long.
        """
        self._method: Literal["GET", "POST"] = method
        self._time_left = time_left
        self._made = 1
        self._waited = 0.0

    def after_status(self, status: int, asked: float | None) -> float | None:
        """Seconds to wait before another try; None: the answer stands.

        Args:
            asked: seconds that the service's Retry-After asks for, if it does.
        """
        return self._pause(asked) if status in _AGAIN[self._method] else None

    def after_break(self, *, maybe_processed: bool) -> float | None:
        """Seconds to wait before another try after the connection failed; None: do not try again.

        Args:
            maybe_processed: whether the service may have got the request.
        """
        return None if maybe_processed and self._method == "POST" else self._pause(None)

    def _pause(self, asked: float | None) -> float | None:
        # Jitter, so that clients that failed together do not come back together.
        pause = asked if asked is not None else _FIRST_PAUSE * 2 ** (self._made - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        if self._made >= _TRIES or self._waited + pause > _WAIT_IN_ALL or pause >= self._time_left():
            return None
        self._made += 1
        self._waited += pause
        return pause
