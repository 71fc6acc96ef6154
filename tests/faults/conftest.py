"""The table of faults and outcomes, printed after the last of them."""

from __future__ import annotations

import pytest

from tests.faults import outcomes


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what came of every fault that was gone through."""
    if outcomes.ROWS:
        terminalreporter.section("faults and outcomes")
        for line in outcomes.table():
            terminalreporter.write_line(line)
