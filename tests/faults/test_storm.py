"""A hundred kills in a day's ingest, of everything there is: afterwards nothing tells of them.

The second day of a scripted world (new versions, a withdrawal, cross-lists, picks, votes) is
ingested by `paperwire up` on top of the first, and goes on with more of everything, while a seeded
storm kills, with SIGKILL, job processes, the worker, the scheduler, the web server, the store and
the supervisor itself. When it is over, the store must come to what an undisturbed run leaves, by
itself and within two minutes.
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
from papers.model.merge import published_at
from papers.model.paper import Paper
from papers.redis_backend import keys
from papers.redis_backend.connection import connect
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStates, TaskStatus
from paperwire.run import embedded_store
from paperwire.run.demo_runner import to_toml
from paperwire.run.ports import find_free_port
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world import simulated_days
from paperwire.simulator.world.manuscripts import Manuscript
from service import create_app
from tests.faults.stage import FeedPoller, wait_until
from tests.faults.test_kill import first_day, second_day
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
"""How often each is chosen, out of a hundred."""


@dataclass
class Storm:
    """`paperwire up` on a data folder, and what was killed of it."""

    folder: Path
    config: Path
    chance: random.Random
    up: subprocess.Popen[str] | None = None
    address: str = ""
    family: set[int] = field(default_factory=set)
    killed: Counter[str] = field(default_factory=Counter)
    served: bytes = b""

    def start(self) -> None:
        """Start it, unless it runs, and wait for its first words."""
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
        words = self.up.stdout.readline()
        assert words, "paperwire up ended"

    def reap(self) -> None:
        """Tidy up after one that is dead."""
        if self.up is not None:
            self.up.wait()
            with suppress(AssertionError):
                wait_until(lambda: not any(map(is_running, self.family)))
            left = [command_line_of(pid) for pid in self.family if is_running(pid)]
            assert left == [], "these outlived their supervisor"
            assert self.up.stdout is not None
            self.up.stdout.close()

    def pids(self, victim: str) -> list[int]:
        """The processes of one kind."""
        assert self.up is not None
        if victim == "supervisor":
            return [self.up.pid]
        if victim == "job":
            return [pid for worker in self.pids("worker") for pid in descendants(worker)]
        words = {"worker": "workers worker", "scheduler": "workers scheduler", "web": "granian"}
        named = words.get(victim, "valkey-server")
        found = [pid for pid in descendants(self.up.pid) if named in command_line_of(pid)]
        return [min(found)] if found else []

    def strike(self) -> None:
        """Have an ingest under way, wait for a moment of chance, and kill one."""
        (victim,) = self.chance.choices(list(VICTIMS), list(VICTIMS.values()))
        pause = self.chance.uniform(0, 0.3)
        self.stir()
        self.family = descendants(self.up.pid) if self.up else set()
        time.sleep(pause)
        if victim == "job":
            with suppress(AssertionError):
                wait_until(lambda: self.pids("job"), 0.7)
                time.sleep(pause / 10)
        others = [kind for kind in VICTIMS if kind != "supervisor"]
        self.chance.shuffle(others)
        for kind in (victim, *others):  # what is down just now cannot be killed
            pids = [pid for pid in self.pids(kind) if is_running(pid)]
            if pids:
                with suppress(ProcessLookupError):
                    os.kill(pids[0], signal.SIGKILL)
                    self.killed[kind] += 1
                    if kind == "supervisor" and self.up:
                        self.up.wait()
                    return

    def stir(self) -> None:
        """Wake every task, and let the locks of the dead run out, as two minutes would."""
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
        """Whether everything is as it should be, and every source well.

        Reconciliation that came before an announcement, which a kill had delayed, says what it
        found missing and filled in until it looks again: five minutes later, here at once.
        """
        with suppress(Exception), self.redis() as redis:
            states = TaskStates(redis)
            ill = [s for s in states.all() if s.state not in (TaskStatus.OK, TaskStatus.QUIET)]
            if [(s.name, s.state) for s in ill] == [(reconcile.RECONCILE_TASK, TaskStatus.STALE)]:
                states.schedule(reconcile.RECONCILE_TASK, datetime.now(UTC))
            return not ill and content(redis) == expected
        return False

    def serves(self, feed: bytes) -> bool:
        """Whether the feed is these very bytes."""
        with suppress(requests.ConnectionError):
            self.served = requests.get(self.address + FEED, timeout=5).content
            return self.served == feed
        return False

    def differences(self, expected: dict[str, Any]) -> str:
        """What is not as it should be."""
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
    """The fingerprint of a store, without what tells when or in what order its tasks were run.

    That is not the same of two runs that nobody disturbs either: see the test of it below.

    * A community's counters, and what it states of a paper, are of the moment it was asked.
    * `listed_at` is the earliest statement that names a category. arXiv's API dates its statement
      by the submission, a day before the announcement, and is asked only for papers that a
      community named before an announcement had described them here. So whether it is asked
      depends on which of two due tasks is first. Times before the announcement are therefore all
      one, as they are to `papers.model.frozen_fields`; later ones are compared.
    """
    found = fingerprint(redis)
    papers: Any = found["papers"]
    return found | {"papers": [_timeless(paper) for paper in papers]}


def _timeless(paper: Paper) -> Paper:
    announced_at = int(published_at(paper).timestamp())
    return paper._replace(
        picks=tuple(replace(pick, counted_at=None) for pick in paper.picks),
        ranks=tuple(
            (name, rank if rank.is_arxiv else rank._replace(as_of=0)) for name, rank in paper.ranks
        ),
        listed_at=tuple(max(at, announced_at) for at in paper.listed_at),
    )


def ingest(
    folder: Path,
    settings: Settings,
    now: datetime,
    *,
    keyword: bool = False,
    first: tuple[str, ...] = (),
) -> None:
    """Every task, done once by nobody else, on the store in a folder; `first`: before the rest."""
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
    """It is now; all of the first day was yesterday."""
    now = datetime.now(UTC)
    with Upstream(now, rests=False, communities=("weekly",)) as world:
        yield world


def test_a_hundred_kills_leave_what_an_undisturbed_run_does(
    world: Upstream, tmp_path: Path
) -> None:
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
            storm.strike()
        ended = time.monotonic()
        raged = ended - began
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
        figures=f"in {raged:.0f} s: {killed}",
    )


def test_only_what_is_not_compared_tells_the_order_of_the_tasks(
    world: Upstream, tmp_path: Path
) -> None:
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
    """The first day, ingested: now, its papers, the settings."""
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
    """What the second day brings, all of it there when the storm begins."""
    world.set_time(now)
    second_day(world, known, moves=False)
    for n in range(150):  # so that an ingest takes long enough to be killed in it
        world.announce(Manuscript(title=f"One of many reward models {n}"))


def later_today(world: Upstream, known: list[ArxivId], nth: int) -> None:
    """What comes before each kill: papers, and now and then a version, a pick, votes."""
    titles = [f"Reward models before kill {nth} {n}" for n in range(2)]
    fresh = [world.announce(Manuscript(title=title)) for title in titles]
    if nth % 5 == 0:
        world.revise(known[10 + nth // 5 % 20], title=f"Paper before kill {nth} on reward models")
        world.pick(fresh[0], votes=nth)
        world.pick(fresh[1], "weekly")
        world.add_votes(known[4], nth)


def undisturbed(folder: Path, settings: Settings) -> tuple[dict[str, Any], bytes]:
    """What is in the store of a folder, and the feed that is made of it."""
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
