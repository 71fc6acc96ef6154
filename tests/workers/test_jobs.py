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
from service import workload
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


class Desk:
    """Runs tasks in a world at its time."""

    def __init__(self, redis: Redis, world: Upstream) -> None:
        self.redis, self.world = redis, world
        self.states, self.store = TaskStates(redis), Store(redis)
        self.settings = Settings(**world.settings(arxiv_interval=0.0))
        self.runner = TaskRunner(redis, self.settings, lambda: world.now)

    def run(self, task: str = TASK, asked_at: datetime | None = None) -> dict[str, Any]:
        return self.runner.run(task, asked_at.timestamp() if asked_at else None)


@pytest.fixture
def desk(redis: Redis, upstream: Upstream) -> Desk:
    upstream.set_time(NOW)
    return Desk(redis, upstream)


@contextmanager
def instead(error: BaseException) -> Iterator[None]:
    """Every ingest ends with this error."""

    def run(self: IngestPipeline, task: str) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(IngestPipeline, "run", run)
        yield


def test_a_task_runs_and_is_planned(desk: Desk) -> None:
    desk.world.announce(Manuscript(title="A Small Thing"))
    done = desk.run()
    state = desk.states.get(TASK)
    assert state is not None
    assert (done["state"], done["got"], done["new"]) == ("ok", 1, 1)
    assert state.next_at == desk.states.due_time(TASK)
    assert json.loads(json.dumps(done)) == done
    assert desk.redis.keys("lock:*") == []


def test_of_two_jobs_at_once_one_runs(desk: Desk) -> None:
    lock = Lease(desk.redis, keys.task_lock(TASK), 60.0)
    assert lock.acquire()
    assert desk.run() == {"task": TASK, "skipped": "it is being run"}
    assert desk.world.log == []
    lock.release()
    assert "state" in desk.run()


def test_a_wake_up_that_comes_twice_or_late_does_nothing(desk: Desk) -> None:
    asked = desk.world.now - timedelta(seconds=5)
    assert "state" in desk.run(asked_at=asked)
    assert desk.run(asked_at=asked) == {"task": TASK, "skipped": "it was run since"}
    assert len(desk.world.log) == 1
    assert "state" in desk.run(asked_at=desk.world.now + timedelta(seconds=1))
    assert "state" in desk.run()


def test_an_attempt_in_the_future_keeps_no_task_from_running(desk: Desk) -> None:
    right = desk.world.now
    desk.world.set_time(right + timedelta(days=30))  # the clock was wrong
    desk.run()
    desk.world.set_time(right)
    assert "state" in desk.run(asked_at=right)


