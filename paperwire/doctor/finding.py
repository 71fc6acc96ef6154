"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    A `fault` keeps Paperwire from working or from keeping what it has; a `warning` will be missed
    later. `cause` and `mend` are sentences for a person, `check` is a name for programs.
    """

    check: str
    level: Literal["fault", "warning"]
    cause: str
    mend: str


def fault(check: str, cause: object, mend: str) -> Finding:
    """A finding that must be mended."""
    return Finding(check, "fault", str(cause), mend)


def warning(check: str, cause: object, mend: str) -> Finding:
    """A finding that should be."""
    return Finding(check, "warning", str(cause), mend)
