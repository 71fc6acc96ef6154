from __future__ import annotations

from datetime import UTC, datetime

import pytest
from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Sighting
from papers.store import Store
from workers.ingest.store_batch import store_batch

NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)


def sighting(month: int, number: int = 1, title: str = "A Small Thing") -> Sighting:
    return Sighting(ArxivId(month, number), "arxiv", Channel.API, NOW, 1, title=title)


def test_papers_since_the_first_month_are_stored_and_older_ones_counted(redis: Redis) -> None:
    months = (202511, 202509, 202510, 202508)
    result = store_batch(Store(redis), list(map(sighting, months)), NOW, first_month=202510)
    assert sorted(id.month for id in result.ingested.new) == [202510, 202511]
    assert (result.too_old, Store(redis).count_papers()) == (2, 2)


def test_all_papers_are_stored_where_no_month_is_removed(redis: Redis) -> None:
    result = store_batch(Store(redis), [sighting(199107), sighting(202511)], NOW)
    assert (result.too_old, Store(redis).count_papers()) == (0, 2)


def test_paper_that_is_stated_twice_is_too_old_once(redis: Redis) -> None:
    records = [sighting(202508), sighting(202508, title="Again"), sighting(202508, 2)]
    assert store_batch(Store(redis), records, NOW, first_month=202510).too_old == 2


@pytest.mark.parametrize("sound", [0, 1, 6])
def test_old_papers_are_counted_beside_poison_ones(redis: Redis, sound: int) -> None:
    poison = sighting(202511, 99, title="cut in half: \ud83d")
    records = [*(sighting(202511, n) for n in range(1, sound + 1)), poison, sighting(202508)]
    result = store_batch(Store(redis), records, NOW, first_month=202510)
    assert [found.record for found in result.poison] == [poison]
    assert (len(result.ingested.new), result.too_old) == (sound, 1)
    assert Store(redis).count_papers() == sound
