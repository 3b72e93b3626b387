"""The budget of one server run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.contract.estimate import FREE, Estimate
from webvoice_mcp.errors import BudgetExceeded
from webvoice_mcp.jobs.budget import Budget

UNKNOWN = Estimate(None, "nobody knows")


def test_without_a_limit_everything_fits() -> None:
    budget = Budget(None)
    for estimate in (FREE, UNKNOWN, Estimate(1e9, "much")):
        budget.reserve(estimate).settle(7)
    assert (budget.spent, budget.reserved) == (21, 0)


def test_running_jobs_count_with_their_estimate_until_they_are_settled() -> None:
    budget = Budget(10)
    first = budget.reserve(Estimate(6, "six"))
    with pytest.raises(BudgetExceeded, match=r"about 6 credits \(six\), but only 4 of the 10 that "):
        budget.reserve(Estimate(6, "six"))
    first.settle(4)
    budget.reserve(Estimate(6, "six"))
    assert (budget.spent, budget.reserved) == (4, 6)


def test_a_job_that_cost_more_than_the_limit_leaves_zero() -> None:
    budget = Budget(1)
    budget.reserve(Estimate(1, "one")).settle(5)
    with pytest.raises(BudgetExceeded, match="but only 0 of the 1 "):
        budget.check(Estimate(0.1, "a tenth"))
    budget.check(FREE)


def test_an_unknown_price_never_fits_into_a_limit() -> None:
    with pytest.raises(BudgetExceeded, match=r"not known \(nobody knows\) and WEBVOICE_MAX_CREDITS is set to 5\."):
        Budget(5).reserve(UNKNOWN)


def test_rounding_errors_do_not_waste_the_last_tenth() -> None:
    budget = Budget(1)
    for _ in range(10):
        budget.reserve(Estimate(0.1, "a tenth")).settle(0.1)
    for price in (0.1, 1e-5):
        with pytest.raises(BudgetExceeded, match="but only 0 of the 1 that"):
            budget.reserve(Estimate(price, "so much"))


def test_no_price_is_too_small_for_a_limit_that_was_passed() -> None:
    budget = Budget(1)
    budget.reserve(Estimate(1, "one")).settle(5)
    with pytest.raises(BudgetExceeded):
        budget.reserve(Estimate(1e-9, "next to nothing"))
    budget.reserve(FREE)


@given(st.integers(0, 50), st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=40))
def test_spent_and_reserved_credits_never_exceed_the_limit(limit: int, calls: list[tuple[int, bool]]) -> None:
    budget = Budget(limit)
    for price, ends in calls:
        try:
            reservation = budget.reserve(Estimate(price, "so much"))
        except BudgetExceeded:
            assert budget.spent + budget.reserved + price > limit
            continue
        if ends:
            reservation.settle(price)
        assert budget.spent + budget.reserved <= limit
