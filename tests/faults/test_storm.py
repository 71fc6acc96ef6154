"""A hundred kills of all processes during an ingest: the store ends as after an undisturbed run.

`paperwire up` ingests the second day of a scripted world (new versions, a withdrawal, cross-lists,
picks, votes) on top of the first, and more of everything follows, while a seeded random sequence of
SIGKILLs hits job processes, the worker, the scheduler, the web server, the store and the
supervisor. Afterwards the store must reach the state of an undisturbed run within two minutes.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from redis import Redis

from papers.config.settings import Settings, load_settings
from papers.model.arxiv_id import ArxivId
from papers.model.dates import published_at
from papers.model.paper import Paper
from papers.redis_backend import keys
from papers.redis_backend.connection import connect
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStates, TaskStatus
from papers.state.voting.votes import DailyVotes, unpack_votes
from paperwire.run import embedded_store
from paperwire.run.demo_runner import to_toml
from paperwire.run.ports import find_free_port
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world import simulated_days
from paperwire.simulator.world.manuscripts import Manuscript
from service import create_app
from tests.faults.system import FeedPoller, wait_until
from tests.faults.two_days import first_day, second_day
from tests.outcomes import note_outcome
from tests.papers.fingerprint import all_papers as papers_of
from tests.papers.fingerprint import fingerprint
from tests.paperwire.processes import command_line_of, descendants, is_running
from workers import jobs
from workers.jobs import TaskRunner
from workers.registry import recurring_tasks
from workers.tasks import reconcile

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

KILLS: Final = 100
RECOVERY: Final = 120.0
"""Seconds that everything may take after the last kill."""

SEED: Final = 2611
SITE: Final = "https://wire.example"
FEED: Final = "/feeds/rewards.atom"
VICTIMS: Final = {
    "job": 34,
    "worker": 16,
    "scheduler": 12,
    "web": 12,
    "store": 20,
    "supervisor": 6,
}
"""How often each kind is chosen, out of a hundred."""


@dataclass
class Storm:
    """`paperwire up` on a data folder, and the processes of it that were killed."""

    folder: Path
    config: Path
    chance: random.Random
    up: subprocess.Popen[str] | None = None
    address: str = ""
    family: set[int] = field(default_factory=set)
    killed: Counter[str] = field(default_factory=Counter)
    served: bytes = b""

    def start(self) -> None:
        """Start it unless it is running, and wait for its first output."""
        if self.up is not None and self.up.poll() is None:
            return
        self.reap()
        environment = {**os.environ, "PAPERWIRE_CONFIG": str(self.config)}
        self.up = subprocess.Popen(
            [sys.executable, "-m", "paperwire", "up", "--json"],
            env=environment,
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.up.stdout is not None
        first_line = self.up.stdout.readline()
        assert first_line, "paperwire up ended"

    def reap(self) -> None:
        """Wait for a dead supervisor's processes to end."""
        if self.up is not None:
            self.up.wait()
            with suppress(AssertionError):
                wait_until(lambda: not any(map(is_running, self.family)))
            left = [command_line_of(pid) for pid in self.family if is_running(pid)]
            assert left == [], "these outlived their supervisor"
            assert self.up.stdout is not None
            self.up.stdout.close()

    def pids(self, victim: str) -> list[int]:
        """Return the processes of one kind."""
        assert self.up is not None
        if victim == "supervisor":
            return [self.up.pid]
        if victim == "job":
            return [pid for worker in self.pids("worker") for pid in descendants(worker)]
        words = {"worker": "workers worker", "scheduler": "workers scheduler", "web": "granian"}
        named = words.get(victim, "valkey-server")
        found = [pid for pid in descendants(self.up.pid) if named in command_line_of(pid)]
        return [min(found)] if found else []

    def kill_one(self) -> None:
        """Start an ingest, wait for a random time, and kill one process."""
        (victim,) = self.chance.choices(list(VICTIMS), list(VICTIMS.values()))
        pause = self.chance.uniform(0, 0.3)
        self.wake_all_tasks()
        self.family = descendants(self.up.pid) if self.up else set()
        time.sleep(pause)
        if victim == "job":
            with suppress(AssertionError):
                wait_until(lambda: self.pids("job"), 0.7)
                time.sleep(pause / 10)
        others = [kind for kind in VICTIMS if kind != "supervisor"]
        self.chance.shuffle(others)
        for kind in (victim, *others):  # another kind if this one is down
            pids = [pid for pid in self.pids(kind) if is_running(pid)]
            if pids:
                with suppress(ProcessLookupError):
                    os.kill(pids[0], signal.SIGKILL)
                    self.killed[kind] += 1
                    if kind == "supervisor" and self.up:
                        self.up.wait()
                    return

    def wake_all_tasks(self) -> None:
        """Wake every task, and delete the locks of dead jobs, as two minutes would."""
        with suppress(Exception), self.redis() as redis:
            redis.delete(keys.ARXIV_RATE_LIMIT, *redis.scan_iter("lock:task:*"))
            for task in recurring_tasks(load_settings(self.config, {})):
                jobs.enqueue_task(redis, task, datetime.now(UTC))

    @contextmanager
    def redis(self) -> Iterator[Redis]:
        url = embedded_store.running_url(embedded_store.StorePaths.in_data_dir(str(self.folder)))
        assert url is not None
        with closing(connect(url, retry=False)) as redis:
            yield redis

    def matches(self, expected: dict[str, Any]) -> bool:
        """Return True if the store has the expected content and every source is well.

        A reconciliation that ran before an announcement that a kill delayed reports the gap that it
        filled until its next run: five minutes later, here at once.
        """
        with suppress(Exception), self.redis() as redis:
            states = TaskStates(redis)
            ill = [s for s in states.all() if s.state not in (TaskStatus.OK, TaskStatus.QUIET)]
            if [(s.name, s.state) for s in ill] == [(reconcile.RECONCILE_TASK, TaskStatus.STALE)]:
                states.schedule(reconcile.RECONCILE_TASK, datetime.now(UTC))
            return not ill and content(redis) == expected
        return False

    def serves(self, feed: bytes) -> bool:
        """Return True if the feed has exactly these bytes."""
        with suppress(requests.ConnectionError):
            self.served = requests.get(self.address + FEED, timeout=5).content
            return self.served == feed
        return False

    def differences(self, expected: dict[str, Any]) -> str:
        """Describe how the store differs from what is expected."""
        with self.redis() as redis:
            states = [(s.name, s.state, s.said) for s in TaskStates(redis).all()]
            found = content(redis)
            papers = [
                (mine, theirs)
                for mine, theirs in zip(found["papers"], expected["papers"], strict=False)
                if mine != theirs
            ]
            wrong = [name for name in expected if found[name] != expected[name]]
            due = TaskStates(redis).due_times()
            locks = [(key, redis.pttl(key)) for key in redis.scan_iter("lock:task:*")]
        return f"{wrong} differ: {papers[:2]}; {states}; {due}; {locks}; {self.served[:2000]!r}"


