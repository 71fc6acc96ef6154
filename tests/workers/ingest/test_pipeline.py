from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import BadParameter, SourceError, SourceUnreachable
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Sighting
from papers.records.paper_size import ABSURD_SIZE, MAX_PAPER_CHARACTERS
from papers.redis_backend import keys
from papers.state.task_states import Progress, TaskStates, TaskStatus
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.workers.ingest.upstream_answers import TASK, answer
from workers.fetch.arxiv_rate_limiter import ArxivRateLimiter
from workers.fetch.fetcher import Fetcher
from workers.ingest.expected_volume import VolumeCheck
from workers.ingest.pipeline import (
    IngestPipeline,
    TaskReport,
)
from workers.notify import channels
from workers.registry import task_kinds
from workers.schedule.task_kind import TaskContext, kind_of
from workers.sources.result import FetchFunction, FetchResult, RejectedRecord, UpstreamClients

NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)
"""A Wednesday, ten hours after Eastern midnight."""

HOUR = timedelta(hours=1)


class Harness:
    """Runs tasks in a simulated world at its time."""

    def __init__(self, redis: Redis, world: Upstream) -> None:
        self.world, self.redis = world, redis
        self.store, self.states = Store(redis), TaskStates(redis)
        settings = Settings(**world.settings(arxiv_interval=0.0, fetch_timeout=2.0))
        limiter = ArxivRateLimiter(redis, 0.0, max_wait=1.0)
        self.upstreams = UpstreamClients(settings, Fetcher(settings, redis, limiter))

    def run(self, task: str, fetch: FetchFunction | None = None) -> TaskReport:
        kinds, kind = task_kinds(), kind_of(task)
        if fetch:
            kinds[kind] = replace(kinds[kind], build_fetch=lambda context: fetch)
        clock = lambda: self.world.now  # noqa: E731 - the world's time moves
        volume_check = VolumeCheck(self.redis, self.states, can_reconcile=False)
        context = TaskContext(self.store, self.redis)
        pipeline = IngestPipeline(
            context, self.states, self.upstreams, kinds, volume_check, channels.changed, clock
        )
        return pipeline.run(task)


@pytest.fixture
def harness(redis: Redis, upstream: Upstream) -> Harness:
    upstream.set_time(NOW)
    return Harness(redis, upstream)


def sightings(*numbers: int, title: str = "A Small Thing") -> tuple[Sighting, ...]:
    return tuple(
        Sighting(ArxivId(202611, n), "arxiv", Channel.API, NOW, 1, title=title) for n in numbers
    )


def source_of(*fetched: FetchResult, error: SourceError | None = None) -> FetchFunction:
    """A source that yields these results and then raises."""

    def fetch(subject: str, upstreams: UpstreamClients, now: datetime) -> Iterator[FetchResult]:
        yield from fetched
        if error:
            raise error

    return fetch


def test_announced_papers_are_stored(harness: Harness) -> None:
    ids = [harness.world.announce(Manuscript(title=f"Paper {n}")) for n in range(3)]
    report = harness.run(TASK)
    assert (report.state.state, report.state.got, report.new) == (TaskStatus.OK, 3, 3)
    assert [paper and paper.title for paper in harness.store.get_papers(ids)] == [
        *("Paper 0", "Paper 1", "Paper 2")
    ]
    assert harness.states.get(TASK) == report.state


def test_unchanged_feed_stays_ok_and_changes_nothing(harness: Harness) -> None:
    harness.world.announce(Manuscript(title="A Small Thing"))
    harness.run(TASK)
    revision = harness.store.revision()
    again = harness.run(TASK)
    assert harness.world.log[-1].status == 304
    assert (again.state.state, again.state.got) == (TaskStatus.OK, 0)
    assert harness.store.revision() == revision


def test_weekend_is_quiet(harness: Harness) -> None:
    harness.world.set_time(NOW + 72 * HOUR)
    report = harness.run(TASK)
    assert report.state.state is TaskStatus.QUIET
    assert report.state.succeeded_at == harness.world.now
    assert report.state.failures == 0


