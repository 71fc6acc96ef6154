from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer

from papers.config.settings import Settings
from papers.errors import BadParameter, StoreUnavailable
from papers.redis_backend import keys
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStates, TaskStatus
from papers.store import Store
from papers.telemetry.metric_recorder import Histogram, RecordedMetrics
from papers.telemetry.metric_table import (
    ANNOUNCEMENT_SECONDS,
    INGESTED_PAPERS,
    QUEUE_SECONDS,
    TASK_SECONDS,
    MetricSpec,
)
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from service import workload
from service.pages.parts import trial_requests
from workers import jobs, trial
from workers.ingest.pipeline import IngestPipeline
from workers.jobs import TaskInterrupted, TaskRunner
from workers.rq_worker import ALLOWED_JOBS, AllowedJob, PaperwireWorker
from workers.schedule.lease import Lease
from workers.schedule.scheduler import CLAIM_TTL

NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)
TASK = "announcements:cs.CL"
ROOT = Path(__file__).parents[2]


class Harness:
    """Runs tasks in a simulated world at its time."""

    def __init__(self, redis: Redis, world: Upstream) -> None:
        self.redis, self.world = redis, world
        self.states, self.store = TaskStates(redis), Store(redis)
        self.settings = Settings(**world.settings(arxiv_interval=0.0))
        self.runner = TaskRunner(redis, self.settings, lambda: world.now)

    def run(self, task: str = TASK, asked_at: datetime | None = None) -> dict[str, Any]:
        return self.runner.run(task, asked_at.timestamp() if asked_at else None)


@pytest.fixture
def harness(redis: Redis, upstream: Upstream) -> Harness:
    upstream.set_time(NOW)
    return Harness(redis, upstream)


@contextmanager
def every_ingest_raises(error: BaseException) -> Iterator[None]:
    """Make every ingest raise this error."""

    def run(self: IngestPipeline, task: str) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(IngestPipeline, "run", run)
        yield


def test_task_runs_and_is_scheduled_again(harness: Harness) -> None:
    harness.world.announce(Manuscript(title="A Small Thing"))
    done = harness.run()
    state = harness.states.get(TASK)
    assert state is not None
    assert (done["state"], done["got"], done["new"]) == ("ok", 1, 1)
    assert state.next_at == harness.states.due_time(TASK)
    assert json.loads(json.dumps(done)) == done
    assert harness.redis.keys("lock:*") == []


def test_concurrent_job_is_skipped(harness: Harness) -> None:
    lock = Lease(harness.redis, keys.task_lock(TASK), 60.0)
    assert lock.acquire()
    assert harness.run() == {"task": TASK, "skipped": "it is being run"}
    assert harness.world.log == []
    lock.release()
    assert "state" in harness.run()


def test_repeated_or_late_wake_up_is_skipped(harness: Harness) -> None:
    request = harness.world.now - timedelta(seconds=5)
    assert "state" in harness.run(asked_at=request)
    assert harness.run(asked_at=request) == {"task": TASK, "skipped": "it was run since"}
    assert len(harness.world.log) == 1
    assert "state" in harness.run(asked_at=harness.world.now + timedelta(seconds=1))
    assert "state" in harness.run()


def test_attempt_in_the_future_does_not_block_a_task(harness: Harness) -> None:
    right = harness.world.now
    harness.world.set_time(right + timedelta(days=30))  # the clock was wrong
    harness.run()
    harness.world.set_time(right)
    assert "state" in harness.run(asked_at=right)


