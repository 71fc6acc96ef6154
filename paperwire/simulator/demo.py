"""The demo's world: a day of papers every minute, while the clock on the wall goes on as ever.

    begin three weeks ago; let each announcement day pass in a moment          the history
    from then on the world's time is the wall clock's
    every minute: one more batch in the newest announcement, picks, votes      a "day"
                  wake the sources, which would rest until tomorrow

Paperwire judges dates by the wall clock: papers dated tomorrow would be wrong, and yesterday's
batch stale. So the demo's days do not move the date. Each adds its batch to the announcement
that arXiv's calendar has out now (on a weekend, Friday's), which keeps its newest 1,500 rows, and
older papers reach Paperwire as they would in earnest: by the API, by picks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Final

from papers.config.settings import Seconds
from papers.model.arxiv_calendar import newest_announcement
from papers.model.arxiv_id import ArxivId
from papers.state.task_states import SourceStates
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world import simulated_days
from paperwire.simulator.world.generate import Generator

COMMUNITY: Final = "reading-group"
ROWS_KEPT: Final = 1500

_PICKING_HOUR: Final = timedelta(hours=14)
"""After midnight in the history: the morning at Hugging Face."""

_NEWS: Final = ("announcements:", "hf:today", "community:")
_RECENT: Final = 600
_VOTED_ON: Final = 40
_POSTS: Final = (
    ("Next meeting: bring a paper you disagree with", "https://example.org/meeting"),
    ("How we read: a note on taking notes", "https://example.org/notes"),
    ("Job: engineer for a small research group", "https://example.org/job"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How lively the demo is; `papers` is the usual number a day, `port` 0 any free one."""

    day: Seconds = 60.0
    papers: int = 120
    weeks: int = 3
    seed: int = 20_261
    port: int = 0


class Life:
    """Lets days pass in a world."""

    def __init__(self, upstream: Upstream, plan: Plan) -> None:
        self._upstream, self._plan = upstream, plan
        self._random = Random(plan.seed)
        self._papers = Generator(plan.seed)

    def history(self, now: datetime) -> None:
        """Every announcement day of the weeks before `now`, the newest included."""
        last = simulated_days.eastern_day(newest_announcement(now))
        for day in _announcement_days(last - timedelta(weeks=self._plan.weeks), last):
            self._upstream.go_to(min(now, simulated_days.midnight(day) + _PICKING_HOUR))
            self.day()

    def day(self) -> None:
        """One batch of papers, and what communities make of it and of earlier ones."""
        batch = self._announce()
        self._change_earlier(len(batch))
        self._pick(batch)
        self._count()
        self._upstream.trim(ROWS_KEPT)

    def _announce(self) -> list[ArxivId]:
        usual = self._plan.papers
        size = self._random.randint(usual * 9 // 10, usual * 11 // 10)
        size = min(size, self._upstream.numbers_left())
        return [self._upstream.announce(self._papers.manuscript()) for _ in range(size)]

    def _change_earlier(self, batch: int) -> None:
        """Revise, withdraw and cross-list some papers from before this batch."""
        earlier = self._upstream.preprints()[batch : batch + _RECENT]
        chosen = self._random.sample(earlier, min(len(earlier), 3 + self._plan.papers // 5))
        for n, preprint in enumerate(chosen):
            text = preprint.newest.text
            if preprint.newest.withdrawn:
                continue
            if n == 0:
                self._upstream.withdraw(preprint.id)
            elif n < 4 and "cs.CY" not in text.categories:
                self._upstream.cross(preprint.id, "cs.CY")
            else:
                self._upstream.revise(preprint.id, **self._papers.revision(text))

    def _pick(self, batch: list[ArxivId]) -> None:
        for id in self._random.sample(batch, min(len(batch), 2 + self._plan.papers // 12)):
            self._upstream.pick(id, **self._papers.pick(self._upstream.preprint(id).newest.text))
        for id in self._random.sample(batch, min(len(batch), 1 + self._plan.papers // 40)):
            self._upstream.pick(id, COMMUNITY, votes=self._random.randint(1, 5))
        if self._random.random() < 0.2:
            self._upstream.post(COMMUNITY, *self._random.choice(_POSTS))

    def _count(self) -> None:
        """Votes and comments: some picks get many, most few."""
        for pick in self._upstream.picks("hf")[:_VOTED_ON]:
            self._upstream.vote(pick.id, int(self._random.paretovariate(0.9)) % 60)
            if self._random.random() < 0.2:
                self._upstream.remark(pick.id)


@contextmanager
def running(
    plan: Plan,
    clock: Callable[[], datetime],
    wake: Callable[[datetime], None] = lambda now: None,
) -> Iterator[Upstream]:
    """A living world for as long as the context lasts.

    `clock` gives aware UTC. `wake` is called with the time after each new day, from the thread
    in which days pass.
    """
    now = clock()
    born = now - timedelta(weeks=plan.weeks)
    with Upstream(born, rests=False, communities=(COMMUNITY,), port=plan.port) as upstream:
        life = Life(upstream, plan)
        life.history(now)
        upstream.follow(clock)
        ended = threading.Event()
        thread = threading.Thread(target=_live, args=(life, plan.day, clock, wake, ended))
        thread.start()
        try:
            yield upstream
        finally:
            ended.set()
            thread.join()


def settings(upstream: Upstream, **overrides: Any) -> dict[str, Any]:
    """Fields of `Settings` for the demo: like any upstream's, with a brisker lane."""
    return upstream.settings(arxiv_interval=0.5, contact="demo@localhost", **overrides)


def wake(states: SourceStates, now: datetime) -> None:
    """Make due now what is planned to ask the upstreams for news. Raises StoreAway."""
    for task in states.planned():
        if task.startswith(_NEWS):
            states.make_due(task, now)


def _live(
    life: Life,
    day: Seconds,
    clock: Callable[[], datetime],
    wake: Callable[[datetime], None],
    ended: threading.Event,
) -> None:
    while not ended.wait(day):
        life.day()
        wake(clock())


def _announcement_days(first: date, last: date) -> Iterator[date]:
    day = simulated_days.day_after(first)
    while day <= last:
        yield day
        day = simulated_days.day_after(day)
