"""The rules for repeating a request, and the pauses between attempts."""

import random
from collections.abc import Callable
from typing import Literal

_MAX_ATTEMPTS = 3
_MAX_WAIT_SECONDS = 30.0  # total of all pauses of one call
_FIRST_PAUSE_SECONDS = 0.5
_RETRIED_STATUSES = {"GET": frozenset({429, 502, 503, 504}), "POST": frozenset({429})}


class Retries:
    """The attempts of one call.

    A GET is repeated after connection errors, 429, 502, 503 and 504. A POST may have been billed, so it is repeated
    only if it was certainly not processed: if no connection was made, or the service answered 429.
    """

    def __init__(self, method: Literal["GET", "POST"], time_left: Callable[[], float]) -> None:
        """Start with the first attempt.

        Args:
            method: the request's method.
            time_left: returns the seconds until the call's deadline. A pause is always shorter.
        """
        self._method: Literal["GET", "POST"] = method
        self._time_left = time_left
        self._attempts = 1
        self._waited = 0.0

    def after_status(self, status: int, retry_after: float | None) -> float | None:
        """Return the seconds to wait before another attempt, None if there is none.

        Args:
            status: the answer's status.
            retry_after: seconds in the service's Retry-After header, None without one.
        """
        return self._next_pause(retry_after) if status in _RETRIED_STATUSES[self._method] else None

    def after_connection_error(self, *, maybe_processed: bool) -> float | None:
        """Return the seconds to wait before another attempt, None if there is none.

        Args:
            maybe_processed: True if the service may have received the request.
        """
        return None if maybe_processed and self._method == "POST" else self._next_pause(None)

    def _next_pause(self, retry_after: float | None) -> float | None:
        if retry_after is not None:
            pause = retry_after
        else:  # with jitter, so that clients that failed together do not retry together
            pause = _FIRST_PAUSE_SECONDS * 2 ** (self._attempts - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        if self._attempts >= _MAX_ATTEMPTS or self._waited + pause > _MAX_WAIT_SECONDS or pause >= self._time_left():
            return None
        self._attempts += 1
        self._waited += pause
        return pause
