"""What one server run may spend. Orders in flight count with what they were estimated at."""

from webvoice_mcp.errors import BudgetExceeded
from webvoice_mcp.orders.prices import Estimate

_ROUNDING = 1e-9


class Budget:
    """The limit of one server run.

    Attributes:
        spent: credits that ended orders cost.
        held: credits that orders in flight were estimated at.
    """

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
        self.spent = 0.0
        self.held = 0.0

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit at all."""
        return self._limit is not None

    def hold(self, estimate: Estimate) -> "Reservation":
        """Hold what an order will cost; nothing else runs between the look and the note, so none can slip by.

        Raises:
            BudgetExceeded: as `check`.
        """
        self.check(estimate)
        return Reservation(self, estimate.credits or 0.0)

    def check(self, estimate: Estimate) -> None:
        """See that there is room for an order.

        Raises:
            BudgetExceeded: it would pass the limit. A free call never does; an unknown price always does.
        """
        if self._limit is None or estimate.credits == 0:
            return
        left = max(self._limit - self.spent - self.held, 0)
        if estimate.credits is None:
            raise BudgetExceeded(
                f"The price of this call cannot be known ({estimate.basis}) and WEBVOICE_MAX_CREDITS is set to "
                f"{self._limit:g}. Choose something with a known price, or let the person raise the setting."
            )
        if estimate.credits > left + _ROUNDING:
            raise BudgetExceeded(
                f"This call would cost about {estimate.credits:g} credits ({estimate.basis}) and {left:g} of the "
                f"{self._limit:g} that WEBVOICE_MAX_CREDITS allows are left for this run. Choose something "
                "cheaper or free, or let the person raise the setting."
            )


class Reservation:
    """Credits held for one order until it is known what it cost."""

    def __init__(self, budget: Budget, credits_: float) -> None:
        self._budget = budget
        self.credits = credits_
        budget.held += credits_

    def settle(self, spent: float) -> None:
        """End the order: so much was spent in place of what was held."""
        self._budget.spent += spent
        self._budget.held -= self.credits