def test_yesterdays_batch_is_stale_and_fetched_again_soon(harness: Harness) -> None:
    old = harness.world.announce(Manuscript(title="Yesterday's"))
    harness.world.next_day()
    harness.world.announce(Manuscript(title="Today's"))
    harness.world.fail("stale", times=1)
    stale = harness.run(TASK)
    assert stale.state.state is TaskStatus.STALE
    assert stale.state.succeeded_at is None
    assert stale.state.next_at is not None
    assert stale.state.next_at < harness.world.now + 2 * HOUR
    assert [paper is not None for paper in harness.store.get_papers([old])] == [True]
    assert harness.run(TASK).state.state is TaskStatus.OK
    assert harness.store.count_papers() == 2


# Faults, and a pattern of the message.
FAULTS: list[tuple[str | int, str]] = [
    (503, "503"),
    (429, "429"),
    (406, "406"),
    ("rate-exceeded", "Rate exceeded"),
    ("html", "Sorry"),
    ("empty", "empty"),
    ("half", "cut|missing|half"),
    ("cut", "rss/atom"),
    ("reset", "rss/atom"),
]


@pytest.mark.parametrize(("fault", "text"), FAULTS)
def test_faults_are_reported_and_recovered_from(
    harness: Harness, fault: str | int, text: str
) -> None:
    for n in range(20):
        harness.world.announce(Manuscript(title=f"Paper {n}"))
    harness.world.fail(fault, times=1)
    failing = harness.run(TASK).state
    assert (failing.state, failing.failures, failing.succeeded_at) == (TaskStatus.FAILING, 1, None)
    assert re.search(text, failing.said), failing.said
    assert not harness.redis.hexists(keys.VALIDATORS, TASK)
    harness.redis.delete(keys.ARXIV_RATE_LIMIT)  # the limiter's own back-off is tested elsewhere
    recovered = harness.run(TASK).state
    assert (recovered.state, recovered.failures) == (TaskStatus.OK, 0)
    assert harness.store.count_papers() == 20


def test_requested_wait_is_obeyed(harness: Harness) -> None:
    harness.world.fail(503, retry_after=5400.0, times=1)
    assert harness.run(TASK).state.next_at == NOW + timedelta(seconds=5400)


def test_results_before_a_failure_are_kept(harness: Harness) -> None:
    cut_off = SourceUnreachable("cut off")
    report = harness.run(
        TASK, source_of(FetchResult(sightings(1, 2), record_count=2), error=cut_off)
    )
    assert (report.state.state, report.state.said, report.new) == (TaskStatus.FAILING, "cut off", 2)
    assert harness.store.count_papers() == 2


def test_validators_are_saved_after_the_result_is_stored(harness: Harness) -> None:
    seen: list[tuple[int, bool]] = []

    def record_state() -> None:
        existing = harness.redis.hexists(keys.VALIDATORS, TASK)
        seen.append((harness.store.count_papers(), bool(existing)))

    def fetch(subject: str, upstreams: UpstreamClients, now: datetime) -> Iterator[FetchResult]:
        record_state()
        yield FetchResult(sightings(1), record_count=1, response=answer(ETag='"1"'))
        record_state()

    harness.run(TASK, fetch)
    assert seen == [(0, False), (1, True)]


@pytest.mark.parametrize(
    "flaw",
    [
        {"stale": True},
        {"complete": False},
        {"rejected": (RejectedRecord("no id", "x"),), "record_count": 1},
    ],
    ids=["stale", "incomplete", "unreadable"],
)
def test_flawed_results_do_not_advance_the_cursor(
    harness: Harness, flaw: dict[str, object]
) -> None:
    result = replace(FetchResult(response=answer(ETag='"1"')), **flaw)  # type: ignore[arg-type]
    harness.run(TASK, source_of(result))
    assert harness.redis.hlen(keys.VALIDATORS) == 0
    assert harness.states.all()[0].succeeded_at is None


def test_rejected_record_is_quarantined_once(harness: Harness) -> None:
    result = FetchResult(
        sightings(1), rejected=(RejectedRecord("no title", "<entry>"),), record_count=2
    )
    reports = [harness.run(TASK, source_of(result)) for _ in range(3)]
    assert [report.state.state for report in reports] == [TaskStatus.OK] * 3
    assert [(r.task, r.reason, r.excerpt) for r in harness.states.list_quarantined(9)] == [
        (TASK, "no title", "<entry>")
    ]


def test_poison_record_is_quarantined_alone(harness: Harness) -> None:
    poison = sightings(3, title="cut in half: \ud83d")
    result = FetchResult((*sightings(1, 2), *poison, *sightings(4, 5)), record_count=5)
    report = harness.run(TASK, source_of(result))
    assert (report.new, report.quarantined, harness.store.count_papers()) == (4, 1, 4)
    [aside] = harness.states.list_quarantined(9)
    assert "cannot be stored" in aside.reason
    assert "cut in half" in aside.excerpt


