"""A line of the documented price list."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """One line of the price list.

    Attributes:
        what: description of the paid work.
        credits: cost of `amount` units; 0 where the documentation says "Free".
        unit: name of the billed unit, such as "minute".
        source: section of the documentation, a colon, and the sentence that states the price.
        amount: number of units that the price covers.
    """

    what: str
    credits: float
    unit: str
    source: str
    amount: int = 1

    @property
    def per_unit(self) -> float:
        """Credits for one unit."""
        return self.credits / self.amount
