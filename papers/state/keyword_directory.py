"""Keyword directory: all saved keywords in the order of lists, decoded once per version.

A process reads the list again only when it has changed, and decodes only the keywords that did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from redis import Redis

from papers.redis_backend import keys
from papers.redis_backend.connection import RedisCommand, read_many, translate_store_errors
from papers.state.keyword_record import Keyword


class KeywordsVersion(NamedTuple):
    """Identifies a state of the list.

    `token` is None until this release has changed the list. An older release leaves the token as it
    is, so the number of keywords is compared as well.
    """

    token: bytes | None
    size: int


@dataclass(frozen=True)
class KeywordList:
    """All saved keywords of a version, sorted by name as in every list."""

    version: KeywordsVersion
    keywords: Sequence[Keyword]
    stored: dict[bytes, tuple[bytes, Keyword]] = field(repr=False, default_factory=dict)
    """Slug to the stored value and the keyword it was decoded to."""

    def find(self, text: str) -> Sequence[Keyword]:
        """Return the keywords whose name or query contains a text in any case; all for "" ."""
        wanted = text.strip().casefold()
        if not wanted:
            return self.keywords
        rows = zip(self._search_texts, self.keywords, strict=True)
        return [keyword for searched, keyword in rows if wanted in searched]

    @cached_property
    def _search_texts(self) -> Sequence[str]:
        return [f"{keyword.name}\n{keyword.query}".casefold() for keyword in self.keywords]


class KeywordDirectory:
    """The saved keywords of a store, kept in this process; threads share it.

    Raises StoreUnavailable, and StoreError if a keyword is damaged.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._newest = KeywordList(KeywordsVersion(None, 0), ())

    def read(self, version: KeywordsVersion | None = None) -> KeywordList:
        """Return the list: of this version if it is the last one read, else the newest.

        Without a version, which one is the newest is read first.
        """
        newest = self._newest
        if (version or self._read_version()) != newest.version:
            self._newest = newest = self._load(newest)
        return newest

    def _read_version(self) -> KeywordsVersion:
        with translate_store_errors(self._redis):
            return parse_list_version(read_many(self._redis, list_version_commands()))

    def _load(self, previous: KeywordList) -> KeywordList:
        with translate_store_errors(self._redis), self._redis.pipeline() as pipe:
            pipe.get(keys.KEYWORDS_VERSION)
            pipe.hgetall(keys.KEYWORDS)
            token, found = pipe.execute()
        known = previous.stored
        new = {s: value for s, value in found.items() if s not in known or known[s][0] != value}
        decoded = Keyword.decode_all(new)
        stored = {s: (value, decoded[s]) if s in new else known[s] for s, value in found.items()}
        keywords = [keyword for _, keyword in stored.values()]
        keywords.sort(key=lambda keyword: (keyword.name.casefold(), keyword.slug))
        return KeywordList(KeywordsVersion(token, len(stored)), keywords, stored)


def list_version_commands() -> list[RedisCommand]:
    """Return the commands that read the version of the list, in constant time."""
    return [("GET", keys.KEYWORDS_VERSION), ("HLEN", keys.KEYWORDS)]


def parse_list_version(replies: Sequence[Any]) -> KeywordsVersion:
    """Decode the replies to `list_version_commands()`."""
    token, size = replies
    return KeywordsVersion(token, int(size))