def content(redis: Redis) -> dict[str, Any]:
    """Return the fingerprint of a store, without what depends on the time or order of its tasks.

    That part differs between two undisturbed runs as well; a test below shows it.

    * A community's counters and statements are those of the time of the request, and so is when
      code was first known, and when votes grew within a day.
    * `listed_at` is the earliest statement that names a category. arXiv's API dates its statement
      by the submission, a day before the announcement, and is used only for papers that a
      community named before an announcement had described them here. So whether it is used
      depends on which of two due tasks runs first. Times before the announcement are therefore
      treated as equal, as in `papers.model.frozen_fields`; later ones are compared.
    """
    found = fingerprint(redis)
    papers: Any = found["papers"]
    votes: Any = found["votes"]
    return found | {
        "papers": [_timeless(paper) for paper in papers],
        "events": [],
        "votes": {
            month: {field: _by_day(packed) for field, packed in papers.items()}
            for month, papers in votes.items()
        },
    }


def _by_day(packed: bytes) -> DailyVotes:
    """Return the votes by day, without the seconds at which they grew."""
    return {community: days for community, days in unpack_votes(packed).items() if community}


def _timeless(paper: Paper) -> Paper:
    announced_at = int(published_at(paper).timestamp())
    return paper._replace(
        picks=tuple(replace(pick, counted_at=None) for pick in paper.picks),
        ranks=tuple(
            (name, rank if rank.is_arxiv else rank._replace(as_of=0)) for name, rank in paper.ranks
        ),
        listed_at=tuple(max(at, announced_at) for at in paper.listed_at),
        coded_at=None,
    )


