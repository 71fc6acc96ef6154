"""From an upstream to the store, one task at a time: the architecture of this room.

fetch      the task's source gives parts, each one answer of its upstream
compare    with what such a day usually brings: a thin answer is stale
store      every part is merged into the papers as it comes: what is sound stays
remember   its validators, once it is stored: never a 304 for what was lost
judge      ok, quiet, stale or failing, by what came
record     the state, and when the task is due next
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from papers.config.settings import Seconds
from papers.errors import BadParameter, SourceError
from papers.maintenance.retention import first_kept
from papers.model.arxiv_id import ArxivId
from papers.state.task_states import Progress, SetAside, SourceState, SourceStates, State
from papers.store import Store
from workers.fetch.fetcher import Answer
from workers.ingest.expected_volume import Usual
from workers.ingest.store_batch import Poison, stored
from workers.notify import websub
from workers.schedule.cadence import next_time
from workers.sources.result import Fetch, Fetched, Rejected, Upstreams

_NAMING: Final = ("hf", "community")
"""Sources that name papers which arXiv may have to describe yet."""

Clock = Callable[[], datetime]


@dataclass(slots=True)
class Tally:
    """What the parts of one attempt brought, without their papers."""

    got: int = 0
    new: list[ArxivId] = field(default_factory=list)
    changed: int = 0
    set_aside: int = 0
    too_old: int = 0
    parts: int = 0
    unchanged_parts: int = 0
    stale: bool = False
    complete: bool = True
    readable: bool = True
    wait: Seconds = 0.0
    more: bool = False
    usual: int | None = None
    _said: str = ""
    _summary: str = ""
    _thin: str = ""

    def add(self, part: Fetched) -> None:
        """Count a part in."""
        self.parts += 1
        self.unchanged_parts += part.not_modified
        self.got += part.got
        self.stale |= part.stale
        self.complete &= part.complete
        self.readable &= not part.unreadable
        self.wait = max(self.wait, max_age(part.answer))
        self.more = part.more
        self.usual = self.usual if part.usual is None else part.usual
        self._thin = part.said if part.usual is not None and part.stale else self._thin
        self._said = part.said or self._said
        self._summary = part.summary or self._summary

    @property
    def said(self) -> str:
        """What came, in words."""
        passed_over = f"; {self.too_old} of months that are not kept" if self.too_old else ""
        return f"{self._came}{passed_over}"

    @property
    def _came(self) -> str:
        if self._summary or self.parts <= 1:
            return self._summary or self._said
        return self._thin or f"{self.got} records in {self.parts} answers"


@dataclass(frozen=True, slots=True)
class Report:
    """What one attempt at a task did, and the state it left."""

    state: SourceState
    new: int
    changed: int
    set_aside: int


def judge(tally: Tally, error: SourceError | None, before: State | None) -> tuple[State, str]:
    """The state a source is in after an attempt, and why, in words."""
    if error is not None:
        return State.FAILING, str(error)
    if not tally.readable:
        return State.FAILING, f"none of {tally.got} records could be read; {tally.said}"
    if not tally.complete:
        return State.FAILING, f"part of the answer is missing; {tally.said}"
    if tally.stale:
        return State.STALE, tally.said
    if tally.got:
        return State.OK, tally.said
    unchanged = 0 < tally.parts == tally.unchanged_parts
    return (State.OK if unchanged and before is State.OK else State.QUIET), tally.said


class Ingest:
    """Runs tasks; `sources` maps the part of a task's name before the colon to its fetch."""

    def __init__(
        self,
        store: Store,
        states: SourceStates,
        upstreams: Upstreams,
        sources: Mapping[str, Fetch],
        usual: Usual,
        clock: Clock,
    ) -> None:
        self._usual = usual
        self._store, self._states, self._upstreams = store, states, upstreams
        self._sources, self._clock = sources, clock

    def run(self, task: str) -> Report:
        """One attempt at a task. Raises BadInput for a task that means nothing, StoreError."""
        kind, _, subject = task.partition(":")
        if kind not in self._sources:
            raise BadParameter("task", f"{task!r}: there is no source {kind!r}")
        started = self._clock()
        tally, error = Tally(), None
        try:
            for came in self._sources[kind](subject, self._upstreams, started):
                part = self._usual.judged(task, came, self._clock())
                self._take_in(task, part, tally, started)
        except SourceError as failure:
            error = failure
        finally:
            if not tally.more:
                self._states.end_progress(task)
        return self._record(task, tally, error, started)

    def fail(self, task: str, reason: str) -> SourceState:
        """Record an attempt that ended in a way nobody foresaw."""
        return self._record(task, Tally(), SourceError(reason), self._clock()).state

    def _take_in(self, task: str, part: Fetched, tally: Tally, started: datetime) -> None:
        now = self._clock()
        first = first_kept(self._upstreams.settings.keep_months, now)
        came = stored(self._store, part.sightings, now, first)
        rejected: list[Rejected | Poison] = [*part.rejected, *came.poison]
        tally.add(part)
        tally.new += came.done.new
        tally.changed += len(came.done.changed)
        tally.set_aside += len(rejected)
        tally.too_old += came.too_old
        records = [SetAside(task, now, record.reason, record.excerpt) for record in rejected]
        self._states.quarantine_once(records)
        if part.complete and not (part.stale or part.unreadable):
            self._upstreams.fetcher.remember(part.answer, part.memo)
        if part.more or part.total is not None:
            began = part.began or started
            self._states.put_progress(Progress(task, part.done, part.total, began, now))

    def _record(
        self, task: str, tally: Tally, error: SourceError | None, started: datetime
    ) -> Report:
        before = self._states.get(task)
        now = self._clock()
        kind = task.partition(":")[0]
        wait = (error.retry_after or 0.0) if error else tally.wait if kind == "community" else 0.0
        verdict, said = judge(tally, error, before.state if before else None)
        state = following(before, task, verdict, started, now)
        state = replace(state, said=said, got=tally.got, usual=tally.usual)
        next_at = next_time(task, state, now, wait=wait, more=tally.more)
        state = replace(state, next_at=next_at)
        self._states.put(state)
        if tally.new and kind in _NAMING:
            self._states.make_due("enrich", now)
        if tally.new or tally.changed:
            websub.soon(self._states, now)
        return Report(state, len(tally.new), tally.changed, tally.set_aside)


def max_age(answer: Answer | None) -> Seconds:
    """For how long an answer says it stays fresh (Cache-Control), in seconds."""
    said = answer.headers.get("Cache-Control", "") if answer else ""
    found = re.search(r"\bmax-age\s*=\s*(\d{1,9})\b", said, re.IGNORECASE)
    return float(found[1]) if found else 0.0


def following(
    before: SourceState | None, task: str, verdict: State, started: datetime, now: datetime
) -> SourceState:
    """The state after an attempt: since when, last success, failures in a row."""
    good = verdict in (State.OK, State.QUIET)
    return SourceState(
        name=task,
        state=verdict,
        since=before.since if before and before.state is verdict else now,
        attempted_at=started,
        succeeded_at=now if good else before.succeeded_at if before else None,
        failures=0 if good else (before.failures if before else 0) + 1,
    )
