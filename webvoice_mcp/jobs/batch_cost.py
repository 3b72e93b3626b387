"""The cost of a job whose parts are billed one by one."""

from webvoice_mcp.contract.bills import dearest
from webvoice_mcp.contract.endpoint import Reply
from webvoice_mcp.errors import WebVoiceError


class PartCost:
    """The cost of one part that was sent. It is in doubt until a bill, or a refusal, says what it was.

    Attributes:
        estimate: the credits that it was expected to cost, None if that is not known.
        credits: the credits that it cost, None while that is in doubt.
        remaining: credits left in the account, None if the answer did not say.
    """

    def __init__(self, estimate: float | None) -> None:
        self.estimate = estimate
        self.credits: float | None = None
        self.remaining: float | None = None
        self._is_answered = False

    def record_bill(self, reply: Reply) -> None:
        """Note the bill of the part's answer. One that is no price leaves the cost in doubt."""
        self._is_answered = True
        bill = reply.bill
        assert bill is not None, "PaidEndpoint requires it"  # noqa: S101 - for mypy
        self.credits = dearest([bill.credits_used])
        self.remaining = bill.credits_remaining

    def record_failure(self, error: WebVoiceError) -> None:
        """Note that there was no usable answer: free if it was surely refused; a bill counts if it is dearer."""
        if self._is_answered:
            return
        if error.credits_used is not None and error.credits_used > (self.estimate or 0):
            self.credits = error.credits_used
        elif not error.billed:
            self.credits = 0.0


class BatchCost:
    """The sum of what parts cost."""

    def __init__(self) -> None:
        self._parts: list[PartCost] = []

    def start_part(self, estimate: float | None) -> PartCost:
        """Count a part that is about to be sent."""
        part = PartCost(estimate)
        self._parts.append(part)
        return part

    @property
    def credits(self) -> float | None:
        """The cost of all parts; None if one is in doubt."""
        known = [part.credits for part in self._parts if part.credits is not None]
        return round(sum(known), 4) if len(known) == len(self._parts) else None

    @property
    def at_most(self) -> float | None:
        """The cost of all parts, those in doubt with their estimates; None if one of these has none."""
        costs = [part.estimate if part.credits is None else part.credits for part in self._parts]
        known = [cost for cost in costs if cost is not None]
        return round(sum(known), 4) if len(known) == len(costs) else None

    @property
    def remaining(self) -> float | None:
        """The least number of credits left in the account that an answer named, None if none did."""
        return min((part.remaining for part in self._parts if part.remaining is not None), default=None)
