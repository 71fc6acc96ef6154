from __future__ import annotations

from datetime import timedelta

import pytest

from papers.state.task_states import TaskState, TaskStatus
from service.source_status import lasting_trouble, source_summary, source_trouble, task_title
from tests.service.made import NOW


@pytest.mark.parametrize(
    ("task", "title"),
    [
        ("announcements:cs.AI", "arXiv cs.AI"),
        ("hf:today", "Hugging Face Daily Papers"),
        ("oai:day", "arXiv OAI-PMH"),
        ("enrich", "arXiv API"),
        ("community:ours", "ours"),
        ("fill:reward-model", "first papers of reward-model"),
        ("mail:daily:reward-model", "e-mail of daily, reward-model"),
        ("websub", "WebSub hub"),
        ("closing", "compaction"),
        ("abbreviations", "abbreviations"),
        ("of-a-later-release:x", "of-a-later-release:x"),
    ],
)
def test_task_titles(task: str, title: str) -> None:
    assert task_title(task) == title


def state(name: str, status: TaskStatus) -> TaskState:
    return TaskState(name, status, NOW, NOW)


@pytest.mark.parametrize("task", ["announcements:cs.AI", "oai:day", "enrich", "hf:today"])
def test_failing_source_is_named(task: str) -> None:
    trouble = f"Papers may be missing: {task_title(task)} is not answering since 2026-11-21."
    assert source_trouble([state(task, TaskStatus.FAILING)]) == trouble


@pytest.mark.parametrize("task", ["fill:x", "mail:daily:x", "websub", "retention", "closing"])
def test_failing_maintenance_and_notification_misses_no_paper(task: str) -> None:
    assert source_trouble([state(task, TaskStatus.FAILING)]) == ""


def test_summary_names_all_late_sources() -> None:
    late, well = state("hf:today", TaskStatus.STALE), state("oai:day", TaskStatus.QUIET)
    assert source_summary([]) == "No source has been fetched yet."
    assert source_summary([well]) == "All sources are well."
    assert source_summary([late, well]) == (
        "Papers may be missing: Hugging Face Daily Papers is late since 2026-11-21."
    )


def test_feeds_name_each_source_in_trouble_once() -> None:
    states = [
        state("announcements:cs.AI", TaskStatus.STALE),
        TaskState("announcements:cs.CL", TaskStatus.STALE, NOW - timedelta(days=3), NOW),
        state("hf:today", TaskStatus.FAILING),
        state("community:ours", TaskStatus.OK),
        state("retention", TaskStatus.FAILING),
    ]
    assert lasting_trouble(states) == (
        "Papers may be missing: Hugging Face Daily Papers is not answering since 2026-11-21; "
        "arXiv is late since 2026-11-18."
    )
    assert lasting_trouble([]) == ""
