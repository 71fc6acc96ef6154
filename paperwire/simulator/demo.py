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
from papers.state.task_states import TaskStates
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world import simulated_days
from paperwire.simulator.world.generate import PaperGenerator

COMMUNITY: Final = "reading-group"
MAX_ANNOUNCEMENT_ROWS: Final = 1500

_PICKING_HOUR: Final = timedelta(hours=14)
"""After midnight in the history: the morning at Hugging Face."""

_NEWS_TASK_PREFIXES: Final = ("announcements:", "hf:today", "community:")
_RECENT_PAPERS: Final = 600
_PICKS_VOTED_ON: Final = 40
_POSTS: Final = (
    ("Next meeting: bring a paper you disagree with", "https://example.org/meeting"),
    ("How we read: a note on taking notes", "https://example.org/notes"),
    ("Job: engineer for a small research group", "https://example.org/job"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """How lively the demo is; `papers` is the usual number a day, `port` 0 any free one."""

    seconds_per_day: Seconds = 60.0
    papers_per_day: int = 120
    history_weeks: int = 3
    seed: int = 20_261
    port: int = 0


class DemoTimeline:
    """Lets days pass in a world."""

    def __init__(self, upstream: Upstream, plan: DemoOptions) -> None:
        self._upstream, self._plan = upstream, plan
        self._random = Random(plan.seed)
        self._papers = PaperGenerator(plan.seed)

    def replay_history(self, now: datetime) -> None:
        """Every announcement day of the weeks before `now`, the newest included."""
        last = simulated_days.eastern_day(newest_announcement(now))
        for day in _announcement_days(last - timedelta(weeks=self._plan.history_weeks), last):
            self._upstream.set_time(min(now, simulated_days.eastern_midnight(day) + _PICKING_HOUR))
            self.simulate_day()

    def simulate_day(self) -> None:
        """One batch of papers, and what communities make of it and of earlier ones."""
        batch = self._announce_batch()
        self._change_earlier(len(batch))
        self._pick_from(batch)
        self._add_votes()
        self._upstream.trim_announcement(MAX_ANNOUNCEMENT_ROWS)

    def _announce_batch(self) -> list[ArxivId]:
        usual = self._plan.papers_per_day
        size = self._random.randint(usual * 9 // 10, usual * 11 // 10)
        size = min(size, self._upstream.remaining_numbers())
        return [self._upstream.announce(self._papers.manuscript()) for _ in range(size)]

    def _change_earlier(self, batch: int) -> None:
        """Revise, withdraw and cross-list some papers from before this batch."""
        earlier = self._upstream.preprints()[batch : batch + _RECENT_PAPERS]
        chosen = self._random.sample(earlier, min(len(earlier), 3 + self._plan.papers_per_day // 5))
        for n, preprint in enumerate(chosen):
            text = preprint.newest.text
            if preprint.newest.withdrawn:
                continue
            if n == 0:
                self._upstream.withdraw(preprint.id)
            elif n < 4 and "cs.CY" not in text.categories:
                self._upstream.cross_list(preprint.id, "cs.CY")
            else:
                self._upstream.revise(preprint.id, **self._papers.revision(text))

    def _pick_from(self, batch: list[ArxivId]) -> None:
        for id in self._random.sample(batch, min(len(batch), 2 + self._plan.papers_per_day // 12)):
            self._upstream.pick(id, **self._papers.pick(self._upstream.preprint(id).newest.text))
        for id in self._random.sample(batch, min(len(batch), 1 + self._plan.papers_per_day // 40)):
            self._upstream.pick(id, COMMUNITY, votes=self._random.randint(1, 5))
        if self._random.random() < 0.2:
            self._upstream.post(COMMUNITY, *self._random.choice(_POSTS))

    def _add_votes(self) -> None:
        """Votes and comments: some picks get many, most few."""
        for pick in self._upstream.picks("hf")[:_PICKS_VOTED_ON]:
            self._upstream.add_votes(pick.id, int(self._random.paretovariate(0.9)) % 60)
            if self._random.random() < 0.2:
                self._upstream.add_comments(pick.id)


@contextmanager
def running_demo(
    plan: DemoOptions,
    clock: Callable[[], datetime],
    wake: Callable[[datetime], None] = lambda now: None,
) -> Iterator[Upstream]:
    """A living world for as long as the context lasts.

    `clock` gives aware UTC. `wake` is called with the time after each new day, from the thread
    in which days pass.
    """
    now = clock()
    born = now - timedelta(weeks=plan.history_weeks)
    with Upstream(born, rests=False, communities=(COMMUNITY,), port=plan.port) as upstream:
        life = DemoTimeline(upstream, plan)
        life.replay_history(now)
        upstream.follow_clock(clock)
        ended = threading.Event()
        thread = threading.Thread(
            target=_run_days, args=(life, plan.seconds_per_day, clock, wake, ended)
        )
        thread.start()
        try:
            yield upstream
        finally:
            ended.set()
            thread.join()


def demo_settings(upstream: Upstream, **overrides: Any) -> dict[str, Any]:
    """Fields of `Settings` for the demo: like any upstream's, with a brisker lane."""
    return upstream.settings(arxiv_interval=0.5, contact="demo@localhost", **overrides)


def wake_news_sources(states: TaskStates, now: datetime) -> None:
    """Make due now what is planned to ask the upstreams for news. Raises StoreAway."""
    for task in states.due_times():
        if task.startswith(_NEWS_TASK_PREFIXES):
            states.schedule(task, now)


def _run_days(
    life: DemoTimeline,
    day: Seconds,
    clock: Callable[[], datetime],
    wake: Callable[[datetime], None],
    ended: threading.Event,
) -> None:
    while not ended.wait(day):
        life.simulate_day()
        wake(clock())


def _announcement_days(first: date, last: date) -> Iterator[date]:
    day = simulated_days.following_announcement_day(first)
    while day <= last:
        yield day
        day = simulated_days.following_announcement_day(day)
