"""States of tasks in words: for subtitles, the status page and the front page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from papers.config.sources import COMMUNITY_KIND, SOURCES, TASK_TITLES, is_source_task
from papers.state.task_states import TaskState, TaskStatus
from service.markup.clean import single_line, source_name
from service.markup.day_format import format_day, format_moment

_TROUBLE_WORDS: Final = {TaskStatus.STALE: "late", TaskStatus.FAILING: "not answering"}
"""The states that subtitles name, and the word for each."""

UNATTENDED_AFTER: Final = timedelta(days=1)
"""Without an attempt for so long, no source is said to be well."""
LASTING: Final = timedelta(days=1)
"""How long a source is in trouble before feeds name it."""


def task_title(task: str) -> str:
    """Return the title of a task: `announcements:cs.AI` is `arXiv cs.AI`."""
    kind, _, name = task.partition(":")
    if name and task in TASK_TITLES:
        return TASK_TITLES[task]
    if kind == COMMUNITY_KIND:
        return source_name(name)
    if kind not in TASK_TITLES:
        titles = (spec.title for spec in SOURCES.values() if kind in spec.task_kinds)
        return next(titles, single_line(task))
    name = single_line(name)
    return TASK_TITLES[kind].format(name=name.replace(":", ", ") if kind == "mail" else name)


def source_trouble(states: Iterable[TaskState], now: datetime) -> str:
    """Return a sentence on sources that are late or do not answer; "" if all are well.

    Each source is named once, and one cause once: if none answers, that is what the sentence says.
    Tasks without which no paper is missing (maintenance, notifications) are left out.
    """
    sources = [state for state in states if is_source_task(state.name)]
    if len(sources) > 1 and all(state.state is TaskStatus.FAILING for state in sources):
        since = format_moment(max(state.since for state in sources), now.year)
        return f"No source answers since {since}. What was held then is shown."
    troubles = [
        f"{title} is {_TROUBLE_WORDS[state.state]} since {format_day(state.since, now.year)}"
        for title, state in _first_troubles(sources)
    ]
    return f"Papers may be missing: {'; '.join(troubles)}." if troubles else ""


def _first_troubles(sources: Iterable[TaskState]) -> list[tuple[str, TaskState]]:
    """Return each source that is in trouble with the state of the first of its tasks that was."""
    since: dict[str, TaskState] = {}
    for state in sorted(sources, key=lambda state: state.since):
        if state.state in _TROUBLE_WORDS:
            since.setdefault(_source_title(state.name), state)
    return sorted(since.items())


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
    troubles = [
        f"{title} is {_TROUBLE_WORDS[state.state]} since {state.since:%Y-%m-%d}"
        for title, state in _first_troubles(s for s in states if is_source_task(s.name))
    ]
    return f"Papers may be missing: {'; '.join(troubles)}." if troubles else ""


def _source_title(task: str) -> str:
    """Return the title of the source of a task: `announcements:cs.AI` is of arXiv."""
    kind = task.partition(":")[0]
    titles = (spec.title for spec in SOURCES.values() if kind in spec.task_kinds)
    return next(titles, task_title(task))


class SourceSummary(NamedTuple):
    """The state of all sources as one line."""

    text: str
    is_well: bool = False


def source_summary(states: Iterable[TaskState], now: datetime) -> SourceSummary:
    """Summarize the states of the sources: they are well only if one was requested lately."""
    known = [state for state in states if is_source_task(state.name)]
    if not known:
        return SourceSummary("No source has been fetched yet.")
    attempted_at = max(state.attempted_at for state in known)
    if now - attempted_at > UNATTENDED_AFTER:
        return SourceSummary(
            f"No source has been fetched since {format_moment(attempted_at, now.year)}."
        )
    trouble = source_trouble(known, now)
    return SourceSummary(trouble or "Every source is well.", is_well=not trouble)
