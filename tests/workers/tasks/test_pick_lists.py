"""What joins the lists of picks, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import BadParameter
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Pick, Sighting
from papers.model.periods import Period
from papers.query.parser import parse_query
from papers.query.request import LIST_NAMES, ListName, SearchRequest
from papers.state.task_states import TaskStates, TaskStatus
from papers.state.voting.pick_lists import PickLists
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from tests.workers.tasks.task_harness import Harness
from workers.registry import recurring_tasks
from workers.tasks.pick_lists import (
    MAX_MISSED_PERIODS,
    PICK_LISTS_TASK,
    TOP_PAPERS,
    TOP_TRENDING,
    PickListsTask,
    missed_periods,
)

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Lists:
    """A store whose lists are evaluated at any time."""

    def __init__(self, redis: Redis) -> None:
        self.store, self.lists = Store(redis), PickLists(redis)
        self.task = PickListsTask(self.store, self.lists)

    def pick(self, number: int, votes: int | None, at: datetime, community: str = "hf") -> None:
        pick = Pick(community, at, votes=votes, counted_at=at)
        channel = Channel.HUGGINGFACE if community == "hf" else Channel.COMMUNITY
        sighting = Sighting(ArxivId(202611, number), community, channel, at, pick=pick)
        self.store.ingest([sighting._replace(title=f"Paper {number}")], now=at)

    def evaluate(self, now: datetime) -> str:
        (result,) = self.task.fetch("", None, now)  # type: ignore[arg-type]  # asks no upstream
        return result.message

    def members(self, name: ListName) -> list[int]:
        request = SearchRequest(query=parse_query("is:picked"), listed=name, limit=200)
        return [paper.id.number for paper in self.store.search(request).papers]


@pytest.fixture
def lists(redis: Redis) -> Lists:
    return Lists(redis)


def test_the_best_of_a_day_join_when_it_is_over(lists: Lists) -> None:
    assert lists.evaluate(MONDAY + HOUR) == "none joined"
    for number in range(1, TOP_PAPERS + 11):
        lists.pick(number, votes=number, at=MONDAY + 3 * HOUR)
    lists.evaluate(MONDAY + 23 * HOUR)
    assert lists.members("daily") == []
    assert lists.evaluate(MONDAY + DAY).startswith(f"joined: {TOP_PAPERS} in daily")
    assert lists.members("daily") == [*range(TOP_PAPERS + 10, 10, -1)]
    lists.pick(5, votes=1_000, at=MONDAY + DAY + HOUR)
    lists.evaluate(MONDAY + DAY + 2 * HOUR)
    lists.evaluate(MONDAY + 2 * DAY)
    assert 5 not in lists.members("daily"), "votes after the end of the day do not count"


def test_weeks_and_months_join_when_they_are_over(lists: Lists) -> None:
    lists.evaluate(MONDAY)
    lists.pick(1, 5, MONDAY + HOUR)
    lists.pick(2, 9, MONDAY + 6 * DAY)
    lists.evaluate(MONDAY + 6 * DAY + 23 * HOUR)
    assert lists.members("weekly") == []
    lists.evaluate(MONDAY + 7 * DAY)
    assert lists.members("weekly") == [2, 1]
    assert lists.members("monthly") == []
    lists.evaluate(datetime(2026, 12, 1, tzinfo=UTC))
    assert lists.members("monthly") == [2, 1]


def test_days_that_ended_during_an_outage_join_afterwards_oldest_first(lists: Lists) -> None:
    lists.evaluate(MONDAY)
    for day in range(4):
        lists.pick(day + 1, 5, MONDAY + day * DAY + HOUR)
    assert lists.evaluate(MONDAY + 4 * DAY + HOUR) == "joined: 4 in daily, 4 in trending"
    assert sorted(lists.members("daily")) == [1, 2, 3, 4]
    assert lists.lists.evaluated_period("daily") == "2026-11-05"
    assert lists.evaluate(MONDAY + 4 * DAY + 2 * HOUR) == "none joined"


def test_a_new_installation_begins_with_the_running_periods(lists: Lists) -> None:
    lists.pick(1, 5, MONDAY - DAY)
    lists.pick(2, 5, MONDAY + HOUR)
    lists.evaluate(MONDAY + 2 * HOUR)
    assert lists.members("daily") == []
    lists.evaluate(MONDAY + DAY)
    assert lists.members("daily") == [2]


def test_the_first_of_the_hourly_ranking_join_what_trends(lists: Lists) -> None:
    for number in range(1, TOP_TRENDING + 6):
        lists.pick(number, votes=number, at=MONDAY + HOUR)
    lists.pick(99, votes=0, at=MONDAY + HOUR)
    lists.pick(98, votes=None, at=MONDAY + HOUR, community="blog")
    lists.evaluate(MONDAY + 2 * HOUR)
    expected = [*range(TOP_TRENDING + 5, 5, -1)]
    assert lists.members("trending") == expected
    lists.pick(1, votes=500, at=MONDAY + 3 * HOUR)
    lists.evaluate(MONDAY + 3 * HOUR)
    assert lists.members("trending") == [1, *expected], "the others stay, whatever trends now"


def test_points_of_another_community_do_not_crowd_out_votes(lists: Lists) -> None:
    for number in range(1, 41):
        lists.pick(number, votes=number, at=MONDAY + HOUR)
        lists.pick(100 + number, votes=100 * number, at=MONDAY + HOUR, community="news")
    lists.evaluate(MONDAY + 2 * HOUR)
    joined = lists.members("trending")
    assert len([number for number in joined if number < 100]) in range(8, 13), joined


@pytest.mark.parametrize(
    ("evaluated", "last", "count"),
    [
        ("2026-11-01", "2026-11-01", 0),
        ("2026-11-01", "2026-11-04", 3),
        ("2026-11-05", "2026-11-04", 0),
        ("2020-01-01", "2026-11-04", MAX_MISSED_PERIODS),
    ],
)
def test_missed_periods(evaluated: str, last: str, count: int) -> None:
    first, newest = Period.parse("day", evaluated), Period.parse("day", last)
    missed = missed_periods(first, newest)
    assert len(missed) == count
    assert not missed or missed[-1] == newest


def test_the_task_runs_hourly_and_takes_no_subject(redis: Redis, upstream: Upstream) -> None:
    harness = Harness(redis, upstream)
    done = harness.run(PICK_LISTS_TASK, 0)
    assert (done["state"], done["said"]) == (TaskStatus.QUIET, "none joined")
    due = TaskStates(redis).due_time(PICK_LISTS_TASK)
    assert due
    assert timedelta() < due - harness.world.now.replace(minute=0) - HOUR < timedelta(minutes=3)
    assert PICK_LISTS_TASK in recurring_tasks(Settings())
    with pytest.raises(BadParameter, match="there is only lists"):
        next(PickListsTask(harness.store, PickLists(redis)).fetch("daily", None, MONDAY))  # type: ignore[arg-type]
    assert {"picked", "daily", "weekly", "monthly", "trending"} == set(LIST_NAMES)
