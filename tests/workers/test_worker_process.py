from __future__ import annotations

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

import pytest
from redis import Redis
from rq.exceptions import StopRequested

from papers.config.settings import Settings
from papers.maintenance.schema_stamp import SchemaStamp
from papers.redis_backend import keys
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStates
from paperwire.simulator.upstream import Upstream
from tests.papers.server import private_server
from tests.paperwire.processes import becomes_true, descendants, is_running
from workers import jobs
from workers.__main__ import run_worker
from workers.rq_worker import PaperwireWorker

TASK = "announcements:cs.CL"
ROOT = Path(__file__).parents[2]


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
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
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

    def reported(self: PaperwireWorker, **_: object) -> None:
        self.handle_warm_shutdown_request()
        raise StopRequested

    monkeypatch.setattr(PaperwireWorker, "work", reported)
    stopping = threading.Event()
    run_worker(Settings(redis_url=store_url), stopping)
    assert stopping.is_set()


SKEWED_SCHEDULER = """
import datetime, sys
import workers.__main__ as processes

class SkewedDatetime(datetime.datetime):
    @classmethod
    def now(cls, zone=None):
        return super().now(zone) + datetime.timedelta(seconds=int(sys.argv[1]))

processes.datetime = SkewedDatetime
sys.exit(processes.main(["scheduler"]))
"""


@pytest.mark.row("the clock of a host is wrong")
@pytest.mark.parametrize(("skew", "words"), [(7200, "ahead of"), (-7200, "behind")])
def test_scheduler_with_a_wrong_clock_wakes_what_is_due_by_the_store(
    redis: Redis, store_url: str, skew: int, words: str
) -> None:
    environment = {**os.environ, "PAPERWIRE_REDIS_URL": store_url}
    process = subprocess.Popen(
        [sys.executable, "-c", SKEWED_SCHEDULER, str(skew)],
        env=environment,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    states, now = TaskStates(redis), datetime.now(UTC)
    states.schedule("hf:today", now)
    states.schedule("hf:recent", now + timedelta(hours=1))
    try:
        assert becomes_true(lambda: jobs.job_queue(redis).count > 0)
        assert becomes_true(lambda: (states.due_time("hf:today") or now) > now)
        due = states.due_time("hf:today")
        assert due is not None
        assert timedelta(0) < due - now < timedelta(minutes=3)
        assert states.due_time("hf:recent") == now + timedelta(hours=1)
    finally:
        process.terminate()
        _, log = process.communicate(timeout=20)
    assert f"the clock here is 7200 s {words} the store's" in log


def test_worker_leaves_jobs_to_that_of_a_newer_release(redis: Redis, store_url: str) -> None:
    """The store was migrated, or is being: the job stays first in its queue, as it was."""
    worker = PaperwireWorker(redis, threading.Event())
    for task in (TASK, "announcements:cs.AI"):
        jobs.enqueue_task(redis, task, datetime.now(UTC))
    queue = jobs.job_queue(redis)
    before = queue.job_ids
    redis.set(keys.SCHEMA, SchemaStamp(6, 99, 6).encode())
    assert not worker.work(burst=True)
    assert queue.job_ids == before
    assert TaskStates(redis).get(TASK) is None


def test_scheduler_wakes_nothing_beside_a_newer_release(redis: Redis, store_url: str) -> None:
    scheduler = Process("scheduler", store_url)
    try:
        assert becomes_true(lambda: bool(redis.exists(keys.SCHEDULER_LEASE)))
        redis.set(keys.SCHEMA, SchemaStamp(6, 99, 6).encode())
        assert becomes_true(lambda: not redis.exists(keys.SCHEDULER_LEASE))
        assert becomes_true(lambda: any("has schema 99" in line for line in scheduler.lines))
        assert not redis.exists(keys.SCHEDULER_LEASE)
    finally:
        scheduler.process.terminate()
        assert scheduler.process.wait(20) == 0
