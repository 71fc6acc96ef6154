from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from redis import Redis

from papers.errors import StoreUnavailable
from papers.redis_backend.store_clock import read_store_time, store_clock

IN_2020 = datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)


def test_time_is_the_stores(redis: Redis) -> None:
    assert abs(read_store_time(redis) - datetime.now(UTC)) < timedelta(seconds=5)
    with mock.patch.object(redis, "time", return_value=(1_600_000_000, 500_000)):
        assert read_store_time(redis) == IN_2020 + timedelta(seconds=0.5)


def test_clock_goes_on_from_the_stores_time(redis: Redis) -> None:
    with mock.patch.object(redis, "time", return_value=(1_600_000_000, 0)):
        clock = store_clock(redis)
    first = clock()
    assert timedelta(0) <= first - IN_2020 < timedelta(seconds=5)
    assert first <= clock()


def test_unavailable_store_raises() -> None:
    with pytest.raises(StoreUnavailable):
        read_store_time(Redis.from_url("unix:///nowhere/at/all", retry=None))