def ingest(
    folder: Path,
    settings: Settings,
    now: datetime,
    *,
    keyword: bool = False,
    first: tuple[str, ...] = (),
) -> None:
    """Run every task once in this process, on the store in a folder, those in `first` first."""
    with (
        embedded_store.open_embedded_store(
            embedded_store.StorePaths.in_data_dir(str(folder))
        ) as url,
        Redis.from_url(url) as redis,
    ):
        if keyword:
            Keywords(redis).add("Rewards", '"reward model"', now=now)
        states = TaskStates(redis)
        for task in recurring_tasks(settings):
            states.schedule(task, now)
        while due := states.due_tasks(now):
            task = next((name for name in first if name in due), due[0])
            TaskRunner(redis, settings, lambda: now).run(task, None)


@pytest.fixture
def world() -> Iterator[Upstream]:
    """A world at the current time; its first day was yesterday."""
    now = datetime.now(UTC)
    with Upstream(now, rests=False, communities=("weekly",)) as world:
        yield world


def test_store_recovers_from_a_hundred_kills(world: Upstream, tmp_path: Path) -> None:
    now, known, settings = yesterday(world, tmp_path)
    today(world, now, known)
    shutil.copytree(tmp_path / "data", tmp_path / "clean", symlinks=True)

    storm = Storm(tmp_path / "data", tmp_path / "paperwire.toml", random.Random(SEED))
    storm.address = f"http://127.0.0.1:{settings.port}"
    began = time.monotonic()
    with ExitStack() as stack:
        stack.callback(_end, storm)
        storm.start()
        reader = FeedPoller(storm.address + FEED)
        stack.enter_context(reader.polling(0.1))
        while storm.killed.total() < KILLS:
            later_today(world, known, storm.killed.total())
            storm.start()
            storm.kill_one()
        ended = time.monotonic()
        duration = ended - began
        storm.start()
        assert (
            embedded_store.running_url(
                embedded_store.StorePaths.in_data_dir(str(tmp_path / "clean"))
            )
            is None
        ), "not its own"
        ingest(tmp_path / "clean", settings, now)
        expected, feed = undisturbed(tmp_path / "clean", settings)
        while not (storm.matches(expected) and storm.serves(feed)):
            assert time.monotonic() - ended < RECOVERY, storm.differences(expected)
            time.sleep(0.5)
        recovered = time.monotonic() - ended
    statuses = Counter(status for status, _, _ in reader.polls)
    assert set(statuses) <= {0, 200, 503}
    killed = ", ".join(f"{count} {kind}" for kind, count in storm.killed.most_common())
    polls = ", ".join(f"{count} {status or 'none'}" for status, count in statuses.most_common())
    note_outcome(
        "a hundred kills in an ingest",
        lost="nothing: same fingerprint",
        served=f"{polls}; same bytes in the end",
        heals=f"{recovered:.0f} s",
        figures=f"in {duration:.0f} s: {killed}",
    )


