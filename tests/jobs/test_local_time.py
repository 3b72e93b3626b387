"""Local days and months begin at local midnight, in summer and winter."""

import os
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.jobs.clock import time_zone
from webvoice_mcp.jobs.local_time import day_start, month_bounds, month_start

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows cannot change the time zone of a process")

CENTRAL_EUROPE = "CET-1CEST,M3.5.0,M10.5.0/3"


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("zone", "now", "day", "month"),
    [
        ("UTC0", "2026-11-29T12:00:00+00:00", "2026-11-29T00:00:00+00:00", "2026-11-01T00:00:00+00:00"),
        ("NZDT-13", "2026-11-30T12:00:00+00:00", "2026-12-01T00:00:00+13:00", "2026-12-01T00:00:00+13:00"),
        ("PST8", "2026-12-01T07:59:00+00:00", "2026-11-30T00:00:00-08:00", "2026-11-01T00:00:00-08:00"),
        (CENTRAL_EUROPE, "2026-10-25T22:00:00+01:00", "2026-10-25T00:00:00+02:00", "2026-10-01T00:00:00+02:00"),
        (CENTRAL_EUROPE, "2026-03-29T22:00:00+02:00", "2026-03-29T00:00:00+01:00", "2026-03-01T00:00:00+01:00"),
    ],
)
def test_a_day_and_a_month_begin_at_local_midnight(zone: str, now: str, day: str, month: str) -> None:
    with time_zone(zone):
        assert day_start(moment(now)) == moment(day)
        assert month_start(moment(now)) == moment(month)


def test_earlier_days_are_counted_by_the_calendar_and_not_by_hours() -> None:
    with time_zone(CENTRAL_EUROPE):
        assert day_start(moment("2026-10-26T00:30:00+01:00"), days_before=1) == moment("2026-10-25T00:00:00+02:00")
        assert day_start(moment("2026-03-01T00:30:00+01:00"), days_before=1) == moment("2026-02-28T00:00:00+01:00")


def test_a_month_ends_where_the_next_one_begins() -> None:
    with time_zone(CENTRAL_EUROPE):
        assert month_bounds(2026, 2) == (moment("2026-02-01T00:00:00+01:00"), moment("2026-03-01T00:00:00+01:00"))
        assert month_bounds(2026, 12) == (moment("2026-12-01T00:00:00+01:00"), moment("2027-01-01T00:00:00+01:00"))


@given(st.floats(1e9, 4e9))
def test_a_moment_lies_in_its_own_day_and_month(seconds: float) -> None:
    with time_zone(CENTRAL_EUROPE):
        day, month = day_start(seconds), month_start(seconds)
        local = datetime.fromtimestamp(seconds, UTC).astimezone()
        first, following = month_bounds(local.year, local.month)
        assert month == first <= day <= seconds < min(day + 25 * 3600, following)
