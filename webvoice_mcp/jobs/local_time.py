"""Days and months of the computer's own time zone, for limits and sums of credits."""

from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day


def day_start(moment: float, *, days_before: int = 0) -> float:
    """Return the beginning of the local day that a moment is in, or of an earlier day.

    Args:
        moment: seconds since the epoch, like the result.
        days_before: days to go back from there.
    """
    return _midnight(_local_date(moment) - timedelta(days_before))


def month_start(moment: float) -> float:
    """Return the beginning of the local month that a moment is in, both in seconds since the epoch."""
    return _midnight(_local_date(moment).replace(day=1))


def month_bounds(year: int, month: int) -> tuple[float, float]:
    """Return the beginning of a local month and of the next one, in seconds since the epoch."""
    first = date(year, month, 1)
    return _midnight(first), _midnight((first + timedelta(31)).replace(day=1))


def _local_date(moment: float) -> date:
    return datetime.fromtimestamp(moment, UTC).astimezone().date()


def _midnight(day: date) -> float:
    # A time without a zone is local time, and the change to summer time is taken into account.
    return datetime.combine(day, time_of_day()).timestamp()
