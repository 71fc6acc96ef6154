"""Term dictionary: the months each word and author's word occurs in (a zone map).

A query skips the months that cannot match. The keys share one hash tag. The dictionary maps a term
to the months it has occurred in, two bytes each, or to `*` once they are more than
`MAX_MONTHS_PER_TERM`. The vocabulary has the words in alphabetical order, for `prefix*`. Both are
written before a month's transaction, and only removed months are taken out: they may list too much,
never too little.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Collection, Iterable, Sequence, Set
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import uuid4

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import WatchError

from papers.errors import StoreBusy
from papers.index.terms import AUTHOR_KIND, WORD_KIND
from papers.redis_backend import keys
from papers.redis_backend.connection import read_many

_MAX_TRIES: Final = 100
MAX_MONTHS_PER_TERM: Final = 64
"""The months of a more frequent term are not stored: its queries stop early anyway."""

_ANY_MONTH: Final = b"*"
_RECORDED_KINDS: Final = WORD_KIND + AUTHOR_KIND
_SCAN_COUNT: Final = 1_000
_MAX_CACHED_TERMS: Final = 500_000
"""Terms in a writer's cache, checked at the start of a write: some hundred megabytes."""
_PREFIX_WORD: Final = re.compile(rb"w.{3,}", re.DOTALL)
"""Words of three letters or more: no prefix is shorter (`papers.query.parser`)."""
_RUN_ID: Final = re.compile(rb"^run_id:(\w+)", re.MULTILINE)
"""The run id in the reply to INFO: random at each start of the server."""


class TermMonths:
    """The term dictionary of one Redis, with a cache of the terms written. Not thread-safe."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._state = _TermMonthsState(0, b"", b"")
        self._cache: dict[bytes, bytes | None] = {}

    def add_month(self, month: int, terms: Iterable[bytes]) -> None:
        """Record that terms occur in a month (YYYYMM); only words and authors' words are stored.

        Raises StoreBusy if other writers are always faster.
        """
        stored = [term for term in terms if term[0] in _RECORDED_KINDS]
        if stored:
            self._transact(lambda pipe: self._try_add(pipe, _pack_month(month), stored))

    def _transact(self, attempt: Callable[[Pipeline], None]) -> None:
        for _ in range(_MAX_TRIES):
            with self._redis.pipeline() as pipe:
                try:
                    pipe.watch(keys.TERM_MONTHS_REVISION)  # type: ignore[no-untyped-call]
                    attempt(pipe)
                except WatchError:
                    continue
                return
        raise StoreBusy(f"the term dictionary: another writer was faster {_MAX_TRIES} times")

    def _try_add(self, pipe: Pipeline, month: bytes, terms: Sequence[bytes]) -> None:
        state = self._refresh_state()
        missing = [term for term in terms if term not in self._cache]
        values: Any = pipe.hmget(keys.TERM_MONTHS, missing) if missing else []
        self._cache.update(zip(missing, values, strict=True))
        cache = self._cache
        changed: Any = {
            term: value for term in terms if (value := _value_with_month(cache[term], month))
        }
        words: Any = {t[1:]: 0 for t in changed if cache[t] is None and _PREFIX_WORD.fullmatch(t)}
        if changed:
            pipe.multi()
            pipe.hset(keys.TERM_MONTHS, mapping=changed)
            if words:
                pipe.zadd(keys.VOCABULARY, words)
            pipe.mset(
                {keys.TERM_MONTHS_REVISION: state.revision + 1, keys.TERM_MONTHS_EPOCH: state.epoch}
            )
            pipe.execute()
            cache.update(changed)
            self._state = state._replace(revision=state.revision + 1)

    def remove_months(self, months: Collection[int]) -> None:
        """Take out removed months (YYYYMM), and the terms that occurred in no other.

        Terms of many months stay as they are. Raises StoreBusy.
        """
        removed = frozenset(map(_pack_month, months))
        cursor = 0
        while True:
            reply: Any = self._redis.hscan(keys.TERM_MONTHS, cursor, count=_SCAN_COUNT)
            cursor, values = reply
            terms = [
                term
                for term, value in values.items()
                if _value_without_months(value, removed) != value
            ]
            if terms:
                self._transact(partial(self._try_remove, removed, terms))
            if not cursor:
                return

    def _try_remove(self, removed: Set[bytes], terms: Sequence[bytes], pipe: Pipeline) -> None:
        values: Any = pipe.hmget(keys.TERM_MONTHS, terms)
        left = {
            term: _value_without_months(value, removed)
            for term, value in zip(terms, values, strict=True)
            if value
        }
        kept: Any = {term: value for term, value in left.items() if value}
        unused = [term for term, value in left.items() if not value]
        words = [term[1:] for term in unused if term[:1] == WORD_KIND]
        pipe.multi()
        if kept:
            pipe.hset(keys.TERM_MONTHS, mapping=kept)
        if unused:
            pipe.hdel(keys.TERM_MONTHS, *unused)
        if words:
            pipe.zrem(keys.VOCABULARY, *words)
        pipe.incr(keys.TERM_MONTHS_REVISION)
        pipe.set(keys.TERM_MONTHS_EPOCH, _random_token())
        pipe.execute()

    def _refresh_state(self) -> _TermMonthsState:
        """Read the state, and drop cached values that other writers may have changed.

        A value of `*` stays valid at another revision of the same epoch and server run. A cache
        that has grown too large is emptied.
        """
        commands = ("MGET", keys.TERM_MONTHS_REVISION, keys.TERM_MONTHS_EPOCH), ("INFO", "server")
        # Not on the pipe: that connection WATCHes, and this must be read after the WATCH.
        (revision, epoch), info = read_many(self._redis, commands)
        run = _RUN_ID.search(info)
        state = _TermMonthsState(
            int(revision or 0), epoch or _random_token(), run[1] if run else _random_token()
        )
        before = self._state
        is_other_store = (state.epoch, state.run_id) != (before.epoch, before.run_id)
        if is_other_store or len(self._cache) > _MAX_CACHED_TERMS:
            self._cache.clear()
        elif state.revision != before.revision:
            cached = self._cache.items()
            self._cache = {term: value for term, value in cached if value == _ANY_MONTH}
        self._state = state
        return state


class _TermMonthsState(NamedTuple):
    """Identifies the contents of the dictionary, so that a writer knows when its cache is stale."""

    revision: int
    """The number of changes."""
    epoch: bytes
    """A random token, replaced whenever a term or month is taken out."""
    run_id: bytes
    """The server's run id: one that restarts may have lost its last second of writes."""


