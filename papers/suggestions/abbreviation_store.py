"""The abbreviations of a store: in Redis, replaced as a whole from a sample of its papers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.records.packing import LazyPaper
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.redis_backend.months import stored_months
from papers.redis_backend.records import read_stored_papers
from papers.suggestions.abbreviations import Alternative

NEWEST_PAPERS: Final = 30_000
"""How many of the newest papers are in the sample: five weeks of all of arXiv."""
SAMPLED_MONTHS: Final = 24
"""How many months before these have papers in the sample."""
PAPERS_PER_MONTH: Final = 1_250
_BATCH_SIZE: Final = 1_000


class AbbreviationStore:
    """The other terms for each term. Raises StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def get(self, terms: Sequence[str]) -> dict[str, tuple[Alternative, ...]]:
        """Return the other terms for those of some terms that have any, in one round trip."""
        if not terms:
            return {}
        with translate_store_errors(self._redis):
            values: Any = self._redis.hmget(keys.ABBREVIATIONS, list(terms))
        return {
            term: tuple(Alternative(*other) for other in json.loads(value))
            for term, value in zip(terms, values, strict=True)
            if value
        }

    def replace(self, terms: Mapping[str, Sequence[Alternative]]) -> None:
        """Replace all terms, in one transaction."""
        rows = [(term, json.dumps(others)) for term, others in terms.items()]
        with translate_store_errors(self._redis), self._redis.pipeline(transaction=True) as pipe:
            pipe.unlink(keys.ABBREVIATIONS)
            for start in range(0, len(rows), _BATCH_SIZE):
                batch: Any = dict(rows[start : start + _BATCH_SIZE])
                pipe.hset(keys.ABBREVIATIONS, mapping=batch)
            pipe.execute()

    def sample_papers(self) -> Iterator[LazyPaper]:
        """Yield the newest papers, and some of each month before; newest months first."""
        missing, sampled = NEWEST_PAPERS, 0
        with translate_store_errors(self._redis):
            for yymm, month in reversed(stored_months(self._redis)):
                fields: Any = self._redis.hkeys(keys.month_papers(yymm))
                numbers = sorted(map(keys.paper_number, fields), reverse=True)
                if missing:
                    numbers = numbers[:missing]
                    missing -= len(numbers)
                elif sampled < SAMPLED_MONTHS:
                    sampled += 1
                    step = max(-(-len(numbers) // PAPERS_PER_MONTH), 1)
                    numbers = numbers[::step]
                else:
                    return
                yield from self._read([ArxivId(month, number).doc_id for number in numbers])

    def _read(self, doc_ids: Sequence[int]) -> Iterator[LazyPaper]:
        for start in range(0, len(doc_ids), _BATCH_SIZE):
            batch = doc_ids[start : start + _BATCH_SIZE]
            yield from read_stored_papers(self._redis, batch).values()
