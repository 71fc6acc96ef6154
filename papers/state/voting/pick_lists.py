"""Pick lists: papers in the order in which they joined, for feeds that go on for ever.

    picked                  a paper joins when it is picked for the first time
    daily, weekly, monthly  when the day, week or month (UTC) is over, the most voted of its picks
    trending                when it is among the first of the hourly ranking

A paper joins a list once, at a time that is recorded, and neither moves nor leaves. With a minimum
of votes it joins when a count first reached that, if that was later, which
`papers.state.voting.votes` has.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.model.events import EventRef
from papers.query.request import ListName
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.redis_backend.event_sets import decode_members, join_scores
from papers.redis_backend.revision import bump_revision
from papers.state.voting.votes import VoteHistory

MAX_COUNTED_MEMBERS: Final = 50_000
"""The newest members of a list that a minimum of votes is looked up for: some years of the longest
list. For older ones few votes are counted."""


class PickLists:
    """The pick lists of one Redis. Raises StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def join(
        self, name: ListName, ids: Sequence[ArxivId], *, now: datetime, evaluated: str = ""
    ) -> int:
        """Add the papers that a list does not have, the first one on top; return how many.

        `evaluated` is the period that was evaluated, stored with its papers: both or neither.
        """
        token = uuid4().hex
        with translate_store_errors(self._redis):
            scores = join_scores(self._redis, keys.pick_list(name), ids, now)
            self._redis.zadd(keys.PENDING_INGESTS, {token: now.timestamp()})
            with self._redis.pipeline() as pipe:
                if evaluated:
                    pipe.hset(keys.EVALUATED_LISTS, name, evaluated)
                if scores:
                    pipe.zadd(keys.pick_list(name), scores, nx=True)
                joined = int([0, *pipe.execute()][-1]) if scores or evaluated else 0
            with self._redis.pipeline(transaction=False) as pipe:
                if scores and joined:
                    bump_revision(pipe)
                pipe.zrem(keys.PENDING_INGESTS, token)
                pipe.execute()
        return joined if scores else 0

    def evaluated_period(self, name: ListName) -> str:
        """Return the name of the newest period that was evaluated; empty before the first."""
        with translate_store_errors(self._redis):
            stored: Any = self._redis.hget(keys.EVALUATED_LISTS, name)
        return stored.decode() if stored else ""

    def members_reaching(self, name: ListName, votes: int) -> list[EventRef]:
        """Return the members of a list that reached `votes`, by the later time, newest first.

        Raises redis-py's errors.
        """
        rows: Any = self._redis.zrevrange(
            keys.pick_list(name), 0, MAX_COUNTED_MEMBERS - 1, withscores=True
        )
        members = decode_members(rows)
        reached = VoteHistory(self._redis).reached_at([ref.id for ref in members], votes)
        counted = [
            ref._replace(seconds=max(ref.seconds, at))
            for ref, at in zip(members, reached, strict=True)
            if at is not None
        ]
        return sorted(counted, key=lambda ref: (ref.seconds, ref.doc_id), reverse=True)
