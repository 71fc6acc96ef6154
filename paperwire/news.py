"""What a person at the terminal wants to hear of the sources: only what has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from papers.source_states import SourceState


def changed(before: Mapping[str, SourceState], now: Sequence[SourceState]) -> list[SourceState]:
    """The states that a person was not told of: a first one, another one, another reason."""
    return [state for state in now if _told(before.get(state.name)) != _told(state)]


def line(state: SourceState) -> str:
    """A state in a line: `hf:today is failing: ...`."""
    return f"{state.name} is {state.state}" + (f": {state.said}" if state.said else "")


def next_fetch(planned: Mapping[str, datetime], now: datetime) -> str:
    """What is fetched next and when; `planned` soonest first, `now` aware UTC."""
    if not planned:
        return "none is planned yet"
    task, at = next(iter(planned.items()))
    if at <= now:
        return f"now ({task})"
    return f"{at:%H:%M} UTC, in {span(at - now)} ({task})"


def span(time: timedelta) -> str:
    """A length of time in the two greatest of its units: `3 h 20 min`, `2 d 1 h`, `12 s`."""
    seconds = round(time.total_seconds())
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def _told(state: SourceState | None) -> tuple[str, str] | None:
    """What of a state counts as news: a count that differs from fetch to fetch does not."""
    if state is None:
        return None
    return (state.state, state.said if state.failures else "")
