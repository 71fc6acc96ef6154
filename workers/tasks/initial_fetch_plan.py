"""Plan of initial fetches: from arXiv's API for few keywords, one backfill for many.

    the store has all of arXiv for the past year    none is needed: their states say so
    at most a hundred are waiting                   each is fetched from the API
    more                                            one OAI-PMH backfill of the year (some 730
                                                    requests) in place of all of them

Keywords without a state are found by a sweep: some at each tick of the scheduler.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from redis import Redis

from papers.config.settings import Settings
from papers.maintenance.retention import first_kept_month
from papers.state.initial_fetch_states import MAX_WAITING_FETCHES, InitialFetchStates
from papers.state.initial_fetches import missing_initial_fetches
from papers.state.keyword_record import initial_fetch_task
from papers.state.keywords import Keywords
from papers.state.record_codec import encode_record
from papers.state.task_states import TaskState, TaskStatus
from workers.tasks.backfill import BackfillPlans, plan_backfill
from workers.tasks.coverage import PAST, CoverageRecord

KEYWORDS_PER_SWEEP: Final = 100
"""How many saved keywords a tick looks at for initial fetches that nobody has planned."""


def sweep_initial_fetches(
    redis: Redis, cursor: int, settings: Settings, now: datetime
) -> tuple[int, Sequence[str]]:
    """Return the next cursor and the fetches to schedule for the keywords at this one.

    May start the backfill that replaces them. Raises StoreError.
    """
    next_cursor, slugs = Keywords(redis).scan_slugs(cursor, KEYWORDS_PER_SWEEP)
    tasks = [initial_fetch_task(slug) for slug in sorted(slugs)]
    missing = missing_initial_fetches(redis, tasks)
    return next_cursor, plan_initial_fetches(redis, missing, settings, now)


def first_day_of_past(settings: Settings, now: datetime) -> date:
    """Return the first day of the past that a new keyword is to have, as far as it is kept."""
    kept = first_kept_month(settings.keep_months, now)
    first = now.date() - PAST
    return max(first, date(kept // 100, kept % 100, 1)) if kept else first


def reason_for_no_fetch(redis: Redis, settings: Settings, now: datetime) -> str:
    """Return why initial fetches would bring nothing at present, empty if they would."""
    if settings.fill_papers == 0:
        return "initial fetches are turned off"
    coverage, first = CoverageRecord(redis).get(), first_day_of_past(settings, now)
    if coverage and coverage.holds_past(first, now):
        return f"the store has all of arXiv since {coverage.since}"
    return ""


def plan_initial_fetches(
    redis: Redis, missing: Sequence[str], settings: Settings, now: datetime
) -> Sequence[str]:
    """Return which missing fetches to run; the others are done, or left until there is a place.

    May start the backfill that replaces them. Raises StoreError.
    """
    if not missing:
        return []
    if reason := reason_for_no_fetch(redis, settings, now):
        _mark_done(redis, missing, reason, now)
        return []
    first, plans = first_day_of_past(settings, now), BackfillPlans(redis)
    under_way = plans.get()
    if under_way and not under_way.set and under_way.since <= first and under_way.until >= first:
        return []  # it brings their past; then the store has it
    free = max(0, MAX_WAITING_FETCHES - InitialFetchStates(redis).counts()["waiting"])
    if len(missing) <= free or under_way or not settings.arxiv_oai_url:
        return missing[:free]
    coverage = CoverageRecord(redis).get()
    is_held = coverage and coverage.since <= first <= coverage.until
    since = coverage.until if coverage and is_held else first
    plans.start(plan_backfill(since, now.date(), "", now))
    InitialFetchStates(redis).clear_due()
    return []


def _mark_done(redis: Redis, tasks: Sequence[str], reason: str, now: datetime) -> None:
    done = [TaskState(task, TaskStatus.OK, now, now, now, said=reason) for task in tasks]
    InitialFetchStates(redis).save_all(
        (state.name, state.state, encode_record(state)) for state in done
    )
