"""Retries for Windows, where a file that another process has open can be neither opened nor replaced."""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

_TRIES = 50
_PAUSE_SECONDS = 0.01


def retry(action: Callable[[], T]) -> T:
    """Call the function. On Windows, retry it for half a second while permission is denied."""
    if sys.platform == "win32":  # pragma: no cover - elsewhere open files can be replaced
        for _ in range(_TRIES):
            with suppress(PermissionError):
                return action()
            time.sleep(_PAUSE_SECONDS)
    return action()
