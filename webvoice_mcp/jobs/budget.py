"""Limits on credits. A running job counts with its estimate.

One server run has its limit in memory. Those of a day and a month hold for all servers of the user, so the history
keeps their sums.
"""

from collections.abc import Callable
from dataclasses import dataclass

from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.errors import BudgetExceeded
from webvoice_mcp.jobs.local_time import day_start, month_start
from webvoice_mcp.settings import Settings

ROUNDING = 1e-6
"""Credits by which a sum of many prices may be off."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The most credits that may be spent in a period.

    Attributes:
        setting: name of the setting.
        credits: the limit.
        period: the period, as in "… are left for this run".
    """

    setting: str
    credits: float
    period: str

    def check(self, estimate: Estimate, used: float) -> None:
        """Check that a call keeps to the limit. A free call always does, one of unknown price never does.

        Args:
            estimate: the expected cost of the call.
            used: credits of the period that are spent or reserved.

        Raises:
            BudgetExceeded: the call would exceed the limit.
        """
        if estimate.credits == 0:
            return
        if estimate.credits is None:
            raise BudgetExceeded(
                f"The price of this call is not known ({estimate.basis}) and {self.setting} is set to "
                f"{self.credits:g}. Choose something with a known price, or ask the user to raise the setting."
            )
        if used + estimate.credits > self.credits + ROUNDING:
            left = round(max(self.credits - used, 0), 2)
            raise BudgetExceeded(
                f"This call would cost about {estimate.credits:g} credits ({estimate.basis}), but only {left:g} of the "
                f"{self.credits:g} that {self.setting} allows are left for {self.period}. Choose something cheaper or "
                "free, or ask the user to raise the setting."
            )


@dataclass(frozen=True, slots=True)
class PeriodLimit(Limit):
    """A limit for all servers of the user, in the time of the calendar.

    Attributes:
        start: returns the beginning of the period that a moment is in, both in seconds since the epoch.
    """

    start: Callable[[float], float]


def period_limits(settings: Settings) -> tuple[PeriodLimit, ...]:
    """Return the limits of a day and a month, as far as they are set."""
    day, month = settings.max_credits_per_day, settings.max_credits_per_month
    limits: list[PeriodLimit] = []
    if day is not None:
        limits.append(PeriodLimit("WEBVOICE_MAX_CREDITS_PER_DAY", day, "today", day_start))
    if month is not None:
        limits.append(PeriodLimit("WEBVOICE_MAX_CREDITS_PER_MONTH", month, "this month", month_start))
    return tuple(limits)


class Budget:
    """The limit of one server run.

    Attributes:
        spent: credits that finished jobs cost.
        reserved: credits that running jobs are estimated at.
    """

    def __init__(self, limit: float | None) -> None:
        self._limit = None if limit is None else Limit("WEBVOICE_MAX_CREDITS", limit, "this run")
        self.spent = 0.0
        self.reserved = 0.0

    def reserve(self, estimate: Estimate) -> "Reservation":
        """Reserve the credits of a call until its cost is known.

        Raises:
            BudgetExceeded: as `check`.
        """
        self.check(estimate)
        return Reservation(self, estimate.credits or 0.0)

    def check(self, estimate: Estimate) -> None:
        """Check that a call fits into the budget.

        Raises:
            BudgetExceeded: the call would exceed the limit.
        """
        if self._limit is not None:
            self._limit.check(estimate, self.spent + self.reserved)


class Reservation:
    """Credits that are reserved for one job.

    Attributes:
        credits: the reserved amount.
    """

    def __init__(self, budget: Budget, credits_: float) -> None:
        self._budget = budget
        self._is_settled = False
        self.credits = credits_
        budget.reserved += credits_

    def settle(self, spent: float) -> None:
        """Replace the reserved credits by those that were spent. Only the first call counts."""
        if self._is_settled:
            return
        self._is_settled = True
        self._budget.spent += spent
        self._budget.reserved -= self.credits