def test_progress_is_shown_during_the_run(harness: Harness) -> None:
    shown: list[list[Progress]] = []

    def fetch(subject: str, upstreams: UpstreamClients, now: datetime) -> Iterator[FetchResult]:
        yield FetchResult(sightings(1), record_count=1, done=1, total=2)
        shown.append(harness.states.list_progress())
        harness.world.set_time(NOW + timedelta(seconds=4))
        yield FetchResult(sightings(2), record_count=1, done=2, total=2)
        shown.append(harness.states.list_progress())

    harness.run(TASK, fetch)
    assert [(run.done, run.remaining, run.records_per_second) for [run] in shown] == [
        (1, 1, 0.0),
        (2, 0, 0.5),
    ]
    assert harness.states.list_progress() == []


def test_new_picks_schedule_enrichment(harness: Harness) -> None:
    harness.run("community:weekly", source_of(FetchResult(sightings(1), record_count=1)))
    assert harness.states.due_tasks(NOW) == ["enrich"]


def test_community_feed_obeys_max_age(harness: Harness) -> None:
    result = FetchResult(
        sightings(1), record_count=1, response=answer(Cache_Control="public, max-age=36000")
    )
    assert harness.run("community:weekly", source_of(result)).state.next_at == NOW + 10 * HOUR


def test_unknown_task_is_bad_input(harness: Harness) -> None:
    with pytest.raises(BadParameter, match="there is no such kind of task"):
        harness.run("nothing:at-all")


def test_community_may_read_the_address_of_an_announcement(harness: Harness) -> None:
    """Each has validators of its own: a 304 for one says nothing about the other."""
    url = f"{harness.world.url}/rss/atom/cs.CL"
    harness.upstreams = replace(
        harness.upstreams,
        settings=replace(harness.upstreams.settings, communities={"digest": url}),
    )
    harness.world.announce(Manuscript(title="A paper"))
    tasks = (TASK, "community:digest")
    first = [harness.run(task).state for task in tasks]
    again = [harness.run(task).state for task in tasks]
    assert [(state.state, state.got) for state in first] == [(TaskStatus.OK, 1)] * 2
    assert [state.state for state in again] == [TaskStatus.OK] * 2
    assert ["not changed" in state.said for state in again] == [True, True]
    assert harness.redis.hlen(keys.VALIDATORS) == 2


def test_state_says_what_was_passed_over_and_why(harness: Harness) -> None:
    """Of several responses too, whose own messages are not shown."""
    parts = [
        FetchResult(sightings(1), record_count=3, skipped=2, skip_reason="not on arXiv"),
        FetchResult(sightings(2), record_count=2, skipped=1, skip_reason="not on arXiv"),
        FetchResult(sightings(3), record_count=1, skip_reason="not on arXiv"),
    ]
    report = harness.run(TASK, source_of(*parts))
    assert report.state.said == "6 records in 3 answers; 3 passed over: not on arXiv"
    assert report.state.state is TaskStatus.OK


@pytest.mark.parametrize(
    "huge",
    [
        {"abstract": "x" * (MAX_PAPER_CHARACTERS + 1)},
        {"authors": ("An Author",) * 100_000},
    ],
    ids=["text", "authors"],
)
def test_paper_of_absurd_size_is_set_aside_alone(harness: Harness, huge: dict[str, object]) -> None:
    absurd = sightings(2)[0]._replace(**huge)  # type: ignore[arg-type]
    some = (*sightings(1), absurd, *sightings(3))
    report = harness.run(TASK, source_of(FetchResult(some, record_count=3)))
    assert (report.state.state, report.new, report.quarantined) == (TaskStatus.OK, 2, 1)
    (record,) = harness.states.list_quarantined(9)
    assert record.reason.startswith(ABSURD_SIZE)
    assert "2611.00002" in record.excerpt or "number=2" in record.excerpt
    assert len(record.excerpt) <= 500


def test_paper_of_5000_authors_is_stored(harness: Harness) -> None:
    large = sightings(1)[0]._replace(authors=("A. N. Author of a Collaboration",) * 5_000)
    assert harness.run(TASK, source_of(FetchResult((large,), record_count=1))).new == 1
