"""Papers as the tests of this room need them: made up, and told apart by their number."""

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
"""The announcement of paper 1; each later number comes a day after."""


def make_sighting(number: int, **said: Any) -> Sighting:
    """What arXiv announces of paper `number` of November 2026."""
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
    return first._replace(**said)


def make_revision(number: int, version: int, **said: Any) -> Sighting:
    """What arXiv announces when a paper is replaced."""
    at = FIRST_ANNOUNCED + (number - 1 + version) * DAY
    replaced = AnnounceType.REPLACE
    return make_sighting(
        number, version=version, as_of=at, announced_at=at, announce_type=replaced, **said
    )


def make_description(number: int, version: int, **said: Any) -> Sighting:
    """What OAI-PMH says of that version when its authors have named a journal, a month later."""
    late = make_revision(number, version, journal_ref="J. Late 1 (2027)", doi="10.1/late", **said)
    at = late.as_of + 30 * DAY
    return late._replace(channel=Channel.OAI, as_of=at, announced_at=None, announce_type=None)


def make_cross_list(number: int, version: int) -> Sighting:
    """What arXiv announces when a paper is listed in one more category, two weeks later."""
    at = FIRST_ANNOUNCED + (number + 14) * DAY
    said = make_revision(number, version, categories=("cs.CL", "cs.AI", "cs.CY"))
    return said._replace(as_of=at, announced_at=at, announce_type=AnnounceType.CROSS)


def make_pick(number: int, community: str = "hf", **said: Any) -> Sighting:
    """What a community says of a paper it picked."""
    at = FIRST_ANNOUNCED + (number - 1) * DAY + timedelta(hours=9)
    url = f"https://huggingface.co/papers/2611.{number:05}"
    pick = Pick(community, at, url, f"{url}#community", votes=5, comments=2, counted_at=at)
    pick = replace(pick, **said)
    channel = Channel.HUGGINGFACE if community == "hf" else Channel.COMMUNITY
    return Sighting(ArxivId(202611, number), community, channel, at, pick=pick)


def make_paper(number: int = 1, **said: Any) -> Paper:
    """The record of a paper that arXiv alone has announced."""
    return paper_from_sighting(make_sighting(number, **said))
