from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from papers.errors import SourceError, SourceRefused
from papers.state.task_states import TaskState, TaskStatus
from tests.workers.ingest.upstream_answers import answer
from workers.fetch.fetcher import UpstreamResponse
from workers.ingest.pipeline import (
    Tally,
    classify_outcome,
    max_age,
    next_state,
)
from workers.sources.result import FetchResult, RejectedRecord

NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)
"""A Wednesday, ten hours after Eastern midnight."""

HOUR = timedelta(hours=1)
TASK = "announcements:cs.CL"


BROKEN = SourceRefused("no")
# (results, error, previous status, status)
VERDICTS: list[tuple[list[FetchResult], SourceError | None, TaskStatus | None, TaskStatus]] = [
    ([FetchResult(record_count=3)], None, None, TaskStatus.OK),
    ([FetchResult()], None, TaskStatus.OK, TaskStatus.QUIET),
    ([], None, None, TaskStatus.QUIET),
    ([FetchResult(not_modified=True)], None, TaskStatus.OK, TaskStatus.OK),
    ([FetchResult(not_modified=True)], None, TaskStatus.QUIET, TaskStatus.QUIET),
    ([FetchResult(not_modified=True)], None, TaskStatus.FAILING, TaskStatus.QUIET),
    (
        [FetchResult(not_modified=True), FetchResult(record_count=1)],
        None,
        TaskStatus.QUIET,
        TaskStatus.OK,
    ),
    ([FetchResult(record_count=3, stale=True)], None, TaskStatus.OK, TaskStatus.STALE),
    ([FetchResult(not_modified=True, stale=True)], None, TaskStatus.OK, TaskStatus.STALE),
    ([FetchResult(record_count=3, complete=False)], None, TaskStatus.OK, TaskStatus.FAILING),
    (
        [FetchResult(record_count=3, complete=False, stale=True)],
        None,
        TaskStatus.OK,
        TaskStatus.FAILING,
    ),
    (
        [FetchResult(record_count=1, rejected=(RejectedRecord("x", "y"),))],
        None,
        TaskStatus.OK,
        TaskStatus.FAILING,
    ),
    (
        [FetchResult(record_count=2, rejected=(RejectedRecord("x", "y"),))],
        None,
        TaskStatus.OK,
        TaskStatus.OK,
    ),
    ([FetchResult(record_count=3)], BROKEN, TaskStatus.OK, TaskStatus.FAILING),
    ([], BROKEN, None, TaskStatus.FAILING),
]


@pytest.mark.parametrize(("came", "error", "before", "verdict"), VERDICTS)
def test_outcomes_are_classified(
    came: list[FetchResult],
    error: SourceError | None,
    before: TaskStatus | None,
    verdict: TaskStatus,
) -> None:
    tally = Tally()
    for result in came:
        tally.add(result)
    assert classify_outcome(tally, error, before)[0] is verdict


def test_successive_states() -> None:
    def after(before: TaskState | None, verdict: TaskStatus, hours: int) -> TaskState:
        return next_state(before, TASK, verdict, NOW + hours * HOUR, NOW + hours * HOUR)

    first = after(None, TaskStatus.FAILING, 0)
    second = after(first, TaskStatus.FAILING, 1)
    third = after(second, TaskStatus.OK, 2)
    fourth = after(third, TaskStatus.STALE, 3)
    assert [s.failures for s in (first, second, third, fourth)] == [1, 2, 0, 1]
    assert [s.since for s in (first, second, third, fourth)] == [
        *(NOW, NOW, NOW + 2 * HOUR, NOW + 3 * HOUR)
    ]
    assert second.succeeded_at is None
    assert fourth.succeeded_at == NOW + 2 * HOUR
    assert fourth.attempted_at == NOW + 3 * HOUR


AGES: list[tuple[Callable[[], UpstreamResponse | None], float]] = [
    (lambda: None, 0.0),
    (answer, 0.0),
    (lambda: answer(Cache_Control="max-age=600"), 600.0),
    (lambda: answer(Cache_Control="public, Max-Age=60"), 60.0),
    (lambda: answer(Cache_Control="public, s-maxage=5, max-age=60"), 60.0),
    (lambda: answer(Cache_Control="max-age=-1"), 0.0),
    (lambda: answer(Cache_Control="max-age=forever"), 0.0),
]


@pytest.mark.parametrize(("make_response", "seconds"), AGES)
def test_max_age(make_response: Callable[[], UpstreamResponse | None], seconds: float) -> None:
    assert max_age(make_response()) == seconds
