"""The dictionary of a store: in Redis, replaced as a whole from a sample of its papers.

`papers.suggestions.sample_words` says what its fields are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from redis import Redis

from papers.index.terms import WORD_KIND
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors

_BATCH_SIZE: Final = 1_000


class TermDictionary:
    """Words of papers, how many have them, and their other forms. Raises StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def get(self, fields: Sequence[str]) -> dict[str, str]:
        """Return the values of those of some fields that there are, in one round trip."""
        if not fields:
            return {}
        with translate_store_errors(self._redis):
            values: Any = self._redis.hmget(keys.DICTIONARY, list(fields))
        return {f: value.decode() for f, value in zip(fields, values, strict=True) if value}

    def known_words(self, words: Sequence[str]) -> dict[str, str]:
        """Return those of some folded words that any paper has, each with one paper.

        Of the whole store, not of the sample; one round trip.
        """
        if not words:
            return {}
        terms = [WORD_KIND + word.encode() for word in words]
        with translate_store_errors(self._redis):
            values: Any = self._redis.hmget(keys.TERM_MONTHS, terms)
        return {word: "1" for word, value in zip(words, values, strict=True) if value}

    def replace(self, fields: Mapping[str, str]) -> None:
        """Replace the dictionary, in one transaction."""
        rows = list(fields.items())
        with translate_store_errors(self._redis), self._redis.pipeline(transaction=True) as pipe:
            pipe.unlink(keys.DICTIONARY)
            for start in range(0, len(rows), _BATCH_SIZE):
                batch: Any = dict(rows[start : start + _BATCH_SIZE])
                pipe.hset(keys.DICTIONARY, mapping=batch)
            pipe.execute()
