"""The scripted upstream as a fixture: a separate world for each test, on loopback.

def test_paper_arrives(upstream):
    paper = upstream.announce(Manuscript(title="A Small Thing"))
    upstream.fail(503, times=1)
    settings = Settings(**upstream.settings(arxiv_interval=0.0))
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from paperwire.simulator.upstream import Upstream


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Wednesday 18 November 2026, 09:00 UTC; nothing announced; one empty feed, `weekly`."""
    with Upstream(communities=("weekly",)) as world:
        yield world
