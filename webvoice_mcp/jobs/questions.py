"""The questions that one server run puts to its user: how many there were, and whose answers are used up."""

import time
from collections import deque
from collections.abc import Callable

from webvoice_mcp.errors import Declined

_MOST = 60
_PERIOD_SECONDS = 3600.0
_STATE_SECONDS = 900.0  # the SDK accepts a state for 600


class Questions:
    """Limits the questions of one server run, and lets each answer count once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: deque[float] = deque()
        self._used: dict[str, float] = {}

    def count(self) -> None:
        """Take note of a question that is put to the user now.

        Raises:
            Declined: the user was asked sixty times within an hour.
        """
        now = self._clock()
        while self._asked and now - self._asked[0] >= _PERIOD_SECONDS:
            self._asked.popleft()
        if len(self._asked) >= _MOST:
            minutes = int((self._asked[0] + _PERIOD_SECONDS - now) // 60) + 1
            raise Declined(
                f"The user was asked {_MOST} questions within an hour, and is asked no more for now. Nothing was done. "
                f"Wait {minutes} minute{'s' * (minutes > 1)}, or tell the user, who can raise the limit above which "
                "questions are asked."
            )
        self._asked.append(now)

    def use(self, state: str) -> bool:
        """Mark the answer to a question as used; return False if it was used before.

        Args:
            state: the random name of the question.
        """
        now = self._clock()
        self._used = {used: at for used, at in self._used.items() if now - at < _STATE_SECONDS}
        if state in self._used:
            return False
        self._used[state] = now
        return True
