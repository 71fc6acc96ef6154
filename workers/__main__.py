"""`python -m workers worker` and `python -m workers scheduler`: the processes of this room.

Both wait for the store where it is away, start again where it comes back, and stop at SIGTERM.
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

from papers.config.settings import Seconds, Settings, discover
from papers.errors import BadInput, BadSettings, PaperwireError, StoreError
from papers.maintenance import migrations
from papers.redis_backend import keys
from papers.redis_backend.connection import address, connect, store_errors
from papers.state.keywords import Keywords
from workers import jobs
from workers.rq_worker import PaperwireWorker
from workers.schedule.scheduler import Scheduler

log = logging.getLogger("workers")

STOPS: Final = (signal.SIGTERM, signal.SIGINT)
TICK: Final[Seconds] = 1.0
WAIT: Final[Seconds] = 2.0
"""Between two looks for a store that is away."""


def main(arguments: Sequence[str]) -> int:
    """Run one process until it is told to stop; its exit status."""
    programs: dict[str, Callable[[Settings, threading.Event], None]] = {
        "worker": work,
        "scheduler": schedule,
    }
    if len(arguments) != 1 or arguments[0] not in programs:
        print("usage: python -m workers worker|scheduler", file=sys.stderr)
        return 2
    try:
        settings = discover(os.environ)
        if not settings.redis_url:
            raise BadSettings("redis_url: no store is named; set REDIS_URL, or use paperwire up")
        connect(settings.redis_url, patient=True)  # a bad address is said at once
    except PaperwireError as error:
        print(error, file=sys.stderr)
        return 2
    _log_to_stderr(settings)
    programs[arguments[0]](settings, _stop_at_signals())
    log.info("stopped")
    return 0


def work(settings: Settings, stopping: threading.Event) -> None:
    """Run jobs; RQ's worker ends where the store goes away, and is started again."""
    redis = connect(settings.redis_url, patient=True)
    while _store_is_there(settings, stopping):
        handlers = {number: signal.getsignal(number) for number in STOPS}
        try:
            _prepare(settings)
            with store_errors(redis):
                worker = PaperwireWorker(redis, stopping)
                log.info("worker ready, at the store %s", address(redis))
                worker.work(logging_level="WARNING")
        except StopRequested:
            pass  # told to between two looks for a job, which RQ does not expect; it said goodbye
        except StoreError as error:
            log.warning("%s", error)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        stopping.wait(WAIT)


def schedule(settings: Settings, stopping: threading.Event) -> None:
    """Tick once a second; a tick that the store missed is made up for by the next."""
    redis = connect(settings.redis_url, patient=False)
    scheduler = Scheduler(
        redis,
        settings,
        wake=lambda task, now: jobs.wake(redis, task, now),
        backlog=lambda: jobs.queue(redis).count,
    )
    while _store_is_there(settings, stopping):
        log.info("scheduler ready, at the store %s", address(redis))
        try:
            with store_errors(redis):
                _begin(redis, settings)
                _tick(redis, settings, scheduler, stopping)
        except StoreError as error:
            log.warning("%s", error)
            stopping.wait(WAIT)


def _tick(
    redis: Redis, settings: Settings, scheduler: Scheduler, stopping: threading.Event
) -> None:
    while not stopping.is_set():
        if not redis.exists(keys.SCHEMA):
            log.warning("the store was emptied: it is filled again")
            _begin(redis, settings)
        if woken := scheduler.tick(datetime.now(UTC)):
            log.info("due: %s", ", ".join(woken))
        stopping.wait(TICK)
    scheduler.resign()


def _begin(redis: Redis, settings: Settings) -> None:
    """Make the store what this code works with, with the configured keywords in it."""
    _prepare(settings)
    _seed(redis, settings)


def _seed(redis: Redis, settings: Settings) -> None:
    """Save the configured keywords, as `paperwire up` does: here nobody else may have."""
    try:
        Keywords(redis).seed(settings.keywords, now=datetime.now(UTC))
    except BadInput as error:
        log.error("a configured keyword is not saved: %s", error)


def _prepare(settings: Settings) -> None:
    """Have the data in the schema of this code, with the patience that takes. Raises StoreError."""
    with closing(connect(settings.redis_url, patient=True)) as redis:
        migrations.prepare(redis)


def _store_is_there(settings: Settings, stopping: threading.Event) -> bool:
    """Wait for a store that takes work; False when told to stop before it came."""
    probe = connect(settings.redis_url, patient=False)
    said = False
    while not stopping.is_set():
        try:
            with store_errors(probe):
                probe.ping()
        except StoreError as error:
            if not said:
                log.warning("waiting; %s", error)
            said = True
            stopping.wait(WAIT)
        else:
            probe.close()
            return True
    return False


def _stop_at_signals() -> threading.Event:
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    for number in STOPS:
        signal.signal(number, stop)
    return stopping


def _log_to_stderr(settings: Settings) -> None:
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S",
    )
    for name in ("rq", "urllib3", "arxiv", "redis"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.root.level))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
