"""A job: one paid call that runs as a task of the server."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import anyio
from pydantic import BaseModel

from webvoice_mcp.contract.bills import dearest
from webvoice_mcp.contract.endpoint import Reply
from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.errors import NetworkError, WebVoiceError
from webvoice_mcp.files import SavedFile
from webvoice_mcp.jobs.batch_cost import BatchCost
from webvoice_mcp.jobs.budget import Reservation

State = Literal["submitted", "running", "done", "failed", "interrupted"]
"""`submitted`: not sent yet. `running`: sent, so credits may be spent. `interrupted`: the server ended first."""


class WorkerEnded(NetworkError):
    """The worker process ended before a job did. If `billed` is set, credits may have been spent."""


@dataclass(eq=False, slots=True)
class Job:
    """One paid call from its submission to its end.

    Attributes:
        tool: name of the tool that was called.
        estimate: its expected cost.
        reservation: its share of the budget.
        outlives_caller: True if it goes on when its caller is gone.
        shows_pictures: True if its files are pictures that the model may look at.
        key: the last characters of the API key that pays, "" if it is too short to show any.
        started_at: seconds since the epoch.
        updated_at: the time of its last change.
        was_sent: True once the request went out.
        was_announced: True once the caller was told its id.
        result: the tool's result, once it is done.
        error: the exception that it failed with; None if it was cut off.
        error_code: public code of the failure, "" for none.
        received: bytes of the answer so far.
        expected: bytes of the whole answer, None if the service does not say.
        credits: its cost as the service said; None if it did not say, or said what is no price.
        files: the files that were saved, those of a failed call too.
        parts: number of its requests, 0 for a job of one request.
        parts_done: number of them whose results are there.
        batch_cost: the cost of its parts; None for a job of one request.
        has_reader: True as long as its caller waits for the result.
        is_in_worker: True if a worker process carries it out, which also writes the history.
        worker_cost: its cost, and the most that it may have cost, as that process says; None if it did not say.
        cancel_in_worker: asks that process to cancel it.
        scope: cancels it.
    """

    tool: str
    estimate: Estimate
    reservation: Reservation
    outlives_caller: bool = True
    shows_pictures: bool = False
    key: str = ""
    id: str = field(default_factory=lambda: f"job_{secrets.token_hex(8)}")
    started_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)
    state: State = "submitted"
    was_sent: bool = False
    was_announced: bool = False
    result: BaseModel | None = None
    error: Exception | None = None
    error_code: str = ""
    received: int = 0
    expected: int | None = None
    credits: float | None = None
    files: tuple[SavedFile, ...] = ()
    parts: int = 0
    parts_done: int = 0
    batch_cost: BatchCost | None = None
    has_reader: bool = True
    is_in_worker: bool = False
    worker_cost: tuple[float | None, float | None] | None = None
    cancel_in_worker: Callable[[], None] | None = None
    # A job outlives its server's other tasks, so only `scope.cancel()` ends it.
    scope: anyio.CancelScope = field(default_factory=lambda: anyio.CancelScope(shield=True))
    _answered: bool = False
    _cancelled_by_caller: bool = False
    _change: anyio.Event = field(default_factory=anyio.Event)
    _submitted_at: float = field(default_factory=time.monotonic)

    @property
    def age(self) -> float:
        """Seconds since it was submitted."""
        return time.monotonic() - self._submitted_at

    @property
    def is_finished(self) -> bool:
        """True once it is done, failed or interrupted, and that is written to the history."""
        return self.state not in {"submitted", "running"}

    def start(self) -> None:
        """Note that the request goes out now."""
        self.state, self.was_sent = "running", True
        self.notify()

    def cancel(self) -> None:
        """Cancel it on behalf of its caller."""
        self._cancelled_by_caller = True
        if self.cancel_in_worker is not None:
            self.cancel_in_worker()
        else:
            self.scope.cancel()

    def set_reader(self, *, is_there: bool) -> None:
        """Note if somebody waits for the result."""
        self.has_reader = is_there
        self.notify()

    def record_received(self, received: int, expected: int | None) -> None:
        """Note how much of the answer has come."""
        self.received, self.expected = received, expected

    def record_bill(self, reply: Reply) -> None:
        """Note what the service says that the call cost."""
        self._answered = True
        beside = (reply.model_extra or {}).get("credits_used")  # a chat's bill has a place of its own
        # A bill that is no price must not switch the budgets off: the estimate counts in its place.
        self.credits = dearest([reply.bill.credits_used if reply.bill else None, beside])

    def record_refused_bill(self, error: WebVoiceError) -> None:
        """Note what a failed call cost, if the service says more than was estimated; else its estimate counts."""
        used = error.credits_used
        if used is not None and not self._answered and used > (self.estimate.credits or 0):
            self.credits = used

    def fail(self, error: Exception | None) -> None:
        """Note the failure, None if the job was cut off. It counts once `finish` is called."""
        self.error = error
        match error:
            case WorkerEnded(billed=True):
                self.error_code = "interrupted"
            case WebVoiceError(code=code):
                self.error_code = code
            case None:
                self.error_code = "cancelled" if self._cancelled_by_caller else "interrupted"
            case _:
                self.error_code = "internal_error"

    @property
    def final_state(self) -> State:
        """The state that `finish` will set."""
        if self.result is not None:
            return "done"
        return "interrupted" if self.error_code == "interrupted" else "failed"

    @property
    def is_lost(self) -> bool:
        """True if its worker process ended before it told the outcome. The history may know more."""
        return self.is_in_worker and self.error_code == "interrupted"

    @property
    def cost(self) -> float | None:
        """Credits that were spent; None if that is not known."""
        if self.worker_cost is not None:
            return self.worker_cost[0]
        if self.batch_cost is not None:
            return self.batch_cost.credits
        if self.credits is not None:
            return self.credits
        was_refused = isinstance(self.error, WebVoiceError) and not self.error.billed and not self._answered
        is_free = not self.was_sent or was_refused or self.estimate.credits == 0
        return 0.0 if is_free else None

    @property
    def at_most(self) -> float | None:
        """The most credits that were spent, as far as estimates tell; None if that is not known."""
        if self.worker_cost is not None:
            return self.worker_cost[1]
        return self.batch_cost.at_most if self.batch_cost is not None else self.estimate.credits

    def take_pictures(self) -> tuple[SavedFile, ...]:
        """Return the pictures that the model may look at. They are large, so they are shown once only."""
        pictures = self.files if self.shows_pictures and self.result is not None else ()
        self.shows_pictures = False
        return pictures

    def finish(self) -> None:
        """Set the final state, and wake those who wait for it."""
        self.state = self.final_state
        self.notify()

    def outcome(self) -> BaseModel:
        """Return the result of a finished job.

        Raises:
            Exception: the exception that it failed with.
        """
        if self.result is None:
            raise self.error or anyio.get_cancelled_exc_class()()
        return self.result

    def notify(self) -> None:
        """Wake those who wait for a change."""
        self.updated_at = time.time()
        change, self._change = self._change, anyio.Event()
        change.set()

    async def changed(self) -> None:
        """Wait for the next change."""
        await self._change.wait()
