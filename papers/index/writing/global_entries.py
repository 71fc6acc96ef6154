"""What papers add to the keys outside their month: months, picks, events, lists, undescribed ids.

Written before the month's transaction: these keys may claim too much, and readers check them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.model.dates import to_epoch
from papers.model.events import PaperEvent, indexed_events
from papers.model.paper import Paper
from papers.redis_backend import keys
from papers.redis_backend.event_sets import first_second, index_events, join_scores

RecordChange = tuple[Paper | None, Paper]
"""A record before and after a merge."""


def write_global_entries(
    redis: Redis, month: int, yymm: str, changes: Sequence[RecordChange], now: datetime | None
) -> None:
    """Add to the global keys what changed papers of a month (YYYYMM) have; repeatable.

    First picks join the list of picks at `now`; without it none does, as in a restore.
    """
    papers = [after for _, after in changes]
    picked = [(paper, paper.first_picked_at) for paper in papers]
    picks = {str(paper.id): at.timestamp() for paper, at in picked if at}
    undescribed = [str(paper.id) for paper in papers if not paper.is_from_arxiv]
    joined = _first_picks(redis, changes, now) if now else {}
    index_events(redis, _new_events(changes))
    with redis.pipeline(transaction=False) as pipe:
        pipe.zadd(keys.MONTHS, {yymm: month})
        if picks:
            pipe.zadd(keys.PICKS, picks, lt=True)
        if joined:
            pipe.zadd(keys.pick_list("picked"), joined, nx=True)
        if undescribed:
            pipe.sadd(keys.UNDESCRIBED, *undescribed)
        pipe.execute()


def _first_picks(
    redis: Redis, changes: Sequence[RecordChange], now: datetime
) -> dict[bytes, float]:
    """Return the scores of papers picked for the first time since the first ingest."""
    first = [
        (after.id, to_epoch(after.first_picked_at))
        for before, after in changes
        if after.first_picked_at and not (before and before.picks)
    ]
    since = first_second(redis) if first else None
    ids = [id for id, second in first if since is not None and second >= since]
    return join_scores(redis, keys.pick_list("picked"), sorted(ids, reverse=True), now)


def _new_events(changes: Sequence[RecordChange]) -> Iterator[tuple[ArxivId, PaperEvent]]:
    """Yield the events of papers that are new, or whose time has changed."""
    for before, after in changes:
        known = indexed_events(before) if before else ()
        for event in indexed_events(after):
            if event not in known:
                yield after.id, event
