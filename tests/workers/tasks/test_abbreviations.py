"""The task that reads which abbreviations papers define."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from redis import Redis

from papers.state.task_states import TaskState, TaskStatus
from papers.store import Store
from papers.suggestions.abbreviation_store import AbbreviationStore
from papers.suggestions.abbreviations import Alternative, term_key
from paperwire.simulator.upstream import Upstream
from tests.papers.suggestions.announcements import sighting
from tests.workers.tasks.task_harness import Harness
from workers.tasks.abbreviations import ABBREVIATIONS_TASK, FEW_PAPERS, next_reading

NOW = datetime(2026, 11, 20, tzinfo=UTC)
DEFINITION = "We study reinforcement learning (RL)."


def test_task_stores_what_papers_define(redis: Redis, upstream: Upstream) -> None:
    store, terms = Store(redis), AbbreviationStore(redis)
    store.ingest([sighting(n, abstract=DEFINITION) for n in (1, 2)], now=NOW)
    harness = Harness(redis, upstream)
    run = harness.run(ABBREVIATIONS_TASK, 0)
    assert (run["state"], run["got"]) == ("ok", 2)
    key = term_key("RL")
    assert terms.get([key]) == {key: (Alternative("reinforcement learning", 2),)}
    assert "there is only" in harness.run(f"{ABBREVIATIONS_TASK}:x", 0)["skipped"]


def test_task_runs_hourly_while_there_are_few_papers() -> None:
    def waits(papers: int) -> timedelta:
        state = TaskState(ABBREVIATIONS_TASK, TaskStatus.OK, NOW, NOW, got=papers)
        due = next_reading(ABBREVIATIONS_TASK, state, NOW)
        assert due is not None
        return due - NOW

    assert waits(0) < timedelta(hours=2)
    assert waits(FEW_PAPERS) > timedelta(hours=20)
