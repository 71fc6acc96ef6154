"""A worker is killed at thirty points of an ingest: the store ends as after an undisturbed run.

The second day of a scripted world (new versions, a withdrawal, cross-lists, picks, votes) is
ingested on top of the first. An undisturbed run counts its commands to Redis. Then thirty runs are
killed, one in each thirtieth of that count, before or after the command is sent, and run again.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from datetime import datetime
from multiprocessing.sharedctypes import Synchronized
from typing import Any

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.model.arxiv_id import ArxivId
from papers.records import packing
from papers.redis_backend import keys
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStates, TaskStatus
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from tests.faults.killed_processes import NEVER, SPAWN, count_commands
from tests.faults.two_days import first_day, second_day
from tests.outcomes import note_outcome
from workers.jobs import TaskRunner
from workers.registry import recurring_tasks

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]

POINTS = 30

SPAWN.set_forkserver_preload(["tests.faults.test_kill", "tests.faults.test_kill_load"])


def work(
    url: str, settings: Settings, now: datetime, fatal: int, counted: Synchronized[int]
) -> None:
    """Run all tasks that are due; die at command number `fatal`, after sending if it is odd."""
    count_commands(fatal, counted)
    redis = Redis.from_url(url)
    while due := TaskStates(redis).due_tasks(now):
        TaskRunner(redis, settings, lambda: now).run(due[0], None)


class KillableIngest:
    """One store, and the worker processes that ingest into it."""

    def __init__(self, url: str, settings: Settings) -> None:
        self.url, self.settings = url, settings
        self.redis = Redis.from_url(url)

    def run(self, now: datetime, fatal: int = NEVER) -> int:
        """Run a worker process to its end or death; return how many commands it sent."""
        counted = SPAWN.Value("q", 0)
        process = SPAWN.Process(target=work, args=(self.url, self.settings, now, fatal, counted))
        process.start()
        process.join(60)
        assert process.exitcode == (0 if fatal == NEVER else -signal.SIGKILL)
        return int(counted.value)

    def make_due(self, now: datetime) -> None:
        """Make every task due, and let the locks of killed processes expire."""
        for task in (*recurring_tasks(self.settings), "fill:rewards"):
            TaskStates(self.redis).schedule(task, now)
        self.expire_locks()

    def expire_locks(self) -> None:
        """Delete the locks that expire within two minutes."""
        self.redis.delete(keys.ARXIV_RATE_LIMIT, *self.redis.scan_iter("lock:task:*"))

    def is_well(self) -> bool:
        """Return True if every task has succeeded."""
        states = TaskStates(self.redis)
        return all(state.state in (TaskStatus.OK, TaskStatus.QUIET) for state in states.all())


def content(redis: Redis) -> dict[str, Any]:
    """Return the content of a store, decoded."""
    found: dict[str, Any] = {
        "months": redis.zrange(keys.MONTHS, 0, -1, withscores=True),
        "picks": redis.zrange(keys.PICKS, 0, -1, withscores=True),
        "vocabulary": redis.zrange(keys.VOCABULARY, 0, -1),
        "undescribed": Store(redis).undescribed(1_000),
    }
    for yymm, month in found["months"]:
        packed: Any = redis.hgetall(keys.month_papers(yymm.decode()))
        ids = {ArxivId(int(month), int.from_bytes(number)): data for number, data in packed.items()}
        found[f"papers of {yymm}"] = {id: packing.unpack(id, data) for id, data in ids.items()}
        found[f"terms of {yymm}"] = redis.hgetall(keys.segment_postings(yymm.decode()))
    return found


@pytest.fixture
def world() -> Iterator[Upstream]:
    with Upstream(communities=("weekly",)) as world:
        yield world


def test_killed_ingest_ends_in_the_state_of_an_undisturbed_one(
    redis: Redis, store_url: str, world: Upstream
) -> None:
    known = first_day(world)
    settings = Settings(
        **world.settings(categories=("cs.CL", "cs.LG"), arxiv_interval=0.0, redis_url=store_url)
    )
    morning = KillableIngest(store_url, settings)
    Keywords(redis).add("Rewards", '"reward model"', now=world.now)
    morning.make_due(world.now)
    morning.run(world.now)
    before = content(redis)
    second_day(world, known)

    clean = _copy(redis, store_url, settings, 1)
    clean.make_due(world.now)
    commands = clean.run(world.now)
    expected = content(clean.redis)
    assert expected != before
    assert clean.is_well()
    assert len(expected[f"papers of {b'2611'!r}"]) == 41

    chance = random.Random(2611)
    for slice_ in range(POINTS):
        fatal = 1 + int((slice_ + chance.random()) * commands / POINTS)
        killed = _copy(redis, store_url, settings, 2)
        killed.make_due(world.now)
        killed.run(world.now, fatal)
        killed.expire_locks()
        killed.run(world.now)
        assert killed.is_well()
        assert TaskStates(killed.redis).due_tasks(world.now) == []
        Store(killed.redis).settle(now=world.now)
        assert content(killed.redis) == expected, f"killed at command {fatal} of {commands}"
    note_outcome(
        "a worker killed at thirty points of an ingest",
        lost="nothing: same store",
        heals="one more run",
        figures=f"of {commands} commands to the store",
    )


def _copy(redis: Redis, url: str, settings: Settings, number: int) -> KillableIngest:
    """Copy the morning's store to a database of its own."""
    copied = KillableIngest(f"{url}?db={number}", settings)
    copied.redis.flushdb()
    for key in redis.scan_iter():
        redis.copy(key, key, str(number))
    return copied
