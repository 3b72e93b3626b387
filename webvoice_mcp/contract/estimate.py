"""The expected cost of a call."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """The expected cost of one call.

    Attributes:
        credits: None if the cost cannot be known before the call.
        basis: reason for the number, or for having none, as part of a sentence.
    """

    credits: float | None
    basis: str


FREE = Estimate(0.0, "this call is free")


def started_units(amount: float, unit: float) -> int:
    """Return the number of billed units: a started unit counts in full, and at least one unit is billed."""
    return max(1, math.ceil(amount / unit))
