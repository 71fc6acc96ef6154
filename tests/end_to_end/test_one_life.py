"""One paper's life in every feed it belongs to, as clients of three kinds see it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis

from papers.model.paper import Sighting
from papers.redis_backend.event_sets import open_index
from papers.state.voting.pick_lists import PickLists
from papers.store import Store
from tests.service.conftest import server
from tests.service.made import (
    DAY,
    FIRST_ANNOUNCED,
    make_description,
    make_pick,
    make_revision,
    make_sighting,
)
from tests.service.pollers import POLLERS, Poller
from tests.subscriber import PollResult
from workers.tasks.pick_lists import PickListsTask

__all__ = ["server"]

HOUR = timedelta(hours=1)
NEW, MODIFIED, NOTHING = PollResult(1, 0), PollResult(0, 1), PollResult(0, 0)
FEEDS = {
    "keyword": "/feeds/reward-model.atom",
    "picked": "/feeds/reward-model.atom?when=picked",
    "revised": "/feeds/reward-model.atom?when=revised",
    "withdrawn": "/feeds/reward-model.atom?when=withdrawn",
    "code": "/feeds/reward-model.atom?when=code",
    "list of picks": "/feeds/picked.atom",
    "daily": "/feeds/daily.atom",
    "weekly": "/feeds/weekly.atom",
    "monthly": "/feeds/monthly.atom",
    "trending": "/feeds/trending.atom",
    "many votes": "/feeds/trending.atom?min_votes=40",
    "the paper": "/papers/2611.00001.atom",
}


def code(at: datetime) -> Sighting:
    return make_pick(1)._replace(code="https://github.com/a/b", as_of=at, pick=None)


def votes(number: int, at: datetime) -> Sighting:
    return make_pick(1, votes=number, comments=number // 4, counted_at=at)


V1 = FIRST_ANNOUNCED
PICKED, VOTED, DAY_OVER = V1 + 9 * HOUR, V1 + 11 * HOUR, V1 + DAY
V2 = V1 + 3 * DAY
JOURNAL = V1 + 33 * DAY
WITHDRAWN = V1 + 40 * DAY

# What happens, when, and in which feeds it is seen; elsewhere nothing is.
LIFE: list[tuple[str, datetime, list[Sighting], dict[str, PollResult]]] = [
    ("v1", V1, [make_sighting(1)], {"keyword": NEW, "the paper": NEW}),
    (
        *("a pick", PICKED, [votes(5, PICKED)]),
        {"picked": NEW, "list of picks": NEW, "trending": NEW, "the paper": NEW},
    ),
    ("votes", VOTED, [votes(44, VOTED)], {"many votes": NEW}),
    ("the day is over", DAY_OVER, [], {"daily": NEW}),
    (
        *("v2 with code", V2, [make_revision(1, 2, abstract="It is better."), code(V2)]),
        {
            **dict.fromkeys(("keyword", "picked", "list of picks", "daily"), MODIFIED),
            **dict.fromkeys(("trending", "many votes"), MODIFIED),
            **{"revised": NEW, "code": NEW, "the paper": PollResult(2, 1)},
        },
    ),
    ("the week is over", V1 + 7 * DAY, [], {"weekly": NEW}),
    ("the month is over", V1 + 30 * DAY, [], {"monthly": NEW}),
    (
        "a journal",
        JOURNAL,
        [make_description(1, 2, abstract="It is better.")._replace(as_of=JOURNAL)],
        {"the paper": NEW},
    ),
    ("more votes", JOURNAL + DAY, [votes(300, JOURNAL + DAY)], {}),
    (
        *("a withdrawal", WITHDRAWN),
        [make_revision(1, 3, withdrawn=True)._replace(as_of=WITHDRAWN, announced_at=WITHDRAWN)],
        {
            **dict.fromkeys(("keyword", "picked", "list of picks", "daily"), MODIFIED),
            **dict.fromkeys(("weekly", "monthly", "trending", "many votes", "code"), MODIFIED),
            **{"revised": PollResult(1, 1), "withdrawn": NEW, "the paper": PollResult(1, 1)},
        },
    ),
]


@pytest.fixture(params=POLLERS)
def clients(
    request: pytest.FixtureRequest, server: str, tmp_path: Path, redis: Redis
) -> Iterator[dict[str, Poller]]:
    """Return a client of each feed, all of one kind; a store whose first ingest was before."""
    open_index(redis, V1 - DAY)
    Store(redis).ingest([make_sighting(90, title="Another paper")], now=V1 - DAY)
    PickListsTask(Store(redis), PickLists(redis)).evaluate_periods("daily", V1)
    pollers = {}
    for number, (name, path) in enumerate(FEEDS.items()):
        (folder := tmp_path / f"client-{number}").mkdir()
        pollers[name] = POLLERS[request.param](server + path, folder)
    yield pollers
    for poller in pollers.values():
        poller.close()


@pytest.mark.timeout(300)
def test_each_event_of_a_life_is_seen_where_it_belongs(
    redis: Redis, clients: dict[str, Poller]
) -> None:
    store, task = Store(redis), PickListsTask(Store(redis), PickLists(redis))
    for what, at, sightings, expected in LIFE:
        store.ingest(sightings, now=at)
        [*task.fetch("", None, at)]  # type: ignore[arg-type]  # asks no upstream
        seen = {name: clients[name].poll() for name in FEEDS}
        shown = {name: result for name, result in seen.items() if result != NOTHING}
        print(
            what,
            *(f"{name} {r.new} new {r.modified} modified" for name, r in shown.items()),
            sep="; ",
        )
        assert shown == expected, what
