from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from papers.model.dates import from_epoch, to_epoch


def test_times_are_whole_seconds_in_utc() -> None:
    local = datetime(1970, 1, 1, 1, 0, 2, 900_000, tzinfo=timezone(timedelta(hours=1)))
    assert to_epoch(local) == 2
    assert from_epoch(2) == datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)
    assert from_epoch(2).tzinfo is UTC


def test_none_is_not_the_epoch() -> None:
    assert (to_epoch(None), from_epoch(None)) == (None, None)
    assert from_epoch(0) == datetime(1970, 1, 1, tzinfo=UTC)
