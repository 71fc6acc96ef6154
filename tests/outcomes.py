"""The table of faults and outcomes that a run prints at its end.

Tests of faults `note` their rows, in words and figures they have seen. A test that proves a row
alone or with others, and measures nothing, bears the mark `row("NAME")`: what is told is how many
of the row's tests held. A row whose test fails is told as such, whoever was to note it.
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
    """What came of a fault; "-" where the row has no such thing.

    `lost`: what of the papers; `served`: how the feed was answered meanwhile; `shown`: where a
    person sees it; `heals`: how long after its end all is as it was.
    """

    fault: str
    lost: str = "-"
    served: str = "-"
    shown: str = "-"
    heals: str = "-"
    figures: str = ""


@dataclass(slots=True)
class OutcomeLog:
    """What one run of tests has seen."""

    outcomes: list[Outcome] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)
    """Tests of a marked row that held."""

    failed: Counter[str] = field(default_factory=Counter)
    """Tests of a marked row, or of none, that did not."""

    def rows(self) -> list[Outcome]:
        """What was noted, then the marked rows, then what failed."""
        held = [
            Outcome(name, figures=f"{count} tests hold")
            for name, count in self.passed.items()
            if name not in self.failed
        ]
        failed = [Outcome(name, figures=f"FAILED: {n} tests") for name, n in self.failed.items()]
        return [*self.outcomes, *held, *failed]


OUTCOME_LOG: Final = OutcomeLog()
_PENDING: Final[list[Outcome]] = []
_NOTED, _PASSED, _FAILED = "outcome", "row held", "row failed"


def note_outcome(fault: str, **outcome: str) -> None:
    """Add a row; `outcome` are the fields of `Outcome`."""
    _PENDING.append(Outcome(fault, **outcome))


def markdown_table(rows: Iterable[Outcome]) -> list[str]:
    """The rows as lines of a Markdown table, for a terminal."""
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
    """Tell in its report what a test noted, and whether a marked row, or a long test, held."""
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
    """Take in what a report tells, also one that came from another process."""
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
