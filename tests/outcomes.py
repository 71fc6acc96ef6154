"""The table of faults and outcomes that a run prints at its end.

Tests of faults call `note_outcome` with their observations. A test that proves a row, alone or with
others, and measures nothing has the mark `row("NAME")`: the table then says how many of the row's
tests passed. A row with a failed test is shown as failed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import astuple, dataclass, field
from typing import Any, Final, cast

import pytest

HEADS: Final = ("fault", "lost", "served", "shown", "heals", "figures")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a fault; "-" where a column does not apply.

    `lost`: which papers were lost; `served`: how the feed was served meanwhile; `shown`: where a
    person sees the fault; `heals`: how long recovery took after its end.
    """

    fault: str
    lost: str = "-"
    served: str = "-"
    shown: str = "-"
    heals: str = "-"
    figures: str = ""


@dataclass(slots=True)
class OutcomeLog:
    """The outcomes of one test run."""

    outcomes: list[Outcome] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)
    """Passed tests of each marked row."""

    failed: Counter[str] = field(default_factory=Counter)
    """Failed tests of each marked row, or by test name where there is no mark."""

    def rows(self) -> list[Outcome]:
        """Return the noted outcomes, then the marked rows, then failures."""
        passed = [
            Outcome(name, figures=f"{count} tests passed")
            for name, count in self.passed.items()
            if name not in self.failed
        ]
        failed = [Outcome(name, figures=f"FAILED: {n} tests") for name, n in self.failed.items()]
        return [*self.outcomes, *passed, *failed]


OUTCOME_LOG: Final = OutcomeLog()
_PENDING: Final[list[Outcome]] = []
_NOTED, _PASSED, _FAILED = "outcome", "row passed", "row failed"


def note_outcome(fault: str, **outcome: str) -> None:
    """Add a row; keywords are the fields of `Outcome`."""
    _PENDING.append(Outcome(fault, **outcome))


def markdown_table(rows: Iterable[Outcome]) -> list[str]:
    """Format rows as the lines of a Markdown table, aligned for a terminal."""
    cells = [HEADS, *(astuple(row) for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(HEADS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a test's report its outcomes, and whether a marked row or a fault test passed."""
    report = yield
    report.user_properties += [(_NOTED, list(astuple(outcome))) for outcome in _PENDING]
    _PENDING.clear()
    mark = item.get_closest_marker("row")
    if report.failed and (mark or item.get_closest_marker("faults")):
        report.user_properties.append((_FAILED, mark.args[0] if mark else item.name))
    elif mark and report.when == "call" and report.passed:
        report.user_properties.append((_PASSED, mark.args[0]))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect the outcomes of a report, also of one from another process."""
    for name, value in cast("list[tuple[str, Any]]", report.user_properties):
        if name == _NOTED:
            OUTCOME_LOG.outcomes.append(Outcome(*value))
        elif name == _PASSED:
            OUTCOME_LOG.passed[value] += 1
        elif name == _FAILED:
            OUTCOME_LOG.failed[value] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    if rows := OUTCOME_LOG.rows():
        terminalreporter.section("faults and outcomes")
        for line in markdown_table(rows):
            terminalreporter.write_line(line)