def _random_token() -> bytes:
    return uuid4().bytes


_MonthsByTerm = dict[bytes, set[int] | None]


def _value_with_month(value: bytes | None, month: bytes) -> bytes | None:
    """Return a stored value with one more month; None if it has the month already."""
    if value is None:
        return month
    if value == _ANY_MONTH or (month in value and _has_month(value, month)):
        return None
    return value + month if len(value) < 2 * MAX_MONTHS_PER_TERM else _ANY_MONTH


def _has_month(value: bytes, month: bytes) -> bool:
    at = value.find(month)
    while at % 2 == 1 and at > 0:
        at = value.find(month, at + 1)
    return at >= 0


def _value_without_months(value: bytes, removed: Set[bytes]) -> bytes:
    if value == _ANY_MONTH:
        return value
    months = (value[at : at + 2] for at in range(0, len(value), 2))
    return b"".join(month for month in months if month not in removed)


def _pack_month(month: int) -> bytes:
    return struct.pack(">H", month % 10_000)


def listed_months(value: bytes | None) -> set[int] | None:
    """Return the months (YYYYMM) of a stored value; None for `*`, any month."""
    if value == _ANY_MONTH:
        return None
    yymms = struct.unpack(f">{len(value or b'') // 2}H", value or b"")
    return {(190_000 if yymm >= 9_000 else 200_000) + yymm for yymm in yymms}


def lists_all(value: bytes | None, months: int) -> bool:
    """Return whether a stored value stands for all months of a store that has so many."""
    return value == _ANY_MONTH or len(value or b"") >= 2 * months
