from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.state.task_states import TaskStates, TaskStatus
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from workers.jobs import TaskRunner
from workers.tasks.reconcile import RECONCILE_TASK, lookback_start

NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)
DAY = timedelta(days=1)

FIRST_DAYS = (
    (None, date(2026, 11, 14)),
    (NOW - DAY, date(2026, 11, 14)),
    (NOW - 5 * DAY, date(2026, 11, 12)),
    (NOW - 100 * DAY, date(2026, 10, 18)),
)


@pytest.mark.parametrize(("succeeded_at", "expected"), FIRST_DAYS)
def test_an_outage_is_looked_back_over(succeeded_at: datetime | None, expected: date) -> None:
    assert lookback_start(succeeded_at, NOW) == expected


class Desk:
    """Runs tasks in a world at its time."""

    def __init__(self, redis: Redis, world: Upstream) -> None:
        self.world, self.states, self.store = world, TaskStates(redis), Store(redis)
        settings = Settings(
            **world.settings(arxiv_interval=0.0), categories=("cs.CL", "cs.AI"), keywords={}
        )
        self.runner = TaskRunner(redis, settings, lambda: world.now)

    def said(self, task: str) -> str:
        done = self.runner.run(task, None)
        assert done["state"] == TaskStatus.OK, done
        return str(done["said"])


@pytest.fixture
def desk(redis: Redis, upstream: Upstream) -> Desk:
    upstream.set_time(NOW)
    return Desk(redis, upstream)


def test_what_the_announcements_missed_is_counted_and_filled(desk: Desk) -> None:
    seen = desk.world.announce(Manuscript(title="Seen", categories=("cs.CL", "cs.AI")))
    desk.said("announcements:cs.CL")
    missed = desk.world.announce(Manuscript(title="Missed", categories=("cs.AI", "cs.CL")))
    assert desk.said(RECONCILE_TASK) == (
        "2 papers announced since 2026-11-14, 1 of them missing here and filled in (1 in cs.CL)"
    )
    assert all(desk.store.get_papers([seen, missed]))
    assert (
        desk.said(RECONCILE_TASK)
        == "2 papers announced since 2026-11-14, none of them missing here"
    )


def test_revisions_are_no_gap_but_are_taken_in(desk: Desk) -> None:
    paper = desk.world.announce(Manuscript(title="A Small Thing"))
    desk.said("announcements:cs.CL")
    desk.world.next_day()
    desk.world.withdraw(paper)
    assert desk.said(RECONCILE_TASK).startswith("0 papers announced")
    (known,) = desk.store.get_papers([paper])
    assert known is not None
    assert (known.version, known.withdrawn) == (2, True)
    assert known.announced_at == datetime(2026, 11, 18, 5, tzinfo=UTC), "the feed's own date stays"


def test_exact_dates_and_authors_come_with_it(desk: Desk) -> None:
    text = Manuscript(title="A Small Thing", authors=("Ada Example", "Bo Sample", "Cy Third"))
    paper = desk.world.announce(text)
    desk.said("announcements:cs.CL")
    desk.said(RECONCILE_TASK)
    (known,) = desk.store.get_papers([paper])
    assert known is not None
    assert known.authors == text.authors
    assert known.submitted_at == desk.world.preprint(paper).newest.submitted_at


def test_a_quiet_day_is_quiet_and_tomorrow_is_planned(desk: Desk) -> None:
    done = desk.runner.run(RECONCILE_TASK, None)
    assert done["state"] == TaskStatus.QUIET
    at = desk.states.due_time(RECONCILE_TASK)
    assert at is not None
    assert NOW + 20 * timedelta(hours=1) < at < NOW + 28 * timedelta(hours=1)


def test_a_refusal_is_a_failure_with_arxivs_own_wait(desk: Desk) -> None:
    desk.world.fail(503, "/oai", retry_after=600)
    assert desk.runner.run(RECONCILE_TASK, None)["state"] == TaskStatus.FAILING
    at = desk.states.due_time(RECONCILE_TASK)
    assert at is not None
    assert at >= NOW + timedelta(seconds=600)


def test_there_is_only_the_daily_one(desk: Desk) -> None:
    assert "there is only oai:daily" in desk.runner.run("oai:hourly", None)["skipped"]


def test_a_list_shorter_than_it_declares_is_incomplete(redis: Redis) -> None:
    with Upstream(NOW, oai_page=2) as world:
        desk = Desk(redis, world)
        for n in range(5):
            world.announce(Manuscript(title=f"Paper {n}"))
        world.fail("thin", "/oai")
        assert desk.runner.run(RECONCILE_TASK, None)["state"] == TaskStatus.FAILING
        state = desk.states.get(RECONCILE_TASK)
        assert state is not None
        assert state.said == "arXiv's OAI-PMH declares 5 records but gave 3"
        assert desk.store.count_papers() == 3  # what came is sound, and stays
        world.heal()
        desk.said(RECONCILE_TASK)
        assert desk.store.count_papers() == 5


def test_a_gap_is_stale_until_it_is_seen_to_be_filled(desk: Desk) -> None:
    desk.world.announce(Manuscript(title="Before", categories=("cs.CL",)))
    assert desk.said(RECONCILE_TASK).startswith(
        "1 papers announced since 2026-11-14, 1 of them missing"
    )
    desk.world.announce(Manuscript(title="Missed", categories=("cs.AI",)))
    desk.world.announce(Manuscript(title="Missed too", categories=("cs.CL", "cs.AI")))
    done = desk.runner.run(RECONCILE_TASK, None)
    assert (done["state"], done["new"]) == (TaskStatus.STALE, 2)
    assert done["said"].endswith("2 of them missing here and filled in (1 in cs.CL, 1 in cs.AI)")
    at = desk.states.due_time(RECONCILE_TASK)
    assert at is not None
    assert at < NOW + timedelta(minutes=70)
    assert (
        desk.said(RECONCILE_TASK)
        == "3 papers announced since 2026-11-14, none of them missing here"
    )


def test_what_was_announced_just_now_is_not_missed_yet(desk: Desk) -> None:
    desk.runner.run(RECONCILE_TASK, None)
    desk.world.set_time(datetime(2026, 11, 19, 6, 30, tzinfo=UTC))
    desk.world.announce(Manuscript(title="Just now", categories=("cs.CL",)))
    done = desk.runner.run(RECONCILE_TASK, None)
    assert (done["state"], done["new"]) == (TaskStatus.OK, 1)
    assert done["said"].startswith("0 papers announced")


def test_flow_control_is_waited_for_in_the_midst_of_a_list(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.fetch.arxiv_rate_limiter.INITIAL_OVERLOAD_BACKOFF", 0.05)
    with Upstream(NOW, oai_page=2) as world:
        desk = Desk(redis, world)
        for n in range(5):
            world.announce(Manuscript(title=f"Paper {n}", categories=("cs.CL",)))
        world.fail(503, "/oai", times=3, retry_after=0)
        assert desk.said(RECONCILE_TASK).startswith("5 papers announced")
        assert len(world.requests_to("/oai")) == 3 + 3 + 1
        world.fail(503, "/oai", times=4, retry_after=0)
        done = desk.runner.run(RECONCILE_TASK, None)
        assert done["state"] == TaskStatus.FAILING
