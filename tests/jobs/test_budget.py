"""What one server run may spend."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.errors import BudgetExceeded
from webvoice_mcp.jobs.budget import Budget
from webvoice_mcp.contract.estimate import FREE, Estimate

UNKNOWN = Estimate(None, "nobody knows")


def test_without_a_limit_everything_passes() -> None:
    budget = Budget(None)
    for each in (FREE, UNKNOWN, Estimate(1e9, "much")):
        budget.hold(each).settle(7)
    assert (budget.is_limited, budget.spent, budget.held) == (False, 21, 0)


def test_orders_in_flight_count_until_it_is_known_what_they_cost() -> None:
    budget = Budget(10)
    first = budget.hold(Estimate(6, "six"))
    with pytest.raises(BudgetExceeded, match=r"about 6 credits \(six\) and 4 of the 10 that WEBVOICE_MAX_CREDITS"):
        budget.hold(Estimate(6, "six"))
    first.settle(4)
    budget.hold(Estimate(6, "six"))
    assert (budget.spent, budget.held) == (4, 6)


def test_what_cost_more_than_expected_leaves_nothing_and_no_less() -> None:
    budget = Budget(1)
    budget.hold(Estimate(1, "one")).settle(5)
    with pytest.raises(BudgetExceeded, match="and 0 of the 1 "):
        budget.check(Estimate(0.1, "a tenth"))
    budget.check(FREE)


def test_with_a_limit_an_unknown_price_never_passes() -> None:
    with pytest.raises(
        BudgetExceeded, match=r"cannot be known \(nobody knows\) and WEBVOICE_MAX_CREDITS is set to 5\."
    ):
        Budget(5).hold(UNKNOWN)


def test_a_limit_can_be_used_up_to_the_last_tenth() -> None:
    budget = Budget(1)
    for _ in range(10):
        budget.hold(Estimate(0.1, "a tenth")).settle(0.1)
    with pytest.raises(BudgetExceeded):
        budget.hold(Estimate(0.1, "a tenth"))


@given(st.integers(0, 50), st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=40))
def test_what_is_spent_and_held_never_passes_the_limit(limit: int, orders: list[tuple[int, bool]]) -> None:
    budget = Budget(limit)
    for price, ends in orders:
        try:
            held = budget.hold(Estimate(price, "so much"))
        except BudgetExceeded:
            assert budget.spent + budget.held + price > limit
            continue
        if ends:
            held.settle(price)
        assert budget.spent + budget.held <= limit