def test_fingerprint_does_not_depend_on_the_order_of_tasks(world: Upstream, tmp_path: Path) -> None:
    now, known, settings = yesterday(world, tmp_path)
    today(world, now, known)
    picked = world.announce(Manuscript(title="A paper that is picked before it is announced here"))
    world.pick(picked, "weekly")
    stores = {}
    for name, first in (("usual", ()), ("picks", ("community:weekly", "hf:today", "enrich"))):
        folder = tmp_path / name
        shutil.copytree(tmp_path / "data", folder, symlinks=True)
        ingest(folder, settings, now, first=first)
        with (
            embedded_store.open_embedded_store(
                embedded_store.StorePaths.in_data_dir(str(folder))
            ) as url,
            Redis.from_url(url) as redis,
        ):
            stores[name] = content(redis), papers_of(redis)
    (usual, all_of_usual), (picks, all_of_picks) = stores["usual"], stores["picks"]
    assert usual == picks
    differing = [
        mine for mine, other in zip(all_of_usual, all_of_picks, strict=True) if mine != other
    ]
    assert picked in {paper.id for paper in differing}
    assert {paper.sources for paper in differing} <= {("arxiv", "hf"), ("arxiv", "weekly")}


def yesterday(world: Upstream, folder: Path) -> tuple[datetime, list[ArxivId], Settings]:
    """Ingest the first day; return the current time, its papers and the settings."""
    now = world.now
    world.set_time(
        simulated_days.eastern_midnight(simulated_days.preceding_announcement_day(world.today))
        + timedelta(hours=9)
    )
    known = first_day(world)
    fields = world.settings(
        data_dir=str(folder / "data"),
        categories=["cs.CL", "cs.LG"],
        keywords={},
        public_url=SITE,
        port=find_free_port("127.0.0.1", 0),
        web_processes=1,
        arxiv_interval=0.0,
        log_level="error",
    )
    (folder / "paperwire.toml").write_text(to_toml(fields), "utf-8")
    settings = load_settings(folder / "paperwire.toml", {})
    ingest(folder / "data", settings, world.now, keyword=True)
    return now, known, settings


def today(world: Upstream, now: datetime, known: list[ArxivId]) -> None:
    """Publish the second day, all of it before the first kill."""
    world.set_time(now)
    second_day(world, known, moves=False)
    for n in range(150):  # so that an ingest takes long enough to be killed in it
        world.announce(Manuscript(title=f"One of many reward models {n}"))


def later_today(world: Upstream, known: list[ArxivId], nth: int) -> None:
    """Publish papers before a kill, and now and then a version, a pick, votes."""
    titles = [f"Reward models before kill {nth} {n}" for n in range(2)]
    fresh = [world.announce(Manuscript(title=title)) for title in titles]
    if nth % 5 == 0:
        world.revise(known[10 + nth // 5 % 20], title=f"Paper before kill {nth} on reward models")
        world.pick(fresh[0], votes=nth)
        world.pick(fresh[1], "weekly")
        world.add_votes(known[4], nth)


def undisturbed(folder: Path, settings: Settings) -> tuple[dict[str, Any], bytes]:
    """Return the content of a folder's store, and its feed."""
    with (
        embedded_store.open_embedded_store(
            embedded_store.StorePaths.in_data_dir(str(folder))
        ) as url,
        Redis.from_url(url) as redis,
    ):
        ill = [
            s for s in TaskStates(redis).all() if s.state not in (TaskStatus.OK, TaskStatus.QUIET)
        ]
        assert ill == []
        mine = replace(settings, redis_url=url, data_dir=str(folder))
        answer = create_app(mine).test_client().get(FEED)
        return content(redis), answer.data


def _end(storm: Storm) -> None:
    if storm.up is not None:
        storm.up.terminate()
        with suppress(subprocess.TimeoutExpired):
            storm.up.wait(20)
        storm.up.kill()
        storm.reap()
