"""Builders of sightings of one paper, by the source that made the statement."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce

from papers.model.arxiv_id import ArxivId
from papers.model.merge import merge
from papers.model.paper import AnnounceType, Channel, Paper, Pick, Sighting

ID = ArxivId.parse("2611.00042")
MONDAY = datetime(2026, 11, 16, 15, tzinfo=UTC)
"""10:00 Eastern: announced that day at 20:00, dated the Tuesday."""
TUESDAY = datetime(2026, 11, 17, 5, tzinfo=UTC)
FRIDAY = datetime(2026, 11, 20, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def announced(announce_type: AnnounceType = AnnounceType.NEW, **fields: object) -> Sighting:
    """Return a sighting in arXiv's announcement of Tuesday."""
    defaults = {"id": ID, "source": "arxiv", "channel": Channel.ANNOUNCEMENT, "as_of": TUESDAY}
    defaults |= {"version": 1, "title": "As announced", "announced_at": TUESDAY}
    defaults |= {"announce_type": announce_type}
    return Sighting(**(defaults | fields))  # type: ignore[arg-type]


def from_api(**fields: object) -> Sighting:
    """Return a sighting by arXiv's API, a day after the announcement."""
    defaults = {"id": ID, "source": "arxiv", "channel": Channel.API, "as_of": TUESDAY + DAY}
    defaults |= {"version": 1, "title": "As the API has it", "submitted_at": MONDAY}
    return Sighting(**(defaults | fields))  # type: ignore[arg-type]


def from_oai(**fields: object) -> Sighting:
    """Return a sighting by OAI-PMH a month later, when something in the record has changed."""
    return from_api(channel=Channel.OAI, as_of=FRIDAY + 30 * DAY, **fields)


def picked(**fields: object) -> Sighting:
    """Return a sighting by Hugging Face."""
    defaults = {"id": ID, "source": "hf", "channel": Channel.HUGGINGFACE, "as_of": FRIDAY}
    return Sighting(**(defaults | fields))  # type: ignore[arg-type]


def pick(votes: int | None = 3, day: int = 0, **fields: object) -> Pick:
    """Return a pick of Friday, or some days later."""
    defaults = {"community": "hf", "picked_at": FRIDAY + day * DAY, "votes": votes}
    defaults |= {"counted_at": FRIDAY + day * DAY}
    return Pick(**(defaults | fields))  # type: ignore[arg-type]


def merged(*sightings: Sighting) -> Paper:
    """Return the record of sightings, after checking that their order does not matter."""
    forwards = reduce(merge, sightings, None)
    backwards = reduce(merge, reversed(sightings), None)
    assert forwards is not None
    assert forwards == backwards
    return forwards
