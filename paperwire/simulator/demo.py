"""The demo's world: a simulated day of papers every minute, dated by the real clock.

    start three weeks ago and replay each announcement day at once             the history
    from then on the world follows the real clock
    every minute: add a batch to the newest announcement, picks, votes         a simulated day
                  make the news tasks due, which would otherwise wait until tomorrow

Paperwire compares dates with the real clock: papers dated tomorrow would be wrong, and
yesterday's batch stale. So simulated days do not advance the date. Each adds its batch to the
current announcement of arXiv's calendar (on a weekend, Friday's), which keeps its newest 1,500
rows; older papers reach Paperwire as they do in reality: through the API and through picks.
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
"""Time of day (Eastern) of the picks in the history."""

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
    """Pace and size of the demo; `papers_per_day` is an average, port 0 stands for any free one."""

    seconds_per_day: Seconds = 60.0
    papers_per_day: int = 120
    history_weeks: int = 3
    seed: int = 20_261
    port: int = 0


class DemoTimeline:
    """Simulates days in a world."""

    def __init__(self, upstream: Upstream, options: DemoOptions) -> None:
        self._upstream, self._options = upstream, options
        self._random = Random(options.seed)
        self._papers = PaperGenerator(options.seed)

    def replay_history(self, now: datetime) -> None:
        """Simulate every announcement day of the weeks before `now`, the newest included."""
        last = simulated_days.eastern_day(newest_announcement(now))
        for day in _announcement_days(last - timedelta(weeks=self._options.history_weeks), last):
            self._upstream.set_time(min(now, simulated_days.eastern_midnight(day) + _PICKING_HOUR))
            self.simulate_day()

    def simulate_day(self) -> None:
        """Announce a batch of papers, change earlier ones, add picks and votes."""
        batch = self._announce_batch()
        self._change_earlier(len(batch))
        self._pick_from(batch)
        self._add_votes()
        self._upstream.trim_announcement(MAX_ANNOUNCEMENT_ROWS)

    def _announce_batch(self) -> list[ArxivId]:
        average = self._options.papers_per_day
        size = self._random.randint(average * 9 // 10, average * 11 // 10)
        size = min(size, self._upstream.remaining_numbers())
        return [self._upstream.announce(self._papers.manuscript()) for _ in range(size)]

    def _change_earlier(self, batch_size: int) -> None:
        """Revise, withdraw and cross-list some papers older than this batch."""
        earlier = self._upstream.preprints()[batch_size : batch_size + _RECENT_PAPERS]
        sample = self._random.sample(
            earlier, min(len(earlier), 3 + self._options.papers_per_day // 5)
        )
        for n, preprint in enumerate(sample):
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
        for id in self._random.sample(
            batch, min(len(batch), 2 + self._options.papers_per_day // 12)
        ):
            self._upstream.pick(id, **self._papers.pick(self._upstream.preprint(id).newest.text))
        for id in self._random.sample(
            batch, min(len(batch), 1 + self._options.papers_per_day // 40)
        ):
            self._upstream.pick(id, COMMUNITY, votes=self._random.randint(1, 5))
        if self._random.random() < 0.2:
            self._upstream.post(COMMUNITY, *self._random.choice(_POSTS))

    def _add_votes(self) -> None:
        """Add votes and comments: many to a few picks, few to most."""
        for pick in self._upstream.picks("hf")[:_PICKS_VOTED_ON]:
            self._upstream.add_votes(pick.id, int(self._random.paretovariate(0.9)) % 60)
            if self._random.random() < 0.2:
                self._upstream.add_comments(pick.id)


@contextmanager
def running_demo(
    options: DemoOptions,
    clock: Callable[[], datetime],
    wake: Callable[[datetime], None] = lambda now: None,
) -> Iterator[Upstream]:
    """Run the demo's world and its server for as long as the context lasts.

    `clock` returns aware UTC. `wake` is called with the time after each new day, from the thread
    that simulates days.
    """
    now = clock()
    start = now - timedelta(weeks=options.history_weeks)
    with Upstream(start, rests=False, communities=(COMMUNITY,), port=options.port) as upstream:
        timeline = DemoTimeline(upstream, options)
        timeline.replay_history(now)
        upstream.follow_clock(clock)
        stopping = threading.Event()
        thread = threading.Thread(
            target=_run_days, args=(timeline, options.seconds_per_day, clock, wake, stopping)
        )
        thread.start()
        try:
            yield upstream
        finally:
            stopping.set()
            thread.join()


def demo_settings(upstream: Upstream, **overrides: Any) -> dict[str, Any]:
    """Return fields of `Settings` for the demo: an upstream's, with a shorter arXiv interval."""
    return upstream.settings(arxiv_interval=0.2, contact="demo@localhost", **overrides)


def make_news_tasks_due(states: TaskStates, now: datetime) -> None:
    """Make the planned tasks that fetch news due now. Raises StoreUnavailable."""
    for task in states.due_times():
        if task.startswith(_NEWS_TASK_PREFIXES):
            states.schedule(task, now)


def _run_days(
    timeline: DemoTimeline,
    seconds_per_day: Seconds,
    clock: Callable[[], datetime],
    wake: Callable[[datetime], None],
    stopping: threading.Event,
) -> None:
    while not stopping.wait(seconds_per_day):
        timeline.simulate_day()
        wake(clock())


def _announcement_days(first: date, last: date) -> Iterator[date]:
    day = simulated_days.following_announcement_day(first)
    while day <= last:
        yield day
        day = simulated_days.following_announcement_day(day)
