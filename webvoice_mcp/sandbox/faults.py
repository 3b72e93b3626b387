"""Failures on demand, so that people can see what their agents do when the service fails.

POST /sandbox/faults/ queues one for a path, GET shows what is queued, DELETE clears. They are not kept over a restart.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from webvoice_mcp.sandbox.reading import Fields
from webvoice_mcp.sandbox.replies import ApiError

_MOST_TIMES = 1000
_LONGEST_DELAY = 600
_LONGEST_RETRY = 100_000
_LARGEST = 2**31


@dataclass(frozen=True, slots=True)
class Fault:
    """What to do instead of, or to, the next answers of a path.

    Attributes:
        path: as under the base URL, without slashes at the ends.
        times: how many answers it still applies to.
        status: answer with it instead of doing the work; with `body` and `retry_after`, where given.
        delay: seconds to wait first.
        cut_at: bytes of the answer's body after which the connection is closed; a shorter answer passes whole.
        drop: close the connection without an answer and without doing the work.
    """

    path: str
    times: int = 1
    status: int | None = None
    body: Any = None
    retry_after: float | None = None
    delay: float = 0
    cut_at: int | None = None
    drop: bool = False


_UNSET = asdict(Fault(path="", times=0))


def read_fault(fields: Fields, paths: Collection[str]) -> Fault:
    """The fault that a request asks for; `paths` are the ones that there are.

    Raises:
        ApiError: 400 with what is wrong about it.
    """
    fault = Fault(
        path=fields.text("path").strip("/"),
        times=fields.whole("times", 1, 1, _MOST_TIMES),
        status=_status(fields),
        body=fields.get("body"),
        retry_after=None if fields.get("retry_after") is None else fields.number("retry_after", 0, 0, _LONGEST_RETRY),
        delay=fields.number("delay", 0, 0, _LONGEST_DELAY),
        cut_at=None if fields.get("cut_at") is None else fields.whole("cut_at", 0, 0, _LARGEST),
        drop=fields.flag("drop"),
    )
    if fault.path not in paths:
        raise ApiError(400, f'"path" is {fault.path!r}; there are: {", ".join(sorted(paths))}.')
    if fault == Fault(fault.path, fault.times):
        raise ApiError(400, "Say what is to happen: status, body, retry_after, delay, cut_at or drop.")
    if fault.drop and fault != Fault(fault.path, fault.times, delay=fault.delay, drop=True):
        raise ApiError(400, '"drop" sends no answer, so it goes with "delay" only.')
    return fault


def _status(fields: Fields) -> int | None:
    if fields.get("status") is not None:
        return fields.whole("status", None, 200, 599)
    if fields.get("retry_after") is not None:
        return 429
    return 200 if fields.get("body") is not None else None


class Faults:
    """The queued faults, in the order in which they came."""

    def __init__(self) -> None:
        self._queue: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Queue one behind the others of its path."""
        self._queue.append(fault)

    def clear(self) -> int:
        """Drop all; how many there were."""
        count = len(self._queue)
        self._queue.clear()
        return count

    def take(self, path: str) -> Fault | None:
        """The fault for the next answer of a path, counted down."""
        for index, fault in enumerate(self._queue):
            if fault.path == path:
                left = replace(fault, times=fault.times - 1)
                self._queue[index : index + 1] = [left] if left.times else []
                return fault
        return None

    def waiting(self) -> list[dict[str, Any]]:
        """What is queued, as it could be posted again."""
        return [
            {name: value for name, value in asdict(fault).items() if value != _UNSET[name]} for fault in self._queue
        ]
