"""States of tasks in words: for subtitles, the status page and the front page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from papers.config.sources import COMMUNITY_KIND, SOURCES, TASK_TITLES, is_source_task
from papers.state.task_states import TaskState, TaskStatus
from service.markup.clean import single_line, source_name

_TROUBLE_WORDS: Final = {TaskStatus.STALE: "late", TaskStatus.FAILING: "not answering"}
"""The states that subtitles name, and the word for each."""

LASTING: Final = timedelta(days=1)
"""How long a source is in trouble before feeds name it."""


def task_title(task: str) -> str:
    """Return the title of a task: `announcements:cs.AI` is `arXiv cs.AI`."""
    kind, _, name = task.partition(":")
    if kind == COMMUNITY_KIND:
        return source_name(name)
    if kind not in TASK_TITLES:
        titles = (spec.title for spec in SOURCES.values() if kind in spec.task_kinds)
        return next(titles, single_line(task))
    name = single_line(name)
    return TASK_TITLES[kind].format(name=name.replace(":", ", ") if kind == "mail" else name)


def source_trouble(states: Iterable[TaskState]) -> str:
    """Return a sentence on sources that are late or do not answer; "" if all are well.

    Tasks without which no paper is missing (maintenance, notifications) are left out.
    """
    troubles = [
        f"{task_title(state.name)} is {_TROUBLE_WORDS[state.state]} since {state.since:%Y-%m-%d}"
        for state in states
        if state.state in _TROUBLE_WORDS and is_source_task(state.name)
    ]
    return f"Papers may be missing: {'; '.join(troubles)}." if troubles else ""


def lasting_trouble_start(now: datetime) -> datetime:
    """Return the time before which a source must be in trouble for feeds to name it.

    A feed changes for its readers with every name; most troubles pass within a day. By whole hours,
    so that it changes rarely.
    """
    return now.replace(minute=0, second=0, microsecond=0) - LASTING


def lasting_trouble(states: Iterable[TaskState]) -> str:
    """Return a sentence on the sources in trouble, each once and no category; "" if all are well.

    `states` have no trouble of the last day (`StoreVersion.task_states`).
    """
    since: dict[str, TaskState] = {}
    for state in sorted(states, key=lambda state: state.since):
        if state.state in _TROUBLE_WORDS and is_source_task(state.name):
            since.setdefault(_source_title(state.name), state)
    troubles = [
        f"{title} is {_TROUBLE_WORDS[state.state]} since {state.since:%Y-%m-%d}"
        for title, state in sorted(since.items())
    ]
    return f"Papers may be missing: {'; '.join(troubles)}." if troubles else ""


def _source_title(task: str) -> str:
    """Return the title of the source of a task: `announcements:cs.AI` is of arXiv."""
    kind = task.partition(":")[0]
    titles = (spec.title for spec in SOURCES.values() if kind in spec.task_kinds)
    return next(titles, task_title(task))


def source_summary(states: Iterable[TaskState]) -> str:
    """Return the state of all sources as one line."""
    known = list(states)
    if not known:
        return "No source has been fetched yet."
    return source_trouble(known) or "All sources are well."
