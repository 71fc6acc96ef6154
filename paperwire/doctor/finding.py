"""Findings of the checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem.

    A `fault` stops Paperwire from working or endangers its data; a `warning` causes trouble later.
    `cause` and `mend` (the remedy) are sentences for people, `check` is a name for programs.
    """

    check: str
    level: Literal["fault", "warning"]
    cause: str
    mend: str


def fault(check: str, cause: object, mend: str) -> Finding:
    """Return a finding that must be fixed."""
    return Finding(check, "fault", str(cause), mend)


def warning(check: str, cause: object, mend: str) -> Finding:
    """Return a finding that should be fixed."""
    return Finding(check, "warning", str(cause), mend)
