"""A bulk load is killed and run again: the store ends as after an undisturbed load."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from papers.errors import StoreError
from papers.state.task_states import TaskStates
from papers.store import Store
from tests.faults.killed_processes import NEVER, SPAWN, count_commands
from tests.outcomes import note_outcome
from tests.papers.fingerprint import fingerprint
from tests.paperwire.processes import becomes_true, descendants
from tests.workers.bulk.loading import months
from workers.bulk import portions
from workers.bulk.bulk_file import find_bulk_file
from workers.bulk.loader import BulkLoader, LoadPositions
from workers.bulk.processes import load_executor

pytestmark = pytest.mark.faults

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
POINTS = 10
BROKEN = 3
"""Exit status of a load that reports that one of its processes was killed."""


def load(url: str, name: str, processes: int, fatal: int, counted: Synchronized[int]) -> None:
    """Load a file in small portions; die at command number `fatal`."""
    portions.MIN_PORTION_RECORDS = 4  # type: ignore[misc]
    count_commands(fatal, counted)
    with load_executor(url, processes) as pool:
        try:
            for _ in BulkLoader(Redis.from_url(url), pool, processes, lambda: NOW).load(name):
                pass
        except StoreError as error:
            os._exit(BROKEN if "was killed" in str(error) else 1)


class KillableLoad:
    """A file and the processes that load it."""

    def __init__(self, url: str, redis: Redis, folder: Path) -> None:
        self.url, self.redis = url, redis
        self.name = str(folder / "papers.json")
        lines = months(8)
        Path(self.name).write_text("\n".join([*lines[:17], "bad", *lines[17:], *lines[3:9]]))

    def start(self, processes: int, fatal: int = NEVER) -> tuple[Any, Synchronized[int]]:
        counted = SPAWN.Value("q", 0)
        process = SPAWN.Process(target=load, args=(self.url, self.name, processes, fatal, counted))
        process.start()
        return process, counted

    def run(self, processes: int = 1, fatal: int = NEVER) -> int:
        """Run a load to its end or death; return how many commands it sent."""
        process, counted = self.start(processes, fatal)
        process.join(60)
        assert process.exitcode == (0 if fatal == NEVER else -signal.SIGKILL)
        return counted.value

    def result(self) -> dict[str, object]:
        """Return what a load leaves in the store, without counters of runs."""
        position = LoadPositions(self.redis).get(find_bulk_file(self.name).identity)
        assert position is not None
        aside = [record.reason for record in TaskStates(self.redis).list_quarantined(100)]
        counts = (position.ended, position.records, position.set_aside, position.line)
        Store(self.redis).settle(now=NOW)
        return fingerprint(self.redis) | {"load": counts, "aside": aside}


@pytest.fixture
def killable(store_url: str, redis: Redis, tmp_path: Path) -> KillableLoad:
    return KillableLoad(store_url, redis, tmp_path)


def test_killed_load_continues_where_it_was(killable: KillableLoad) -> None:
    commands = killable.run()
    expected = killable.result()
    assert expected["load"] == (True, 47, 1, 47)
    chance = random.Random(2611)
    for slice_ in range(POINTS):
        killable.redis.flushall()
        fatal = 1 + int((slice_ + chance.random()) * commands / POINTS)
        killable.run(fatal=fatal)
        killable.run()
        assert killable.result() == expected, f"killed at command {fatal} of {commands}"
    note_outcome(
        "a load killed at ten points",
        lost="nothing: same fingerprint",
        heals="one more run",
        figures=f"of {commands} commands to the store",
    )


def parent(process: Any) -> int:
    return int(process.pid)


def child(process: Any) -> int:
    """Return a process that stores; the other descendant is the resource tracker."""
    storing = [pid for pid in descendants(process.pid) if "spawn_main" in _command(pid)]
    return storing[0]


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode()


KILLED: tuple[tuple[Callable[[Any], int], int], ...] = (
    (parent, -signal.SIGKILL),
    (child, BROKEN),
)


@pytest.mark.row("a load by several processes, one of them killed")
@pytest.mark.parametrize(("victim", "status"), KILLED)
def test_load_continues_after_one_of_its_processes_was_killed(
    killable: KillableLoad, victim: Callable[[Any], int], status: int
) -> None:
    killable.run()
    expected = killable.result()
    killable.redis.flushall()
    process, _ = killable.start(2)
    assert becomes_true(lambda: Store(killable.redis).count_papers() > 5, within=30)
    family = descendants(process.pid)
    os.kill(victim(process), signal.SIGKILL)
    process.join(60)
    assert process.exitcode in (status, 0)
    assert becomes_true(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family))
    killable.run(2)
    assert killable.result() == expected


@pytest.mark.row("two loads of one file at once")
def test_two_loads_of_one_file_run_one_after_the_other(killable: KillableLoad) -> None:
    killable.run()
    expected = killable.result()
    killable.redis.flushall()
    both = [killable.start(1) for _ in range(2)]
    for process, _ in both:
        process.join(60)
        assert process.exitcode == 0
    assert killable.result() == expected
