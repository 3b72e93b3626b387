"""The expected cost of a call."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """The expected cost of one call.

    Attributes:
        credits: None if the cost cannot be known before the call.
        basis: how the number was worked out, or why there is none, as part of a sentence.
    """

    credits: float | None
    basis: str


FREE = Estimate(0.0, "this call is free")


def started_units(amount: float, unit: float) -> int:
    """Return how many units an amount is billed as: every started unit counts, and at least one."""
    return max(1, math.ceil(amount / unit))