def test_claim_is_renewed_while_the_job_runs(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LOCK_SECONDS", 0.3)
    seen: list[tuple[datetime | None, int]] = []
    original_run = IngestPipeline.run

    def slow(self: IngestPipeline, task: str) -> Any:
        time.sleep(0.5)
        seen.append((harness.states.due_time(task), harness.redis.pttl(keys.task_lock(task))))
        return original_run(self, task)

    monkeypatch.setattr(IngestPipeline, "run", slow)
    harness.run()
    [(due, left)] = seen
    assert due == harness.world.now + CLAIM_TTL
    assert left > 0


def test_unconfigured_task_is_deleted(harness: Harness) -> None:
    for task in ("nothing:at-all", "fill:gone", "community:gone", "hf:tomorrow", ""):
        harness.states.schedule(task, NOW)
        assert "skipped" in harness.run(task)
    assert harness.states.due_times() == {}
    assert harness.states.all() == []


def test_initial_fetch_runs_once(harness: Harness) -> None:
    Keywords(harness.redis).add("Rewards", "reward", now=NOW)
    assert harness.run("fill:rewards")["state"] == "quiet"
    assert harness.states.due_times() == {}


def test_unexpected_error_is_recorded_and_raised(harness: Harness) -> None:
    with every_ingest_raises(RuntimeError("a bug")), pytest.raises(RuntimeError, match="a bug"):
        harness.run()
    state = harness.states.get(TASK)
    assert state is not None
    assert (state.state, state.failures) == (TaskStatus.FAILING, 1)
    assert "a bug" in state.said
    assert state.next_at == harness.states.due_time(TASK)
    assert state.next_at is not None
    assert state.next_at > NOW
    assert harness.redis.keys("lock:*") == []


def test_unavailable_store_leaves_the_task_due(harness: Harness) -> None:
    harness.states.schedule(TASK, NOW)
    with every_ingest_raises(StoreUnavailable("gone")), pytest.raises(StoreUnavailable):
        harness.run()
    assert harness.states.get(TASK) is None
    assert harness.states.due_tasks(NOW) == [TASK]


def test_interrupted_task_is_due_at_once(harness: Harness) -> None:
    harness.states.schedule(TASK, NOW + timedelta(hours=1))
    with every_ingest_raises(TaskInterrupted()), pytest.raises(TaskInterrupted):
        harness.run()
    assert harness.states.due_tasks(NOW) == [TASK]
    assert harness.redis.keys("lock:*") == []


def test_job_names_are_fixed() -> None:
    assert {"workers.jobs.run": jobs.run, "workers.trial.run": trial.run} == ALLOWED_JOBS
    assert trial_requests.TRIAL_JOB == trial.FEED_TRIAL_JOB
    assert workload.QUEUE_NAME == jobs.QUEUE_NAME
    names = (jobs.QUEUE_NAME, jobs.BACKGROUND_QUEUE_NAME)
    assert tuple(f"rq:queue:{name}" for name in names) == workload.QUEUE_KEYS


def test_wake_up_is_json_with_short_lifetime(redis: Redis) -> None:
    jobs.enqueue_task(redis, TASK, NOW)
    [job] = jobs.job_queue(redis).jobs
    assert (job.func_name, job.args) == ("workers.jobs.run", [TASK, NOW.timestamp()])
    assert (job.result_ttl, job.failure_ttl, job.timeout) == (0, 3600, 900)
    raw: Any = redis.hget(job.key, "data")
    assert b"pickle" not in raw


@pytest.mark.parametrize(
    ("task", "background"),
    [("fill:mllm", True), ("backfill", True), ("hf:today", False), ("closing", False)],
)
def test_initial_fetches_and_backfills_have_a_queue_of_their_own(
    redis: Redis, task: str, background: bool
) -> None:
    jobs.enqueue_task(redis, task, NOW)
    assert jobs.job_queue(redis, background=background).count == 1
    assert jobs.job_queue(redis, background=not background).count == 0
    assert jobs.background_job_count(redis) == background


def test_worker_takes_background_jobs_last(redis: Redis) -> None:
    worker = PaperwireWorker(redis, threading.Event())
    assert worker.queue_names() == ["paperwire", "paperwire-background"]


FORBIDDEN_JOBS = [
    "os.system",
    "subprocess.run",
    "builtins.eval",
    "workers.jobs.enqueue_task",
    "",
    "workers.jobs",
]


@pytest.mark.row("jobs that are not ours")
@pytest.mark.parametrize("name", FORBIDDEN_JOBS)
def test_other_function_is_refused_before_import(redis: Redis, name: str) -> None:
    queue = jobs.job_queue(redis)
    id = queue.enqueue_call(name or "x", args=("true",)).id
    if not name:
        raw = json.dumps(["", None, [], {}])
        redis.hset(f"rq:job:{id}", "data", raw)
    job = AllowedJob.fetch(id, connection=redis, serializer=JSONSerializer)
    with pytest.raises(BadParameter, match="it is not run"):
        job.perform()


@pytest.mark.row("jobs that are not ours")
def test_callbacks_and_webhooks_are_ignored(redis: Redis) -> None:
    job = Job.create(jobs.RUN_TASK_JOB, args=(TASK,), connection=redis, serializer=JSONSerializer)
    job.save()
    fields: dict[Any, Any] = dict.fromkeys(
        ("success_callback_name", "failure_callback_name", "stopped_callback_name"), "os.system"
    )
    fields["webhooks"] = json.dumps([{"url": "http://127.0.0.1:1/", "job_status": "finished"}])
    redis.hset(job.key, mapping=fields)
    fetched = AllowedJob.fetch(job.id, connection=redis, serializer=JSONSerializer)
    assert fetched.success_callback is None
    assert fetched.failure_callback is None
    assert fetched.stopped_callback is None
    fetched.send_webhooks("finished")


def recorded_by(harness: Harness, spec: MetricSpec) -> dict[tuple[str, ...], Histogram]:
    """Return a histogram that jobs have added to."""
    return dict(RecordedMetrics(harness.redis).histograms(spec))


def test_task_is_counted_with_its_wait_and_its_papers(harness: Harness) -> None:
    harness.world.announce(Manuscript(title="A Small Thing"))
    harness.run(asked_at=NOW - timedelta(seconds=7))
    waits = recorded_by(harness, QUEUE_SECONDS)[()]
    assert (waits.total, waits.sum) == (1, 7)
    assert recorded_by(harness, TASK_SECONDS)["announcements", "ok"].total == 1
    papers = dict(RecordedMetrics(harness.redis).counters(INGESTED_PAPERS))
    assert papers == {("announcements", "new"): 1}
    assert recorded_by(harness, ANNOUNCEMENT_SECONDS) == {}  # nobody knows since when it is there


def test_delay_of_an_announcement_counts_from_the_last_request_without_it(harness: Harness) -> None:
    morning = NOW.replace(hour=5, minute=2)
    harness.world.set_time(morning)
    harness.run()
    harness.world.set_time(morning + timedelta(seconds=40))
    harness.run()
    assert recorded_by(harness, ANNOUNCEMENT_SECONDS) == {}
    harness.world.announce(Manuscript(title="A Small Thing"))
    harness.world.set_time(morning + timedelta(seconds=75))
    harness.run()
    (delay,) = recorded_by(harness, ANNOUNCEMENT_SECONDS).values()
    assert (delay.total, delay.sum) == (1, 35)


def test_delay_of_an_announcement_found_at_once_counts_from_midnight(harness: Harness) -> None:
    harness.world.set_time(NOW.replace(hour=5, minute=2))
    harness.world.announce(Manuscript(title="A Small Thing"))
    harness.run()
    (delay,) = recorded_by(harness, ANNOUNCEMENT_SECONDS).values()
    assert (delay.total, delay.sum) == (1, 120)


def test_failed_task_is_counted_as_failing(harness: Harness) -> None:
    harness.world.fail(500)
    harness.run()
    ((labels, series),) = recorded_by(harness, TASK_SECONDS).items()
    assert labels == ("announcements", "failing")
    assert series.total == 1
