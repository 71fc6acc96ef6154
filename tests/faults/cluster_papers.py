"""Papers of a month, years apart, for stores of several nodes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType, Channel, Sighting

NOW: Final = datetime(2025, 3, 20, tzinfo=UTC)
FEED: Final = "/feeds/models.atom"


def sighting(year: int, number: int) -> Sighting:
    """A paper of March of a year."""
    return Sighting(
        ArxivId(year * 100 + 3, number),
        "arxiv",
        Channel.ANNOUNCEMENT,
        NOW,
        version=1,
        title=f"Models number {number}",
        abstract=f"Rare{year}n{number} things.",
        announced_at=NOW,
        announce_type=AnnounceType.NEW,
        categories=("cs.CL",),
    )
