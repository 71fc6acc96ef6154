"""The worker and scheduler processes: `python -m workers worker` and `python -m workers scheduler`.

Both wait while the store is unavailable, resume once it is back, and stop at SIGTERM.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from types import FrameType
from typing import Final

from redis import Redis
from rq.exceptions import StopRequested

from papers.command_name import command_line
from papers.config.settings import Seconds, Settings, discover_settings
from papers.errors import BadInput, BadSettings, PaperwireError, StoreError
from papers.maintenance import migrations
from papers.redis_backend import keys
from papers.redis_backend.cluster.client import connect_store
from papers.redis_backend.connection import connect, redacted_url, translate_store_errors
from papers.redis_backend.store_clock import read_store_time
from papers.state.keywords import Keywords
from papers.telemetry.log_format import log_to_stderr
from workers import jobs
from workers.registry import task_kinds
from workers.rq_worker import PaperwireWorker
from workers.schedule.scheduler import Scheduler

log = logging.getLogger("workers")

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
TICK_INTERVAL: Final[Seconds] = 1.0
MAX_CLOCK_SKEW: Final[Seconds] = 5.0
RECONNECT_DELAY: Final[Seconds] = 2.0
"""The wait between two attempts to reach a store that is unavailable."""


def main(arguments: Sequence[str]) -> int:
    """Run one process until a stop signal; return its exit status."""
    programs: dict[str, Callable[[Settings, threading.Event], None]] = {
        "worker": run_worker,
        "scheduler": run_scheduler,
    }
    if len(arguments) != 1 or arguments[0] not in programs:
        print("usage: python -m workers worker|scheduler", file=sys.stderr)
        return 2
    try:
        settings = discover_settings(os.environ)
        if not settings.redis_url:
            raise BadSettings(
                f"redis_url: no store is named; set REDIS_URL, or use `{command_line('up')}`"
            )
        # Report an invalid address at once.
        connect_store(settings.redis_url, settings.store_url, retry=True)
    except PaperwireError as error:
        print(error, file=sys.stderr)
        return 2
    log_to_stderr(settings)
    programs[arguments[0]](settings, _stop_at_signals())
    log.info("stopped")
    return 0


def run_worker(settings: Settings, stopping: threading.Event) -> None:
    """Run jobs. RQ's worker ends when the store becomes unavailable, and is started again."""
    redis = connect(settings.redis_url, retry=True)
    while _wait_for_store(settings, stopping):
        handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
        try:
            _prepare_schema(settings)
            with translate_store_errors(redis):
                worker = PaperwireWorker(redis, stopping)
                log.info("worker ready, at the store %s", redacted_url(redis))
                worker.work(logging_level="WARNING")
        except StopRequested:
            pass  # stopped while waiting for a job, which RQ does not catch; it has deregistered
        except StoreError as error:
            log.warning("%s", error)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        stopping.wait(RECONNECT_DELAY)


def run_scheduler(settings: Settings, stopping: threading.Event) -> None:
    """Tick once a second; the next tick makes up for one that the store missed."""
    redis = connect_store(settings.redis_url, settings.store_url, retry=False)
    scheduler = Scheduler(
        redis,
        settings,
        task_kinds(),
        enqueue=lambda task, now: jobs.enqueue_task(redis, task, now),
        queue_length=lambda: jobs.job_queue(redis).count,
        background_count=lambda: jobs.background_job_count(redis),
    )
    while _wait_for_store(settings, stopping):
        log.info("scheduler ready, at the store %s", redacted_url(redis))
        try:
            with translate_store_errors(redis):
                _warn_of_clock_skew(redis)
                _initialize_store(redis, settings)
                _tick_until_stopped(redis, settings, scheduler, stopping)
        except StoreError as error:
            log.warning("%s", error)
            stopping.wait(RECONNECT_DELAY)


def _tick_until_stopped(
    redis: Redis, settings: Settings, scheduler: Scheduler, stopping: threading.Event
) -> None:
    while not stopping.is_set():
        if not redis.exists(keys.SCHEMA):
            log.warning("the store was emptied: it is filled again")
            _initialize_store(redis, settings)
        if migrations.has_newer_writer(redis):
            break  # a newer scheduler is to tick; preparing the store fails until an update
        if tasks := scheduler.tick(read_store_time(redis)):
            log.info("due: %s", ", ".join(tasks))
        stopping.wait(TICK_INTERVAL)
    scheduler.resign()


def _warn_of_clock_skew(redis: Redis) -> None:
    """Log a difference between this host's clock and the store's, by which tasks are scheduled."""
    skew = (datetime.now(UTC) - read_store_time(redis)).total_seconds()
    if abs(skew) > MAX_CLOCK_SKEW:
        message = "the clock here is %.0f s %s the store's; tasks are scheduled by the store's"
        log.warning(message, abs(skew), "ahead of" if skew > 0 else "behind")


def _initialize_store(redis: Redis, settings: Settings) -> None:
    """Migrate the store to this code's schema and save the configured keywords in it."""
    _prepare_schema(settings)
    _seed_keywords(redis, settings)


def _seed_keywords(redis: Redis, settings: Settings) -> None:
    """Save the configured keywords, as `paperwire up` does for its own processes."""
    try:
        Keywords(redis).seed(settings.keywords, now=read_store_time(redis))
    except BadInput as error:
        log.error("a configured keyword is not saved: %s", error)


def _prepare_schema(settings: Settings) -> None:
    """Migrate the data to this code's schema, with retries. Raises StoreError."""
    with closing(connect_store(settings.redis_url, settings.store_url, retry=True)) as redis:
        migrations.prepare_store(redis)


def _wait_for_store(settings: Settings, stopping: threading.Event) -> bool:
    """Wait for a store that accepts commands; False if stopped before."""
    probe = connect(settings.redis_url, retry=False)
    reported = False
    while not stopping.is_set():
        try:
            with translate_store_errors(probe):
                probe.ping()
        except StoreError as error:
            if not reported:
                log.warning("waiting; %s", error)
            reported = True
            stopping.wait(RECONNECT_DELAY)
        else:
            probe.close()
            return True
    return False


def _stop_at_signals() -> threading.Event:
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    return stopping


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
