from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from papers.config.settings import Settings
from papers.errors import BadParameter, StoreUnavailable
from papers.redis_backend import keys
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStates, TaskStatus
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from service.pages.parts import trial_requests
from tests.papers.server import private_server
from tests.paperwire.processes import descendants, is_running
from workers import jobs, trial
from workers.__main__ import run_worker
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
    asked = harness.world.now - timedelta(seconds=5)
    assert "state" in harness.run(asked_at=asked)
    assert harness.run(asked_at=asked) == {"task": TASK, "skipped": "it was run since"}
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
    assert trial_requests.TRIAL_QUEUE == jobs.QUEUE_NAME


def test_wake_up_is_json_with_short_lifetime(redis: Redis) -> None:
    jobs.enqueue_task(redis, TASK, NOW)
    [job] = jobs.job_queue(redis).jobs
    assert (job.func_name, job.args) == ("workers.jobs.run", [TASK, NOW.timestamp()])
    assert (job.result_ttl, job.failure_ttl, job.timeout) == (0, 3600, 900)
    raw: Any = redis.hget(job.key, "data")
    assert b"pickle" not in raw


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
    evil: dict[Any, Any] = dict.fromkeys(
        ("success_callback_name", "failure_callback_name", "stopped_callback_name"), "os.system"
    )
    evil["webhooks"] = json.dumps([{"url": "http://127.0.0.1:1/", "job_status": "finished"}])
    redis.hset(job.key, mapping=evil)
    fetched = AllowedJob.fetch(job.id, connection=redis, serializer=JSONSerializer)
    assert fetched.success_callback is None
    assert fetched.failure_callback is None
    assert fetched.stopped_callback is None
    fetched.send_webhooks("finished")


