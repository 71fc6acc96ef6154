"""Reads papers by id: many in one round trip; an unreadable record is logged and left out."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.records.packing import UNPACK_ERRORS, LazyPaper
from papers.redis_backend import keys
from papers.redis_backend.connection import RedisCommand, read_many
from papers.redis_backend.months import stored_months

log = logging.getLogger(__name__)
_BATCH_SIZE: Final = 500


def read_papers(redis: Redis, ids: Iterable[ArxivId]) -> dict[ArxivId, Paper]:
    """Return the papers that exist, by id."""
    return unpack_papers(read_stored_papers(redis, [id.doc_id for id in ids]).values())


def unpack_papers(records: Iterable[LazyPaper]) -> dict[ArxivId, Paper]:
    """Unpack lazy papers completely, by id."""
    found: dict[ArxivId, Paper] = {}
    for record in records:
        try:
            found[record.paper.id] = record.paper
        except UNPACK_ERRORS as error:
            _log_unreadable(record.id, error)
    return found


def read_stored_papers(redis: Redis, doc_ids: Iterable[int]) -> dict[int, LazyPaper]:
    """Return the papers that exist, by doc id (`papers.model.arxiv_id.ArxivId.doc_id`)."""
    return open_records(read_packed_papers(redis, doc_ids))


def read_packed_papers(redis: Redis, doc_ids: Iterable[int]) -> dict[int, bytes]:
    """Return the records of the papers that exist, by doc id."""
    months: dict[int, list[int]] = defaultdict(list)
    for doc_id in doc_ids:
        months[doc_id >> 16].append(doc_id)
    if not months:
        return {}
    commands: list[RedisCommand] = [
        ("HMGET", _papers_key(members[0]), *[keys.paper_field(id & 0xFFFF) for id in members])
        for members in months.values()
    ]
    replies = zip(months.values(), read_many(redis, commands), strict=True)
    records = [record for members, row in replies for record in zip(members, row, strict=True)]
    return {doc_id: packed for doc_id, packed in records if packed}


def open_records(records: Mapping[int, bytes]) -> dict[int, LazyPaper]:
    """Return records as lazy papers, by doc id."""
    found: dict[int, LazyPaper] = {}
    for doc_id, packed in records.items():
        try:
            found[doc_id] = LazyPaper(doc_id, packed)
        except UNPACK_ERRORS as error:
            _log_unreadable(ArxivId.from_doc_id(doc_id), error)
    return found


def iter_records(redis: Redis, *, newest_first: bool = False) -> Iterator[dict[int, LazyPaper]]:
    """Yield the papers of all months by doc id, some hundreds in a round trip, in order of ids.

    Papers written meanwhile may be missing.
    """
    months = stored_months(redis)
    for yymm, month in reversed(months) if newest_first else months:
        fields: Any = redis.hkeys(keys.month_papers(yymm))
        numbers = sorted([int.from_bytes(field, "big") for field in fields], reverse=newest_first)
        for start in range(0, len(numbers), _BATCH_SIZE):
            batch = numbers[start : start + _BATCH_SIZE]
            yield read_stored_papers(redis, [ArxivId(month, number).doc_id for number in batch])


def _papers_key(doc_id: int) -> str:
    return keys.month_papers(ArxivId.from_doc_id(doc_id).yymm)


def _log_unreadable(id: ArxivId, error: Exception) -> None:
    log.error("%s: its record cannot be read, and is left out: %r", id, error)
