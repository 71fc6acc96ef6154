"""Sightings of one paper: its announcement and its pick."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType, Channel, Pick, Sighting
from tests.papers.papers_strategies import TUESDAY

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ID = ArxivId.parse("2503.00001")
DAY = timedelta(days=1)


def announced(id: ArxivId = ID, **said: object) -> Sighting:
    """Return the announcement of a paper; `said` replaces what it states."""
    first = {"id": id, "source": "arxiv", "channel": Channel.ANNOUNCEMENT, "as_of": TUESDAY}
    stated = {"version": 1, "title": "Reward models", "announced_at": TUESDAY}
    kind = {"announce_type": AnnounceType.NEW, "categories": ("cs.CL",)}
    return Sighting(**(first | stated | kind | said))  # type: ignore[arg-type]


def picked(id: ArxivId = ID, votes: int = 3, **said: object) -> Sighting:
    """Return the pick of a paper by Hugging Face, a day later."""
    pick = Pick("hf", TUESDAY + DAY, votes=votes, counted_at=TUESDAY + DAY)
    first = {"id": id, "source": "hf", "channel": Channel.HUGGINGFACE, "as_of": TUESDAY + DAY}
    return Sighting(**(first | {"pick": pick} | said))  # type: ignore[arg-type]
