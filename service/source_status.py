"""The sources' states in words, for subtitles and pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from papers.state.task_states import TaskState, TaskStatus
from service.markup.clean import single_line, source_name

_TASK_TITLES: Final = {
    "hf": "Hugging Face Daily Papers",
    "enrich": "arXiv API",
    "websub": "WebSub hub",
}
_TROUBLE_WORDS: Final = {TaskStatus.STALE: "late", TaskStatus.FAILING: "not answering"}
"""The states that a reader is told of, and in which word."""
_NON_SOURCE_PREFIXES: Final = ("fill:", "mail:", "websub")
"""Tasks without which no paper is missing."""


def task_title(task: str) -> str:
    """What people call the source behind a task: `announcements:cs.AI` is `arXiv cs.AI`."""
    kind, _, name = task.partition(":")
    if kind == "announcements":
        return f"arXiv {single_line(name)}"
    if kind == "community":
        return source_name(name)
    if kind == "fill":
        return f"first papers of {single_line(name)}"
    if kind == "mail":
        return f"e-mail of {single_line(name).replace(':', ', ')}"
    return _TASK_TITLES.get(kind, single_line(task))


def source_trouble(states: Iterable[TaskState]) -> str:
    """A sentence on the sources that are late or do not answer; nothing where all is well."""
    bad = [
        s
        for s in states
        if s.state in _TROUBLE_WORDS and not s.name.startswith(_NON_SOURCE_PREFIXES)
    ]
    told = [
        f"{task_title(state.name)} is {_TROUBLE_WORDS[state.state]} since {state.since:%Y-%m-%d}"
        for state in bad
    ]
    return f"Papers may be missing: {'; '.join(told)}." if told else ""


def source_summary(states: Iterable[TaskState]) -> str:
    """All sources in one line."""
    told = list(states)
    if not told:
        return "No source has been asked yet."
    return source_trouble(told) or "All sources are well."
