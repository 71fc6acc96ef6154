"""Papers by id: many in one round trip; one that cannot be read takes none with it."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping

from redis import Redis

from papers import keys
from papers.arxiv_id import ArxivId
from papers.codec import UNREADABLE, Opened
from papers.connection import read_many
from papers.paper import Paper

log = logging.getLogger(__name__)


def read_papers(redis: Redis, ids: Iterable[ArxivId]) -> dict[ArxivId, Paper]:
    """The papers that exist."""
    return papers_of(read_opened(redis, ids))


def papers_of(opened: Mapping[ArxivId, Opened]) -> dict[ArxivId, Paper]:
    """Papers, unpacked whole."""
    found: dict[ArxivId, Paper] = {}
    for id, one in opened.items():
        try:
            found[id] = one.paper
        except UNREADABLE as error:
            _left_out(id, error)
    return found


def read_opened(redis: Redis, ids: Iterable[ArxivId]) -> dict[ArxivId, Opened]:
    """The papers that exist, with no more than their texts unpacked."""
    months: dict[str, list[ArxivId]] = defaultdict(list)
    for id in ids:
        months[id.yymm].append(id)
    if not months:
        return {}
    asked: list[tuple[bytes | str, ...]] = [
        ("HMGET", keys.month_papers(yymm), *[keys.paper_field(id.number) for id in members])
        for yymm, members in months.items()
    ]
    rows = zip(months.values(), read_many(redis, asked), strict=True)
    pairs = [pair for members, row in rows for pair in zip(members, row, strict=True)]
    found: dict[ArxivId, Opened] = {}
    for id, packed in pairs:
        try:
            if packed:
                found[id] = Opened(id, packed)
        except UNREADABLE as error:
            _left_out(id, error)
    return found


def _left_out(id: ArxivId, error: Exception) -> None:
    """A record that cannot be read is logged and not there: it never takes a feed with it."""
    log.error("%s: its record cannot be read, and is left out: %r", id, error)
