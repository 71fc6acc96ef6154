"""What came of every fault: a table that the run prints at its end."""

from __future__ import annotations

ROWS: list[tuple[str, str]] = []
"""A fault, and what came of it, in the order they were gone through."""


def note(fault: str, outcome: str) -> None:
    """Add a row."""
    ROWS.append((fault, outcome))


def table() -> list[str]:
    """The rows as lines, for a terminal."""
    width = max((len(fault) for fault, _ in ROWS), default=0)
    return [f"{fault:<{width}}  {outcome}" for fault, outcome in ROWS]