class Process:
    """A worker or scheduler process, with the lines of its log."""

    def __init__(self, kind: str, store_url: str, world: Upstream | None = None) -> None:
        world_settings = world.settings() if world else {}
        environment = {
            **os.environ,
            "PAPERWIRE_REDIS_URL": store_url,
            "PAPERWIRE_ARXIV_INTERVAL": "0",
            "PAPERWIRE_ALLOWED_NETWORKS": "127.0.0.0/8",
            **{
                f"PAPERWIRE_{name.upper()}": world_settings[name]
                for name in ("arxiv_feed_url", "arxiv_api_url", "arxiv_oai_url", "huggingface_url")
                if name in world_settings
            },
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "workers", kind],
            env=environment,
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            self.lines.extend(iter(stream.readline, ""))

    def says(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def stop(self) -> tuple[int, float]:
        """Send SIGTERM; return the exit code and the seconds until exit."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self._reader.join(10)
        return code, time.monotonic() - began


@contextmanager
def running(kind: str, store_url: str, world: Upstream | None = None) -> Iterator[Process]:
    process = Process(kind, store_url, world)
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.process.kill()
            process.process.wait()
        process._reader.join(10)


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"not within {seconds} s"
        time.sleep(0.02)


@pytest.mark.row("jobs that are not ours")
def test_worker_runs_only_allowed_jobs(
    redis: Redis, store_url: str, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.set_time(datetime.now(UTC))
    trace = tmp_path / "trace"
    with running("worker", store_url, upstream) as worker:
        jobs.job_queue(redis).enqueue_call("os.system", args=(f"touch {trace}",))
        jobs.job_queue(redis).enqueue_call("pathlib.Path.touch", args=(str(trace),))
        redis.rpush("rq:queue:paperwire", "no-such-job")
        jobs.enqueue_task(redis, TASK, datetime.now(UTC))
        wait_until(lambda: TaskStates(redis).get(TASK))
        assert redis.zcard("rq:failed:paperwire") == 2
        assert worker.stop()[0] == 0
    assert not trace.exists()
    assert worker.says("'os.system' is not a job of Paperwire; it is not run")
    assert worker.says("stopped")


def test_stopped_worker_leaves_its_task_due(
    redis: Redis, store_url: str, upstream: Upstream
) -> None:
    upstream.fail("hang", "/rss", times=1)
    with running("worker", store_url, upstream) as worker:
        jobs.enqueue_task(redis, TASK, datetime.now(UTC))
        wait_until(lambda: upstream.log)
        code, seconds = worker.stop()
    upstream.heal()
    assert (code, seconds < 15) == (0, True)  # the request would take 20 to time out
    assert TaskStates(redis).due_tasks(datetime.now(UTC)) == [TASK]
    assert redis.keys("lock:*") == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the job ends by itself, later")
def test_killed_worker_ends_its_job(redis: Redis, store_url: str, upstream: Upstream) -> None:
    upstream.fail("hang", "/rss", times=1)
    with running("worker", store_url, upstream) as worker:
        jobs.enqueue_task(redis, TASK, datetime.now(UTC))
        wait_until(lambda: upstream.log)
        worker.process.kill()
        wait_until(lambda: TaskStates(redis).due_tasks(datetime.now(UTC)) == [TASK])
        wait_until(lambda: redis.keys("lock:*") == [])
    upstream.heal()
    redis.delete(keys.ARXIV_RATE_LIMIT)  # as after the lease expired
    with running("worker", store_url, upstream) as worker:
        jobs.enqueue_task(redis, TASK, datetime.now(UTC))
        wait_until(lambda: TaskStates(redis).get(TASK))
        assert worker.stop()[0] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc: needs Linux")
def test_killed_worker_and_store_leave_no_process(upstream: Upstream) -> None:
    upstream.fail("hang", "/rss", times=1)
    with private_server() as (redis, store):
        url = f"unix://{redis.connection_pool.connection_kwargs['path']}"
        with running("worker", url, upstream) as worker:
            jobs.enqueue_task(redis, TASK, datetime.now(UTC))
            wait_until(lambda: upstream.log)
            (job,) = descendants(worker.process.pid)
            store.kill()
            worker.process.kill()
            wait_until(lambda: not is_running(job), 12)  # a command with retries would take longer
    upstream.heal()


@pytest.mark.parametrize("kind", ["worker", "scheduler"])
def test_process_waits_for_an_unavailable_store(tmp_path: Path, kind: str) -> None:
    with running(kind, f"unix://{tmp_path}/none") as process:
        wait_until(lambda: process.says("waiting; the store at unix://"))
        assert process.stop()[0] == 0
    assert process.says("stopped")


def test_scheduler_and_worker_fill_an_empty_store(
    redis: Redis, store_url: str, upstream: Upstream
) -> None:
    upstream.set_time(datetime.now(UTC))
    with running("scheduler", store_url, upstream) as scheduler:
        with running("worker", store_url, upstream) as worker:
            wait_until(lambda: TaskStates(redis).get("hf:today"))
            wait_until(lambda: TaskStates(redis).get("announcements:stat.ML"))
            assert worker.stop()[0] == 0
        assert scheduler.stop()[0] == 0
    assert [keyword.slug for keyword in Keywords(redis).all()] == [
        *("hallucination", "mllm", "reasoning", "reward-model")
    ]
    assert redis.exists(keys.SCHEDULER_LEASE) == 0


@pytest.mark.parametrize("arguments", [[], ["cook"], ["worker", "scheduler"]])
def test_unknown_program_prints_usage(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workers", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "usage: python -m workers worker|scheduler" in done.stderr


def test_missing_redis_url_prevents_start() -> None:
    bare = {name: value for name, value in os.environ.items() if "REDIS_URL" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "workers", "worker"],
        env=bare, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "set REDIS_URL" in done.stderr


def test_worker_stops_while_waiting_for_a_job(
    redis: Redis, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RQ raises its own exception at this point."""

    def told(self: PaperwireWorker, **_: object) -> None:
        self.handle_warm_shutdown_request()
        raise StopRequested

    monkeypatch.setattr(PaperwireWorker, "work", told)
    stopping = threading.Event()
    run_worker(Settings(redis_url=store_url), stopping)
    assert stopping.is_set()