def test_a_claim_lives_while_its_job_does(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LOCK_SECONDS", 0.3)
    seen: list[tuple[datetime | None, int]] = []
    whole = IngestPipeline.run

    def slow(self: IngestPipeline, task: str) -> Any:
        time.sleep(0.5)
        seen.append((desk.states.due_time(task), desk.redis.pttl(keys.task_lock(task))))
        return whole(self, task)

    monkeypatch.setattr(IngestPipeline, "run", slow)
    desk.run()
    [(due, left)] = seen
    assert due == desk.world.now + CLAIM_TTL
    assert left > 0


def test_a_task_of_nothing_configured_is_forgotten(desk: Desk) -> None:
    for task in ("nothing:at-all", "fill:gone", "community:gone", "hf:tomorrow", ""):
        desk.states.schedule(task, NOW)
        assert "skipped" in desk.run(task)
    assert desk.states.due_times() == {}
    assert desk.states.all() == []


def test_a_fill_is_done_once(desk: Desk) -> None:
    Keywords(desk.redis).add("Rewards", "reward", now=NOW)
    assert desk.run("fill:rewards")["state"] == "quiet"
    assert desk.states.due_times() == {}


def test_what_nobody_foresaw_is_recorded_and_raised(desk: Desk) -> None:
    with instead(RuntimeError("a bug")), pytest.raises(RuntimeError, match="a bug"):
        desk.run()
    state = desk.states.get(TASK)
    assert state is not None
    assert (state.state, state.failures) == (TaskStatus.FAILING, 1)
    assert "a bug" in state.said
    assert state.next_at == desk.states.due_time(TASK)
    assert state.next_at is not None
    assert state.next_at > NOW
    assert desk.redis.keys("lock:*") == []


def test_a_store_that_goes_away_leaves_the_task_due(desk: Desk) -> None:
    desk.states.schedule(TASK, NOW)
    with instead(StoreUnavailable("gone")), pytest.raises(StoreUnavailable):
        desk.run()
    assert desk.states.get(TASK) is None
    assert desk.states.due_tasks(NOW) == [TASK]


def test_a_task_that_was_stopped_is_due_at_once(desk: Desk) -> None:
    desk.states.schedule(TASK, NOW + timedelta(hours=1))
    with instead(TaskInterrupted()), pytest.raises(TaskInterrupted):
        desk.run()
    assert desk.states.due_tasks(NOW) == [TASK]
    assert desk.redis.keys("lock:*") == []


def test_the_name_of_the_job_is_data() -> None:
    assert {"workers.jobs.run": jobs.run, "workers.trial.run": trial.run} == ALLOWED_JOBS
    assert trial_requests.TRIAL_JOB == trial.FEED_TRIAL_JOB
    assert workload.QUEUE_NAME == jobs.QUEUE_NAME


def test_a_wake_up_is_json_with_a_short_life(redis: Redis) -> None:
    jobs.enqueue_task(redis, TASK, NOW)
    [job] = jobs.job_queue(redis).jobs
    assert (job.func_name, job.args) == ("workers.jobs.run", [TASK, NOW.timestamp()])
    assert (job.result_ttl, job.failure_ttl, job.timeout) == (0, 3600, 900)
    raw: Any = redis.hget(job.key, "data")
    assert b"pickle" not in raw


EVIL = [
    "os.system",
    "subprocess.run",
    "builtins.eval",
    "workers.jobs.enqueue_task",
    "",
    "workers.jobs",
]


@pytest.mark.row("jobs that are not ours")
@pytest.mark.parametrize("name", EVIL)
def test_another_function_is_refused_before_it_is_imported(redis: Redis, name: str) -> None:
    queue = jobs.job_queue(redis)
    id = queue.enqueue_call(name or "x", args=("true",)).id
    if not name:
        raw = json.dumps(["", None, [], {}])
        redis.hset(f"rq:job:{id}", "data", raw)
    job = AllowedJob.fetch(id, connection=redis, serializer=JSONSerializer)
    with pytest.raises(BadParameter, match="it is not run"):
        job.perform()


@pytest.mark.row("jobs that are not ours")
def test_callbacks_and_webhooks_in_a_job_are_nothing(redis: Redis) -> None:
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
    """A worker or scheduler process; its log is what it says to stderr."""

    def __init__(self, kind: str, store_url: str, world: Upstream | None = None) -> None:
        given = world.settings() if world else {}
        environment = {
            **os.environ,
            "PAPERWIRE_REDIS_URL": store_url,
            "PAPERWIRE_ARXIV_INTERVAL": "0",
            "PAPERWIRE_ALLOWED_NETWORKS": "127.0.0.0/8",
            **{
                f"PAPERWIRE_{name.upper()}": given[name]
                for name in ("arxiv_feed_url", "arxiv_api_url", "arxiv_oai_url", "huggingface_url")
                if name in given
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
        """Told to stop: its exit code, and how many seconds it took."""
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


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"not within {seconds} s"
        time.sleep(0.02)


@pytest.mark.row("jobs that are not ours")
def test_a_worker_runs_what_it_may_and_nothing_else(
    redis: Redis, store_url: str, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.set_time(datetime.now(UTC))
    trace = tmp_path / "trace"
    with running("worker", store_url, upstream) as worker:
        jobs.job_queue(redis).enqueue_call("os.system", args=(f"touch {trace}",))
        jobs.job_queue(redis).enqueue_call("pathlib.Path.touch", args=(str(trace),))
        redis.rpush("rq:queue:paperwire", "no-such-job")
        jobs.enqueue_task(redis, TASK, datetime.now(UTC))
        until(lambda: TaskStates(redis).get(TASK))
        assert redis.zcard("rq:failed:paperwire") == 2
        assert worker.stop()[0] == 0
    assert not trace.exists()
    assert worker.says("'os.system' is no job of Paperwire; it is not run")
    assert worker.says("stopped")


def test_a_worker_told_to_stop_leaves_its_task_to_another(
    redis: Redis, store_url: str, upstream: Upstream
) -> None:
    upstream.fail("hang", "/rss", times=1)
    with running("worker", store_url, upstream) as worker:
        jobs.enqueue_task(redis, TASK, datetime.now(UTC))
        until(lambda: upstream.log)
        code, seconds = worker.stop()
    upstream.heal()
    assert (code, seconds < 15) == (0, True)  # the request would be waited for for 20
    assert TaskStates(redis).due_tasks(datetime.now(UTC)) == [TASK]
    assert redis.keys("lock:*") == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the job ends by itself, later")
def test_a_worker_that_is_killed_takes_its_job_along(
    redis: Redis, store_url: str, upstream: Upstream
) -> None:
    upstream.fail("hang", "/rss", times=1)
    with running("worker", store_url, upstream) as worker:
        jobs.enqueue_task(redis, TASK, datetime.now(UTC))
        until(lambda: upstream.log)
        worker.process.kill()
        until(lambda: TaskStates(redis).due_tasks(datetime.now(UTC)) == [TASK])
        until(lambda: redis.keys("lock:*") == [])
    upstream.heal()
    redis.delete(keys.ARXIV_RATE_LIMIT)  # what two minutes do to the turn of who died in it
    with running("worker", store_url, upstream) as worker:
        jobs.enqueue_task(redis, TASK, datetime.now(UTC))
        until(lambda: TaskStates(redis).get(TASK))
        assert worker.stop()[0] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc: needs Linux")
def test_a_worker_and_its_store_that_are_killed_leave_no_job(upstream: Upstream) -> None:
    upstream.fail("hang", "/rss", times=1)
    with private_server() as (redis, store):
        url = f"unix://{redis.connection_pool.connection_kwargs['path']}"
        with running("worker", url, upstream) as worker:
            jobs.enqueue_task(redis, TASK, datetime.now(UTC))
            until(lambda: upstream.log)
            (job,) = descendants(worker.process.pid)
            store.kill()
            worker.process.kill()
            until(lambda: not is_running(job), 12)  # a patient command alone would take longer
    upstream.heal()


@pytest.mark.parametrize("kind", ["worker", "scheduler"])
def test_a_process_waits_for_a_store_that_is_away_and_says_so(tmp_path: Path, kind: str) -> None:
    with running(kind, f"unix://{tmp_path}/none") as process:
        until(lambda: process.says("waiting; the store at unix://"))
        assert process.stop()[0] == 0
    assert process.says("stopped")


def test_scheduler_and_worker_fill_an_empty_store(
    redis: Redis, store_url: str, upstream: Upstream
) -> None:
    upstream.set_time(datetime.now(UTC))
    with running("scheduler", store_url, upstream) as scheduler:
        with running("worker", store_url, upstream) as worker:
            until(lambda: TaskStates(redis).get("hf:today"))
            until(lambda: TaskStates(redis).get("announcements:stat.ML"))
            assert worker.stop()[0] == 0
        assert scheduler.stop()[0] == 0
    assert [keyword.slug for keyword in Keywords(redis).all()] == [
        *("hallucination", "mllm", "reasoning", "reward-model")
    ]
    assert redis.exists(keys.SCHEDULER_LEASE) == 0


@pytest.mark.parametrize("arguments", [[], ["cook"], ["worker", "scheduler"]])
def test_other_programs_there_are_none(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workers", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "usage: python -m workers worker|scheduler" in done.stderr


def test_without_a_store_there_is_no_start() -> None:
    bare = {name: value for name, value in os.environ.items() if "REDIS_URL" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "workers", "worker"],
        env=bare, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "set REDIS_URL" in done.stderr


def test_a_worker_told_to_stop_between_two_looks_stops(
    redis: Redis, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There RQ lets its own exception out."""

    def told(self: PaperwireWorker, **_: object) -> None:
        self.handle_warm_shutdown_request()
        raise StopRequested

    monkeypatch.setattr(PaperwireWorker, "work", told)
    stopping = threading.Event()
    run_worker(Settings(redis_url=store_url), stopping)
    assert stopping.is_set()
