"""The sources' states in words, for subtitles and pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from papers.state.task_states import SourceState, State
from service.markup.clean import line, source_name

_NAMES: Final = {"hf": "Hugging Face Daily Papers", "enrich": "arXiv API", "websub": "WebSub hub"}
_BAD: Final = {State.STALE: "late", State.FAILING: "not answering"}
"""The states that a reader is told of, and in which word."""
_NO_SOURCES: Final = ("fill:", "mail:", "websub")
"""Tasks without which no paper is missing."""


def task_name(task: str) -> str:
    """What people call the source behind a task: `announcements:cs.AI` is `arXiv cs.AI`."""
    kind, _, name = task.partition(":")
    if kind == "announcements":
        return f"arXiv {line(name)}"
    if kind == "community":
        return source_name(name)
    if kind == "fill":
        return f"first papers of {line(name)}"
    if kind == "mail":
        return f"e-mail of {line(name).replace(':', ', ')}"
    return _NAMES.get(kind, line(task))


def trouble(states: Iterable[SourceState]) -> str:
    """A sentence on the sources that are late or do not answer; nothing where all is well."""
    bad = [s for s in states if s.state in _BAD and not s.name.startswith(_NO_SOURCES)]
    told = [
        f"{task_name(state.name)} is {_BAD[state.state]} since {state.since:%Y-%m-%d}"
        for state in bad
    ]
    return f"Papers may be missing: {'; '.join(told)}." if told else ""


def summary(states: Iterable[SourceState]) -> str:
    """All sources in one line."""
    told = list(states)
    if not told:
        return "No source has been asked yet."
    return trouble(told) or "All sources are well."
