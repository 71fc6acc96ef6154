"""Fixtures of recorded papers."""

from __future__ import annotations

from pathlib import Path

import pytest

from papers.model.paper import Paper
from tests.service.feeds.made import recorded_papers


@pytest.fixture(scope="session")
def nasty(recorded: Path) -> list[Paper]:
    """Return recorded papers whose texts break naive code."""
    return recorded_papers(recorded)
