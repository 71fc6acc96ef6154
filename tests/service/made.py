"""Made-up papers for the tests of the service, identified by a number."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from papers.model.arxiv_id import ArxivId
from papers.model.merge import paper_from_sighting
from papers.model.paper import AnnounceType, Channel, Paper, Pick, Sighting

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
FIRST_ANNOUNCED = datetime(2026, 11, 2, 5, 0, tzinfo=UTC)
"""When paper 1 is announced; each later number a day after the one before."""


def make_sighting(number: int, **fields: Any) -> Sighting:
    """Return the announcement of paper `number` of November 2026."""
    announced_at = FIRST_ANNOUNCED + (number - 1) * DAY
    first = Sighting(
        id=ArxivId(202611, number),
        source="arxiv",
        channel=Channel.ANNOUNCEMENT,
        as_of=announced_at,
        version=1,
        title=f"Reward model number {number}",
        abstract=f"We reason about $x_{number}$ where a < b & c > d.",
        authors=("Ada Lovelace", "José Ørsted"),
        categories=("cs.CL", "cs.AI"),
        announce_type=AnnounceType.NEW,
        announced_at=announced_at,
    )
    return first._replace(**fields)


def make_revision(number: int, version: int, **fields: Any) -> Sighting:
    """Return the announcement of a new version of a paper."""
    at = FIRST_ANNOUNCED + (number - 1 + version) * DAY
    replaced = AnnounceType.REPLACE
    return make_sighting(
        number, version=version, as_of=at, announced_at=at, announce_type=replaced, **fields
    )


def make_description(number: int, version: int, **fields: Any) -> Sighting:
    """Return the OAI-PMH record of that version a month later, with a journal reference."""
    late = make_revision(number, version, journal_ref="J. Late 1 (2027)", doi="10.1/late", **fields)
    at = late.as_of + 30 * DAY
    return late._replace(channel=Channel.OAI, as_of=at, announced_at=None, announce_type=None)


def make_cross_list(number: int, version: int) -> Sighting:
    """Return the announcement of a cross-listing in one more category, two weeks later."""
    at = FIRST_ANNOUNCED + (number + 14) * DAY
    fields = make_revision(number, version, categories=("cs.CL", "cs.AI", "cs.CY"))
    return fields._replace(as_of=at, announced_at=at, announce_type=AnnounceType.CROSS)


def make_pick(number: int, community: str = "hf", **fields: Any) -> Sighting:
    """Return the sighting of a paper that a community picked."""
    at = FIRST_ANNOUNCED + (number - 1) * DAY + timedelta(hours=9)
    url = f"https://huggingface.co/papers/2611.{number:05}"
    pick = Pick(community, at, url, f"{url}#community", votes=5, comments=2, counted_at=at)
    pick = replace(pick, **fields)
    channel = Channel.HUGGINGFACE if community == "hf" else Channel.COMMUNITY
    return Sighting(ArxivId(202611, number), community, channel, at, pick=pick)


def make_paper(number: int = 1, **fields: Any) -> Paper:
    """Return the record of a paper that only arXiv has announced."""
    return paper_from_sighting(make_sighting(number, **fields))
