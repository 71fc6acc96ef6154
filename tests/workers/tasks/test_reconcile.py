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
def test_lookback_covers_an_outage(succeeded_at: datetime | None, expected: date) -> None:
    assert lookback_start(succeeded_at, NOW) == expected


class Harness:
    """Runs tasks in a simulated world at its time."""

    def __init__(self, redis: Redis, world: Upstream) -> None:
        self.world, self.states, self.store = world, TaskStates(redis), Store(redis)
        settings = Settings(
            **world.settings(arxiv_interval=0.0), categories=("cs.CL", "cs.AI"), keywords={}
        )
        self.runner = TaskRunner(redis, settings, lambda: world.now)

    def run(self, task: str) -> str:
        done = self.runner.run(task, None)
        assert done["state"] == TaskStatus.OK, done
        return str(done["said"])


@pytest.fixture
def harness(redis: Redis, upstream: Upstream) -> Harness:
    upstream.set_time(NOW)
    return Harness(redis, upstream)


def test_missed_announcements_are_counted_and_filled(harness: Harness) -> None:
    seen = harness.world.announce(Manuscript(title="Seen", categories=("cs.CL", "cs.AI")))
    harness.run("announcements:cs.CL")
    missed = harness.world.announce(Manuscript(title="Missed", categories=("cs.AI", "cs.CL")))
    assert harness.run(RECONCILE_TASK) == (
        "2 papers announced since 2026-11-14, 1 of them missing here and filled in (1 in cs.CL)"
    )
    assert all(harness.store.get_papers([seen, missed]))
    assert (
        harness.run(RECONCILE_TASK)
        == "2 papers announced since 2026-11-14, none of them missing here"
    )


def test_revisions_are_stored_but_not_counted_as_missing(harness: Harness) -> None:
    paper = harness.world.announce(Manuscript(title="A Small Thing"))
    harness.run("announcements:cs.CL")
    harness.world.next_day()
    harness.world.withdraw(paper)
    assert harness.run(RECONCILE_TASK).startswith("0 papers announced")
    (stored,) = harness.store.get_papers([paper])
    assert stored is not None
    assert (stored.version, stored.withdrawn) == (2, True)
    assert stored.announced_at == datetime(2026, 11, 18, 5, tzinfo=UTC), "the feed's own date stays"


def test_reconciliation_brings_exact_dates_and_authors(harness: Harness) -> None:
    text = Manuscript(title="A Small Thing", authors=("Ada Example", "Bo Sample", "Cy Third"))
    paper = harness.world.announce(text)
    harness.run("announcements:cs.CL")
    harness.run(RECONCILE_TASK)
    (stored,) = harness.store.get_papers([paper])
    assert stored is not None
    assert stored.authors == text.authors
    assert stored.submitted_at == harness.world.preprint(paper).newest.submitted_at


def test_quiet_day_is_planned_for_tomorrow(harness: Harness) -> None:
    done = harness.runner.run(RECONCILE_TASK, None)
    assert done["state"] == TaskStatus.QUIET
    at = harness.states.due_time(RECONCILE_TASK)
    assert at is not None
    assert NOW + 20 * timedelta(hours=1) < at < NOW + 28 * timedelta(hours=1)


def test_refusal_fails_with_the_requested_wait(harness: Harness) -> None:
    harness.world.fail(503, "/oai", retry_after=600)
    assert harness.runner.run(RECONCILE_TASK, None)["state"] == TaskStatus.FAILING
    at = harness.states.due_time(RECONCILE_TASK)
    assert at is not None
    assert at >= NOW + timedelta(seconds=600)


def test_only_the_daily_task_exists(harness: Harness) -> None:
    assert "there is only oai:daily" in harness.runner.run("oai:hourly", None)["skipped"]


def test_list_shorter_than_declared_is_incomplete(redis: Redis) -> None:
    with Upstream(NOW, oai_page=2) as world:
        harness = Harness(redis, world)
        for n in range(5):
            world.announce(Manuscript(title=f"Paper {n}"))
        world.fail("thin", "/oai")
        assert harness.runner.run(RECONCILE_TASK, None)["state"] == TaskStatus.FAILING
        state = harness.states.get(RECONCILE_TASK)
        assert state is not None
        assert state.said == "arXiv's OAI-PMH declares 5 records but gave 3"
        assert harness.store.count_papers() == 3  # sound results are kept
        world.heal()
        harness.run(RECONCILE_TASK)
        assert harness.store.count_papers() == 5


def test_gap_is_stale_until_verified(harness: Harness) -> None:
    harness.world.announce(Manuscript(title="Before", categories=("cs.CL",)))
    assert harness.run(RECONCILE_TASK).startswith(
        "1 paper announced since 2026-11-14, 1 of them missing"
    )
    harness.world.announce(Manuscript(title="Missed", categories=("cs.AI",)))
    harness.world.announce(Manuscript(title="Missed too", categories=("cs.CL", "cs.AI")))
    done = harness.runner.run(RECONCILE_TASK, None)
    assert (done["state"], done["new"]) == (TaskStatus.STALE, 2)
    assert done["said"].endswith("2 of them missing here and filled in (1 in cs.CL, 1 in cs.AI)")
    at = harness.states.due_time(RECONCILE_TASK)
    assert at is not None
    assert at < NOW + timedelta(minutes=70)
    assert (
        harness.run(RECONCILE_TASK)
        == "3 papers announced since 2026-11-14, none of them missing here"
    )


def test_recent_announcement_is_not_counted_as_missing(harness: Harness) -> None:
    harness.runner.run(RECONCILE_TASK, None)
    harness.world.set_time(datetime(2026, 11, 19, 6, 30, tzinfo=UTC))
    harness.world.announce(Manuscript(title="Just now", categories=("cs.CL",)))
    done = harness.runner.run(RECONCILE_TASK, None)
    assert (done["state"], done["new"]) == (TaskStatus.OK, 1)
    assert done["said"].startswith("0 papers announced")


def test_flow_control_is_waited_for_within_a_list(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.fetch.arxiv_rate_limiter.INITIAL_OVERLOAD_BACKOFF", 0.05)
    with Upstream(NOW, oai_page=2) as world:
        harness = Harness(redis, world)
        for n in range(5):
            world.announce(Manuscript(title=f"Paper {n}", categories=("cs.CL",)))
        world.fail(503, "/oai", times=3, retry_after=0)
        assert harness.run(RECONCILE_TASK).startswith("5 papers announced")
        assert len(world.requests_to("/oai")) == 3 + 3 + 1
        world.fail(503, "/oai", times=4, retry_after=0)
        done = harness.runner.run(RECONCILE_TASK, None)
        assert done["state"] == TaskStatus.FAILING
