"""Faults on demand, to test how an agent behaves when the service fails. A restart removes them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """A change to the next responses of a path.

    Attributes:
        path: the path below the base URL, without slashes at the ends.
        times: the number of further responses that it applies to.
        status: the status to respond with, along with `body` and `retry_after`, instead of doing the work.
        delay: the seconds to wait first.
        cut_at: the number of bytes of the body after which the connection is closed; a shorter body is sent whole.
        drop: True to close the connection without a response and without doing the work.
    """

    path: str
    times: int = 1
    status: int | None = None
    body: Any = None
    retry_after: float | None = None
    delay: float = 0
    cut_at: int | None = None
    drop: bool = False

    def settings(self) -> Mapping[str, Any]:
        """Return the fields to send with POST /sandbox/faults/ for this fault."""
        return {name: value for name, value in asdict(self).items() if value != _UNSET[name]}


_UNSET = asdict(Fault(path="", times=0))


class FaultQueue:
    """The pending faults of all paths, oldest first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Add a fault. Earlier faults of its path apply first."""
        self._faults.append(fault)

    def clear(self) -> int:
        """Remove all faults and return how many there were."""
        count = len(self._faults)
        self._faults.clear()
        return count

    def take(self, path: str) -> Fault | None:
        """Return the fault for the next response of a path, and count this use of it."""
        for index, fault in enumerate(self._faults):
            if fault.path == path:
                remaining = replace(fault, times=fault.times - 1)
                self._faults[index : index + 1] = [remaining] if remaining.times else []
                return fault
        return None

    def pending(self) -> list[Fault]:
        """Return the faults that have not been used up."""
        return list(self._faults)
