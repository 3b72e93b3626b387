"""The credits that one server run may spend. A running job counts with its estimate."""

from webvoice_mcp.contract.estimate import Estimate
from webvoice_mcp.errors import BudgetExceeded

_ROUNDING = 1e-9


class Budget:
    """The limit of one server run.

    Attributes:
        spent: credits that finished jobs cost.
        reserved: credits that running jobs are estimated at.
    """

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
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
        """Check that a call fits into the budget. A free call always does, one of unknown price never does.

        Raises:
            BudgetExceeded: the call would exceed the limit.
        """
        if self._limit is None or estimate.credits == 0:
            return
        left = max(self._limit - self.spent - self.reserved, 0)
        if estimate.credits is None:
            raise BudgetExceeded(
                f"The price of this call is not known ({estimate.basis}) and WEBVOICE_MAX_CREDITS is set to "
                f"{self._limit:g}. Choose something with a known price, or ask the user to raise the setting."
            )
        if estimate.credits > left + _ROUNDING:
            raise BudgetExceeded(
                f"This call would cost about {estimate.credits:g} credits ({estimate.basis}), but only {left:g} of the "
                f"{self._limit:g} that WEBVOICE_MAX_CREDITS allows are left for this run. Choose something cheaper or "
                "free, or ask the user to raise the setting."
            )


class Reservation:
    """Credits that are reserved for one job.

    Attributes:
        credits: the reserved amount.
    """

    def __init__(self, budget: Budget, credits_: float) -> None:
        self._budget = budget
        self.credits = credits_
        budget.reserved += credits_

    def settle(self, spent: float) -> None:
        """Replace the reserved credits by those that were spent."""
        self._budget.spent += spent
        self._budget.reserved -= self.credits
