"""Papers by id: many in one round trip; one that cannot be read takes none with it."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable

from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.model.packing import UNPACK_ERRORS, LazyPaper
from papers.model.paper import Paper
from papers.redis_backend import keys
from papers.redis_backend.connection import RedisCommand, read_many

log = logging.getLogger(__name__)


def read_papers(redis: Redis, ids: Iterable[ArxivId]) -> dict[ArxivId, Paper]:
    """The papers that exist."""
    return unpack_papers(read_stored_papers(redis, [id.doc_id for id in ids]).values())


def unpack_papers(records: Iterable[LazyPaper]) -> dict[ArxivId, Paper]:
    """Papers, unpacked whole."""
    found: dict[ArxivId, Paper] = {}
    for one in records:
        try:
            found[one.paper.id] = one.paper
        except UNPACK_ERRORS as error:
            _log_unreadable(one.id, error)
    return found


def read_stored_papers(redis: Redis, places: Iterable[int]) -> dict[int, LazyPaper]:
    """The papers that exist, by their places (`papers.model.arxiv_id.ArxivId.place`)."""
    months: dict[int, list[int]] = defaultdict(list)
    for place in places:
        months[place >> 16].append(place)
    if not months:
        return {}
    asked: list[RedisCommand] = [
        ("HMGET", _papers_key(members[0]), *[keys.paper_field(place & 0xFFFF) for place in members])
        for members in months.values()
    ]
    rows = zip(months.values(), read_many(redis, asked), strict=True)
    pairs = [pair for members, row in rows for pair in zip(members, row, strict=True)]
    found: dict[int, LazyPaper] = {}
    for place, packed in pairs:
        try:
            if packed:
                found[place] = LazyPaper(place, packed)
        except UNPACK_ERRORS as error:
            _log_unreadable(ArxivId.from_doc_id(place), error)
    return found


def _papers_key(place: int) -> str:
    return keys.month_papers(ArxivId.from_doc_id(place).yymm)


def _log_unreadable(id: ArxivId, error: Exception) -> None:
    """A record that cannot be read is logged and not there: it never takes a feed with it."""
    log.error("%s: its record cannot be read, and is left out: %r", id, error)
