"""List feeds: `/feeds/picked`, `daily`, `weekly`, `monthly`, `trending`, which go on for ever."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import feedparser
import pytest
import requests
from flask.testing import FlaskClient
from redis import Redis

from papers.model.paper import Sighting
from papers.query.request import LIST_NAMES, ListName
from papers.state.voting.pick_lists import PickLists
from papers.store import Store
from service.feeds import FORMATS
from tests.service.made import make_pick, make_sighting
from tests.service.pollers import POLLERS, Poller
from tests.subscriber import PollResult
from workers.tasks.pick_lists import PickListsTask

START = datetime(2026, 11, 2, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def picked(number: int, votes: int, at: datetime, community: str = "hf") -> Sighting:
    return make_pick(number, community, picked_at=at, votes=votes, counted_at=at)


@pytest.fixture
def store(redis: Redis, client: FlaskClient) -> Store:
    assert client
    store = Store(redis)
    store.ingest([make_sighting(n) for n in range(1, 6)], now=START)
    store.ingest([picked(n, 10 * n, START + HOUR) for n in range(1, 6)], now=START + HOUR)
    return store


def items(client: FlaskClient, path: str) -> list[dict[str, Any]]:
    response = client.get(path)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = json.loads(response.data)["items"]
    return found


def numbers(client: FlaskClient, path: str) -> list[int]:
    return [int(item["id"][-5:]) for item in items(client, path)]


@pytest.mark.parametrize("name", LIST_NAMES)
@pytest.mark.parametrize("suffix", FORMATS)
def test_every_list_is_a_feed_in_every_format(
    client: FlaskClient, store: Store, redis: Redis, name: ListName, suffix: str
) -> None:
    ids = [paper.id for paper in store.iter_papers()]
    PickLists(redis).join(name, ids[:2], now=START + DAY)
    response = client.get(f"/feeds/{name}.{suffix}")
    assert response.status_code == 200
    if suffix != "json":
        parsed = feedparser.parse(response.data)
        assert not parsed.bozo
        assert parsed.feed.title == f"{name.capitalize()} · Paperwire"
        assert len(parsed.entries) == (5 if name == "picked" else 2)
    assert "RateLimit" not in response.headers


def test_entries_are_dated_by_their_joining(
    client: FlaskClient, store: Store, redis: Redis
) -> None:
    ids = [paper.id for paper in store.iter_papers()]
    PickLists(redis).join("daily", [ids[3], ids[0]], now=START + DAY)
    first, second = items(client, "/feeds/daily.json")
    assert [item["id"][-5:] for item in (first, second)] == ["00004", "00001"]
    assert first["date_published"] == first["date_modified"] == "2026-11-03T00:00:00.002000+00:00"
    assert second["date_published"] == "2026-11-03T00:00:00.001000+00:00"
    assert "We reason about" in first["content_text"]


def test_queries_and_minimum_filter_the_papers(
    client: FlaskClient, store: Store, redis: Redis
) -> None:
    ids = [paper.id for paper in store.iter_papers()]
    PickLists(redis).join("trending", ids[:4], now=START + DAY)
    assert numbers(client, "/feeds/trending.json?q=%22number+2%22") == [2]
    assert numbers(client, "/feeds/trending.json?min_votes=30") == [3, 4]
    assert numbers(client, "/feeds/trending.json?min_votes=30&q=-%22number+4%22+reward") == [3]
    assert numbers(client, "/feeds/trending.json?n=1") == [1]
    following = json.loads(client.get("/feeds/trending.json?n=1").data)["next_url"]
    assert following == "https://wire.example/feeds/trending.json?before=2611.00001&n=1"
    assert numbers(client, following.removeprefix("https://wire.example")) == [2]


def test_addresses_are_canonical_and_other_parameters_refused(client: FlaskClient) -> None:
    response = client.get("/feeds/daily.atom?n=100&utm_source=x&q=+reward++model")
    assert (response.status_code, response.headers["Location"]) == (
        301,
        "/feeds/daily.atom?q=reward+model",
    )
    assert client.get("/feeds/daily.atom?q=is:picked").headers["Location"] == "/feeds/daily.atom"
    for parameter in ("when=picked", "source=hf", "k=reward-model", "types=new", "digest=day"):
        response = client.get(f"/feeds/daily.atom?{parameter}")
        assert response.status_code == 400
        assert "there are q, n, before, min_votes, since, until" in response.text
    assert client.get("/feeds/daily.atom?q=source:any").status_code == 400
    assert "is:picked" in client.get("/feeds/daily.atom?q=source:any").text
    response = client.get("/feeds/search.atom?q=reward&source=any")
    assert response.status_code == 400
    assert "q=is:picked" in response.text


def test_a_list_is_no_keyword(client: FlaskClient) -> None:
    assert client.get("/k/daily").headers["Location"].endswith("/daily")
    for path in ("/api/v1/keywords/daily", "/feeds/daily/2026-05.atom", "/export/k/daily.bib"):
        assert client.get(path).status_code == 404


# -- A month in the life of three clients of each list


@dataclass
class Client:
    """A client of one list feed that polls every so many days, and what it was shown."""

    poller: Poller
    days: int
    seen: dict[int, PollResult] = field(default_factory=dict)


@contextmanager
def clients_of(
    name: str, server: str, folder: Path, kinds: Mapping[str, Callable[[str, Path], Poller]]
) -> Iterator[list[Client]]:
    clients = []
    for days, (kind, make) in enumerate(kinds.items(), 1):
        (place := folder / f"{name}-{kind}").mkdir()
        clients.append(Client(make(f"{server}/feeds/{name}.atom", place), days))
    yield clients
    for client in clients:
        client.poller.close()


def walk(url: str) -> list[tuple[str, str]]:
    """Return the id and date of every entry of a feed, all pages."""
    found: list[tuple[str, str]] = []
    while url:
        document = requests.get(url, timeout=10).json()
        found += [(item["id"], item["date_published"]) for item in document["items"]]
        url = document.get("next_url", "")
    return found


@dataclass
class Month:
    """A month of picks: some every day, votes that grow, a community that is new in its middle."""

    redis: Redis
    random: Random = field(default_factory=lambda: Random(21))
    picks: dict[int, datetime] = field(default_factory=dict)

    def pass_hours(self, day: int, hours: range) -> None:
        """Let time pass: picks, counts and the hourly evaluation."""
        store, lists = Store(self.redis), PickLists(self.redis)
        for hour in hours:
            now = START + day * DAY + hour * HOUR
            if hour % 4 == 1 and now.weekday() < 5:
                number = len(self.picks) + 1
                self.picks[number] = now
                store.ingest([make_sighting(number), picked(number, 1, now)], now=now)
            recent = [n for n in self.picks if now - self.picks[n] < 9 * DAY]
            if hour % 4 == 2:
                most = {n: 200 if n % 3 else 5 for n in recent}
                counts = [
                    picked(n, self.random.randrange(3, most[n]), self.picks[n]) for n in recent
                ]
                store.ingest([_as_of(sighting, now) for sighting in counts], now=now)
            if day > 14 and hour == 4:
                store.ingest([picked(day, 900, now, "news")], now=now)
            [*PickListsTask(store, lists).fetch("", None, now)]  # type: ignore[arg-type]


def _as_of(sighting: Sighting, now: datetime) -> Sighting:
    assert sighting.pick
    pick = make_pick(
        sighting.id.number,
        picked_at=sighting.pick.picked_at,
        votes=sighting.pick.votes,
        comments=sighting.pick.votes,
        counted_at=now,
    )
    return pick._replace(as_of=now)


@pytest.mark.timeout(300)
def test_a_month_of_polling_shows_everything_once_and_moves_nothing(
    server: str, redis: Redis, tmp_path: Path
) -> None:
    month = Month(redis)
    for name in LIST_NAMES:
        feed = f"{server}/feeds/{name}.json"
        assert walk(feed) == []
    with (
        clients_of("picked", server, tmp_path, POLLERS) as picked_clients,
        clients_of("daily", server, tmp_path, POLLERS) as daily,
        clients_of("weekly", server, tmp_path, POLLERS) as weekly,
        clients_of("monthly", server, tmp_path, POLLERS) as monthly,
        clients_of("trending", server, tmp_path, POLLERS) as trending,
    ):
        everyone = dict(
            zip(LIST_NAMES, (picked_clients, daily, weekly, monthly, trending), strict=True)
        )
        history: dict[str, list[list[tuple[str, str]]]] = {name: [[]] for name in LIST_NAMES}
        for day in range(31):
            month.pass_hours(day, range(24))
            for name, clients in everyone.items():
                history[name].append(walk(f"{server}/feeds/{name}.json"))
                for client in clients:
                    if day % client.days == 0:
                        client.seen[day] = client.poller.poll()
    for name, clients in everyone.items():
        _check_month(name, history[name], clients)
    final = {name: states[-1] for name, states in history.items()}
    assert len(final["picked"]) == len(month.picks)
    assert {id for id, _ in final["monthly"]} <= {id for id, _ in final["picked"]}
    assert 0 < len(final["trending"]) < len(month.picks), "some are never among the first 20"
    assert len(final["monthly"]) == 50
    joined_daily = {id: date[:13] for id, date in final["daily"]}
    assert joined_daily == {
        f"https://arxiv.org/abs/2611.{n:05}": f"{(at + DAY):%Y-%m-%d}T00"
        for n, at in month.picks.items()
        if at < START + 30 * DAY
    }


def _check_month(name: str, states: list[list[tuple[str, str]]], clients: list[Client]) -> None:
    """Check that a list only grew at its top, and that clients saw each addition once."""
    for before, after in pairwise(states):
        assert after[len(after) - len(before) :] == before, f"{name}: something moved"
    dates = [date for _, date in states[-1]]
    assert dates == sorted(dates, reverse=True)
    assert len({id for id, _ in states[-1]}) == len(states[-1])
    grown = [len(after) - len(before) for before, after in pairwise(states)]
    for client in clients:
        for day, shown in client.seen.items():
            missed = grown[max(day + 1 - client.days, 0) : day + 1]
            assert shown == PollResult(sum(missed), 0), f"{name}, day {day}: {client.poller}"
    weeks = " | ".join(" ".join(map(str, grown[day : day + 7])) for day in range(0, 31, 7))
    print(f"{name}: {sum(grown)} joined, by day of each week: {weeks}")
    for client in clients:
        polls = list(client.seen.values())
        new, modified = sum(poll.new for poll in polls), sum(poll.modified for poll in polls)
        kind = type(client.poller).__name__
        print(f"  {kind}, {len(polls)} polls: {new} new, {modified} modified")
