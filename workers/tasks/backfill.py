"""The task `backfill`: years of papers from arXiv's OAI-PMH, one page per attempt.

    a plan in the store: from, until, set; how far it is
    an attempt: one page, stored; then the plan advances, and the task is due again at once
    windows of a month: an expired resumption token costs no more than that

An attempt that dies is repeated: the plan advances only after its page is stored. No attempt
occupies a worker for longer than one page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline

from papers.command_name import command_line
from papers.counted import format_counted
from papers.errors import BadParameter, SourceRefused
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from workers.sources.arxiv import oai
from workers.sources.arxiv.oai import HarvestPage, HarvestRange
from workers.sources.result import FetchResult, UpstreamClients
from workers.tasks.coverage import Coverage, CoverageRecord

BACKFILL_TASK: Final = "backfill"
WINDOW: Final = timedelta(days=31)
FIRST_DATESTAMP: Final = date(2005, 1, 1)
"""arXiv's datestamps begin in the course of 2005; older papers have later ones."""

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """Datestamps from `since` to `until`, of one set or of all, and how far it is.

    Everything before `at` is stored. `token` leads to the next page of the window that begins at
    `at`; `done` counts records, `began` is when it was planned. In this window, `got` of the
    `total` declared records were received; `again`: some were missing and it is requested once
    more. `short` counts records that were declared and never received.
    """

    since: date
    until: date
    set: str
    at: date
    began: datetime
    token: str = ""
    done: int = 0
    got: int = 0
    total: int = 0
    again: bool = False
    short: int = 0

    @property
    def window(self) -> HarvestRange:
        """The range to harvest now."""
        return HarvestRange(self.at, min(self.at + WINDOW - _DAY, self.until), self.set)

    @property
    def is_finished(self) -> bool:
        """True if everything is stored."""
        return self.at > self.until

    @property
    def description(self) -> str:
        """The progress in words."""
        records = format_counted(self.done, "record") + (f" of {self.set}" if self.set else "")
        if self.is_finished:
            rest = (
                f"{self.short} that arXiv declared did not come" if self.short else "all there is"
            )
            return f"{records}, {self.since} to {self.until}: {rest}"
        return f"{records} from {self.since} on, now at {self.at} of {self.until}"


def plan_backfill(since: date, until: date, set: str, now: datetime) -> BackfillPlan:
    """Return a new plan. Raises BadParameter for impossible days."""
    if since > now.date():
        raise BadParameter("--from", f"{since} is in the future; give a day that is over")
    if since > until:
        raise BadParameter("--from", f"{since} is after --until {until}: exchange them")
    since = max(since, FIRST_DATESTAMP)
    return BackfillPlan(since, min(until, now.date()), set, since, now)


def advance_plan(plan: BackfillPlan, page: HarvestPage) -> BackfillPlan:
    """Return the plan after a page is stored: further in its window, or in the next one.

    A window that ends with fewer records than declared is requested once more.
    """
    got, total = plan.got + page.record_count, page.total or plan.total
    plan = replace(plan, done=plan.done + page.record_count, token=page.token, got=got, total=total)
    if page.token or plan.window.until is None:
        return plan
    if got < total and not plan.again:
        return replace(restart_window(plan), again=True)
    following = plan.window.until + _DAY
    short = plan.short + max(0, total - got)
    return replace(plan, at=following, got=0, total=0, again=False, short=short)


def restart_window(plan: BackfillPlan) -> BackfillPlan:
    """Return the plan at the beginning of its window."""
    return replace(plan, token="", done=plan.done - plan.got, got=0, total=0)


class BackfillPlans:
    """The one plan in Redis. Raises StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def get(self) -> BackfillPlan | None:
        """Return the plan under way, if any."""
        with translate_store_errors(self._redis):
            text: Any = self._redis.get(keys.BACKFILL)
        return _decoded(text) if text else None

    def start(self, plan: BackfillPlan) -> None:
        """Save a new plan. Raises BadParameter if another is under way."""
        with translate_store_errors(self._redis):
            if not self._redis.set(keys.BACKFILL, _encoded(plan), nx=True):
                current = self.get()
                description = current.description if current else "just done"
                raise BadParameter(
                    BACKFILL_TASK,
                    f"one is under way ({description}); "
                    f"`{command_line('backfill --stop')}` ends it",
                )

    def drop(self) -> BackfillPlan | None:
        """Delete and return the plan; papers already stored stay."""
        plan = self.get()
        with translate_store_errors(self._redis):
            self._redis.delete(keys.BACKFILL)
        return plan

    def compare_and_set(self, before: BackfillPlan, after: BackfillPlan) -> None:
        """Replace a plan by its later state, unless it was stopped or replaced meanwhile."""

        def write(pipe: Pipeline) -> None:
            text: Any = pipe.get(keys.BACKFILL)
            pipe.multi()
            if text and _decoded(text) == before:
                if after.is_finished:
                    pipe.delete(keys.BACKFILL)
                else:
                    pipe.set(keys.BACKFILL, _encoded(after))

        with translate_store_errors(self._redis):
            self._redis.transaction(write, keys.BACKFILL)


class Backfill:
    """Fetches the task `backfill`."""

    def __init__(self, redis: Redis) -> None:
        self._plans, self._coverage = BackfillPlans(redis), CoverageRecord(redis)

    def fetch(
        self, subject: str, upstreams: UpstreamClients, now: datetime
    ) -> Iterator[FetchResult]:
        """Yield one page. Raises SourceError, also if the token expired; StoreUnavailable."""
        plan = self._plans.get()
        if plan is None:
            yield FetchResult(message="nothing is planned")
            return
        page = oai.fetch_harvest_page(plan.window, plan.token, upstreams, now)
        if page.token_expired:
            self._plans.compare_and_set(plan, restart_window(plan))
            raise SourceRefused(
                f"arXiv no longer knows the resumption token; restarting from {plan.at}"
            )
        after = advance_plan(plan, page)
        yield FetchResult(
            sightings=page.sightings,
            rejected=page.rejected,
            record_count=page.record_count,
            skipped=page.deleted,
            message=after.description,
            done=after.done,
            began=plan.began,
            has_more=not after.is_finished,
            complete=plan.again or not after.again,
        )
        if after.is_finished and not after.set and not after.short:
            self._coverage.add(Coverage(after.since, after.until))
        self._plans.compare_and_set(plan, after)


def _encoded(plan: BackfillPlan) -> str:
    values = {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in asdict(plan).items()
    }
    return json.dumps(values)


def _decoded(text: bytes) -> BackfillPlan:
    values = json.loads(text)
    days = {name: date.fromisoformat(values[name]) for name in ("since", "until", "at")}
    return BackfillPlan(**values | days | {"began": datetime.fromisoformat(values["began"])})
