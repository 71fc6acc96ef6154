"""Days, weeks and months."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal

import pytest

from papers.model.periods import Period

SECOND = timedelta(seconds=1)
KINDS: dict[Literal["day", "week", "month"], tuple[date, datetime]] = {
    "day": (date(2026, 11, 18), datetime(2026, 11, 19, tzinfo=UTC)),
    "week": (date(2026, 11, 16), datetime(2026, 11, 23, tzinfo=UTC)),
    "month": (date(2026, 11, 1), datetime(2026, 12, 1, tzinfo=UTC)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_period_of_a_day_is_over_at_its_end(kind: Literal["day", "week", "month"]) -> None:
    first, end = KINDS[kind]
    period = Period.containing(kind, date(2026, 11, 18))
    assert (period.first_day, period.end) == (first, end)
    assert period.is_over(end)
    assert not period.is_over(end - SECOND)
    assert Period.containing(kind, period.last_day) == period
    assert period.next.first_day == period.last_day + timedelta(days=1)
