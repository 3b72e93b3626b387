"""A bill is a positive number of credits; of several for one call the dearest counts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvoice_mcp.contract.bills import bills_in, dearest, price_in

Json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from(["credits_used", "webvoice"]), part),
)


@pytest.mark.parametrize(("bill", "price"), [(7, 7.0), ("0.5", 0.5), (1e9, 1e9), (1e-6, 1e-6), (" 2 ", 2.0)])
def test_a_number_that_can_be_a_price_is_one(bill: Any, price: float) -> None:
    assert price_in(bill) == price


@pytest.mark.parametrize(
    "bill", [0, -1, True, None, "", "seven", "1e999", 10**400, 1e-300, 1.1e9, float("nan"), float("-inf"), [7], {}]
)
def test_anything_else_is_no_price(bill: Any) -> None:
    assert price_in(bill) is None


@given(st.lists(Json))
def test_the_dearest_of_any_bills_is_a_positive_price_or_unknown(bills: list[Any]) -> None:
    prices = [price for bill in bills if (price := price_in(bill)) is not None]
    assert dearest(bills) == (max(prices) if prices else None)
    assert all(0 < price <= 1e9 for price in prices)


@given(Json)
def test_bills_are_found_wherever_answers_carry_them(bill: Any) -> None:
    for document in ({"credits_used": bill}, *({name: {"credits_used": bill}} for name in ("webvoice", "error"))):
        assert len(bills_in(document)) == 1
        assert bills_in(document)[0] is bill
