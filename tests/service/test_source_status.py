from __future__ import annotations

from datetime import timedelta

import pytest

from papers.state.task_states import TaskState, TaskStatus
from service.source_status import (
    UNATTENDED_AFTER,
    lasting_trouble,
    source_summary,
    source_trouble,
    task_title,
)
from tests.service.made import NOW, SECOND


@pytest.mark.parametrize(
    ("task", "title"),
    [
        ("announcements:cs.AI", "arXiv cs.AI"),
        ("hf:today", "Hugging Face Daily Papers, today"),
        ("hf:recent", "Hugging Face Daily Papers, past days"),
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
    source = "Hugging Face Daily Papers" if task == "hf:today" else "arXiv"
    trouble = f"Papers may be missing: {source} is not answering since Sat 21 Nov."
    assert source_trouble([state(task, TaskStatus.FAILING)], NOW) == trouble


@pytest.mark.parametrize("task", ["fill:x", "mail:daily:x", "websub", "retention", "closing"])
def test_failing_maintenance_and_notification_misses_no_paper(task: str) -> None:
    assert source_trouble([state(task, TaskStatus.FAILING)], NOW) == ""


def test_summary_names_all_late_sources() -> None:
    late, well = state("hf:today", TaskStatus.STALE), state("oai:day", TaskStatus.QUIET)
    assert source_summary([], NOW) == ("No source has been fetched yet.", False)
    assert source_summary([well], NOW) == ("Every source is well.", True)
    assert source_summary([late, well], NOW) == (
        "Papers may be missing: Hugging Face Daily Papers is late since Sat 21 Nov.",
        False,
    )


def test_sources_are_not_well_without_an_attempt_for_a_day() -> None:
    well = [state("oai:day", TaskStatus.OK), state("websub", TaskStatus.OK)]
    assert source_summary(well, NOW + UNATTENDED_AFTER).is_well
    assert source_summary(well, NOW + UNATTENDED_AFTER + SECOND) == (
        f"No source has been fetched since Sat 21 Nov, {NOW:%H:%M} UTC.",
        False,
    )


def test_one_cause_of_all_is_named_once() -> None:
    failing = [state(n, TaskStatus.FAILING) for n in ("announcements:cs.AI", "hf:today", "oai:day")]
    trouble = f"No source answers since Sat 21 Nov, {NOW:%H:%M} UTC. What was held then is shown."
    assert source_trouble(failing, NOW) == trouble
    assert source_trouble([*failing, state("websub", TaskStatus.OK)], NOW) == trouble
    assert "No source answers" not in source_trouble(
        [*failing, state("enrich", TaskStatus.OK)], NOW
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
