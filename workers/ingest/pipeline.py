"""The ingest pipeline: from an upstream to the store, one task at a time.

fetch     the task's fetch function yields results, one per response of its upstream
compare   with the count expected for such a day: a thin result is stale
store     every result is merged into the papers as it arrives: sound records stay
validate  its validators are saved once it is stored: never a 304 for what was lost
classify  the attempt as ok, quiet, stale or failing
record    the state, and when the task is due next
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime

from papers.config.settings import Seconds
from papers.config.url_secrets import hide_secrets, url_secrets
from papers.counted import format_counted
from papers.errors import BadParameter, SourceError
from papers.maintenance.retention import first_kept_month
from papers.model.arxiv_id import ArxivId
from papers.state.task_states import Progress, QuarantinedRecord, TaskState, TaskStates, TaskStatus
from workers.fetch.arxiv_rate_limiter import background_requests
from workers.fetch.fetcher import UpstreamResponse
from workers.ingest.expected_volume import VolumeCheck
from workers.ingest.store_batch import Poison, store_batch
from workers.schedule.cadence import next_run_at
from workers.schedule.clock import Clock
from workers.schedule.task_kind import TaskContext, TaskKind, kind_of
from workers.sources.result import FetchResult, RejectedRecord, UpstreamClients
from workers.tasks.enrich import ENRICH_TASK

OnChange = Callable[[TaskStates, datetime], None]
"""Called after an attempt that added or changed papers: `workers.notify.channels.changed`."""


@dataclass(slots=True)
class Tally:
    """The totals of one attempt, without its papers."""

    record_count: int = 0
    new_ids: list[ArxivId] = field(default_factory=list)
    changed: int = 0
    quarantined: int = 0
    too_old: int = 0
    parts: int = 0
    unchanged_parts: int = 0
    stale: bool = False
    complete: bool = True
    is_readable: bool = True
    min_wait: Seconds = 0.0
    has_more: bool = False
    expected_count: int | None = None
    next_at: datetime | None = None
    skipped: Counter[str] = field(default_factory=Counter)
    _last_message: str = ""
    _summary: str = ""
    _thin_message: str = ""

    def add(self, result: FetchResult) -> None:
        """Add one result."""
        self.parts += 1
        self.unchanged_parts += result.not_modified
        self.record_count += result.record_count
        self.stale |= result.stale
        self.complete &= result.complete
        self.is_readable &= not result.is_unreadable
        self.min_wait = max(self.min_wait, max_age(result.response))
        self.has_more, self.next_at = result.has_more, result.next_at
        if result.skip_reason and result.skipped:
            self.skipped[result.skip_reason] += result.skipped
        self.expected_count = (
            self.expected_count if result.expected_count is None else result.expected_count
        )
        self._thin_message = (
            result.message
            if result.expected_count is not None and result.stale
            else self._thin_message
        )
        self._last_message = result.message or self._last_message
        self._summary = result.summary or self._summary

    @property
    def message(self) -> str:
        """The outcome in words."""
        too_old = f"; {self.too_old} of months that are not kept" if self.too_old else ""
        skipped = (f"; {count} passed over: {reason}" for reason, count in self.skipped.items())
        return f"{self._described}{''.join(skipped)}{too_old}"

    @property
    def _described(self) -> str:
        if self._summary or self.parts <= 1:
            return self._summary or self._last_message
        records = format_counted(self.record_count, "record")
        return self._thin_message or f"{records} in {self.parts} answers"


@dataclass(frozen=True, slots=True)
class TaskReport:
    """The outcome of one attempt at a task, and the state it left."""

    state: TaskState
    new: int
    changed: int
    quarantined: int


def classify_outcome(
    tally: Tally, error: SourceError | None, previous: TaskStatus | None
) -> tuple[TaskStatus, str]:
    """Return the status of a source after an attempt, and the message that explains it."""
    if error is not None:
        return TaskStatus.FAILING, str(error)
    if not tally.is_readable:
        return (
            TaskStatus.FAILING,
            f"none of {tally.record_count} records could be read; {tally.message}",
        )
    if not tally.complete:
        return TaskStatus.FAILING, f"part of the answer is missing; {tally.message}"
    if tally.stale:
        return TaskStatus.STALE, tally.message
    if tally.record_count:
        return TaskStatus.OK, tally.message
    unchanged = 0 < tally.parts == tally.unchanged_parts
    return (
        TaskStatus.OK if unchanged and previous is TaskStatus.OK else TaskStatus.QUIET
    ), tally.message


class IngestPipeline:
    """Runs tasks. `kinds` has the row of each kind; fetch functions are built from `context`."""

    def __init__(
        self,
        context: TaskContext,
        states: TaskStates,
        upstreams: UpstreamClients,
        kinds: Mapping[str, TaskKind],
        volume_check: VolumeCheck,
        on_change: OnChange,
        clock: Clock,
    ) -> None:
        self._context, self._states, self._upstreams = context, states, upstreams
        self._secrets = url_secrets(upstreams.settings.communities.values())
        self._kinds, self._volume_check = kinds, volume_check
        self._on_change, self._clock = on_change, clock

    def run(self, task: str) -> TaskReport:
        """Attempt a task. Raises BadInput for an unknown kind or subject, StoreError."""
        kind = self._kinds.get(kind_of(task))
        if kind is None:
            raise BadParameter("task", f"{task!r}: there is no such kind of task")
        started = self._clock()
        tally, error = Tally(), None
        fetch = kind.build_fetch(self._context)
        try:
            with background_requests() if kind.role.is_background else nullcontext():
                for fetched in fetch(task.partition(":")[2], self._upstreams, started):
                    result = self._volume_check.assess(
                        task, fetched, self._clock(), confirmed_by_oai=kind.confirmed_by_oai
                    )
                    self._store_part(task, result, tally, started)
        except SourceError as failure:
            error = failure
        finally:
            if not tally.has_more:
                self._states.delete_progress(task)
        return self._record(task, tally, error, started)

    def record_failure(self, task: str, reason: str) -> TaskState:
        """Record an attempt that ended in an unexpected error."""
        return self._record(task, Tally(), SourceError(reason), self._clock()).state

    def _store_part(self, task: str, result: FetchResult, tally: Tally, started: datetime) -> None:
        now = self._clock()
        first = first_kept_month(self._upstreams.settings.keep_months, now)
        batch = store_batch(self._context.store, result.sightings, now, first)
        rejected: list[RejectedRecord | Poison] = [*result.rejected, *batch.poison]
        tally.add(result)
        tally.new_ids += batch.ingested.new
        tally.changed += len(batch.ingested.changed)
        tally.quarantined += len(rejected)
        tally.too_old += batch.too_old
        records = [
            QuarantinedRecord(task, now, self._hide(record.reason), self._hide(record.excerpt))
            for record in rejected
        ]
        self._states.quarantine_new(records)
        if result.complete and not (result.stale or result.is_unreadable):
            self._upstreams.fetcher.save_validators(result.response, result.memo)
        if result.has_more or result.total is not None:
            began = result.began or started
            self._states.save_progress(Progress(task, result.done, result.total, began, now))

    def _record(
        self, task: str, tally: Tally, error: SourceError | None, started: datetime
    ) -> TaskReport:
        previous = self._states.get(task)
        now, kind = self._clock(), self._kinds[kind_of(task)]
        status, message = classify_outcome(tally, error, previous.state if previous else None)
        state = next_state(previous, task, status, started, now)
        state = replace(
            state, said=self._hide(message), got=tally.record_count, usual=tally.expected_count
        )
        next_at = next_run_at(
            task,
            kind.cadence,
            state,
            now,
            min_wait=_requested_wait(kind, tally, error),
            has_more=tally.has_more,
            stated=tally.next_at,
        )
        state = replace(state, next_at=next_at)
        self._states.save(state)
        if tally.new_ids and kind.names_papers:
            self._states.schedule(ENRICH_TASK, now)
        if tally.new_ids or tally.changed:
            self._on_change(self._states, now)
        return TaskReport(state, len(tally.new_ids), tally.changed, tally.quarantined)

    def _hide(self, text: str) -> str:
        """Return a text without the users, passwords and keys in the URLs of communities."""
        return hide_secrets(text, self._secrets)


def _requested_wait(kind: TaskKind, tally: Tally, error: SourceError | None) -> Seconds:
    if error:
        return error.retry_after or 0.0
    return tally.min_wait if kind.obeys_max_age else 0.0


def max_age(response: UpstreamResponse | None) -> Seconds:
    """Return a response's freshness lifetime (Cache-Control: max-age), in seconds; 0 if none."""
    directives = response.headers.get("Cache-Control", "") if response else ""
    match = re.search(r"\bmax-age\s*=\s*(\d{1,9})\b", directives, re.IGNORECASE)
    return float(match[1]) if match else 0.0


def next_state(
    previous: TaskState | None, task: str, status: TaskStatus, started: datetime, now: datetime
) -> TaskState:
    """Return the state after an attempt: status, since when, last success, failures in a row."""
    succeeded = status in (TaskStatus.OK, TaskStatus.QUIET)
    return TaskState(
        name=task,
        state=status,
        since=previous.since if previous and previous.state is status else now,
        attempted_at=started,
        succeeded_at=now if succeeded else previous.succeeded_at if previous else None,
        failures=0 if succeeded else (previous.failures if previous else 0) + 1,
    )
