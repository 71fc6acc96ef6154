"""Which words there are, and in which months: so that a walk need not ask the others.

Keys under one hash tag. The spread: a word or an author's word (as the index spells terms) to
the months it has occurred in, two bytes each, or `*` once they are more than `MANY`. The
vocabulary: the words in alphabetical order, for `prefix*`. Both are noted before a month's
transaction, and only months that are removed are taken away: they may say too much, never too
little.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from functools import partial, reduce
from typing import Any, Final, NamedTuple
from uuid import uuid4

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import WatchError

from papers.errors import StoreBusy
from papers.index.terms import AUTHOR_KIND, WORD_KIND, word_terms
from papers.query.ast import And, Field, Leaf, Node, Or, Text
from papers.redis_backend import keys
from papers.redis_backend.connection import read_many

_MAX_TRIES: Final = 100
MAX_MONTHS_PER_TERM: Final = 64
"""A word of more months than this is not worth remembering: the walk will stop early."""

_ANY_MONTH: Final = b"*"
_RECORDED_KINDS: Final = WORD_KIND + AUTHOR_KIND
_SCAN_COUNT: Final = 1_000
_MAX_CACHED_TERMS: Final = 500_000
"""Terms whose months a writer remembers: some hundred megabytes."""
_PREFIX_WORD: Final = re.compile(rb"w.{3,}", re.DOTALL)
"""Words of three letters or more: no prefix is shorter (`papers.query.parser.MIN_PREFIX`)."""
_RUN_ID: Final = re.compile(rb"^run_id:(\w+)", re.MULTILINE)
"""How a server tells its run, which has another name each time that it starts."""


class TermMonths:
    """The spread of words over months, in one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._state = _TermMonthsState(0, b"", b"")
        self._cache: dict[bytes, bytes | None] = {}

    def add_month(self, month: int, terms: Iterable[bytes]) -> None:
        """Note that terms occur in a month (YYYYMM); only words and authors' words are kept.

        Raises StoreBusy where other writers are always faster.
        """
        kept = [term for term in terms if term[0] in _RECORDED_KINDS]
        if kept:
            self._transact(lambda pipe: self._try_add(pipe, _pack_month(month), kept))

    def _transact(self, attempt: Callable[[Pipeline], None]) -> None:
        for _ in range(_MAX_TRIES):
            with self._redis.pipeline() as pipe:
                try:
                    pipe.watch(keys.TERM_MONTHS_REVISION)  # type: ignore[no-untyped-call]
                    attempt(pipe)
                except WatchError:
                    continue
                return
        raise StoreBusy(f"the spread of words: another writer was faster {_MAX_TRIES} times")

    def _try_add(self, pipe: Pipeline, month: bytes, kept: Sequence[bytes]) -> None:
        state = self._refresh_state()
        asked = [term for term in kept if term not in self._cache]
        values: Any = pipe.hmget(keys.TERM_MONTHS, asked) if asked else []
        self._cache.update(zip(asked, values, strict=True))
        known = self._cache
        noted: Any = {
            term: value for term in kept if (value := _value_with_month(known[term], month))
        }
        new: Any = {t[1:]: 0 for t in noted if known[t] is None and _PREFIX_WORD.fullmatch(t)}
        if noted:
            pipe.multi()
            pipe.hset(keys.TERM_MONTHS, mapping=noted)
            if new:
                pipe.zadd(keys.VOCABULARY, new)
            pipe.mset(
                {keys.TERM_MONTHS_REVISION: state.revision + 1, keys.TERM_MONTHS_EPOCH: state.epoch}
            )
            pipe.execute()
            known.update(noted)
            self._state = state._replace(revision=state.revision + 1)

    def remove_months(self, months: Collection[int]) -> None:
        """Forget months (YYYYMM) that are gone, and the words that occurred in no other.

        Words of many months stay as they are. Raises StoreBusy.
        """
        gone = frozenset(map(_pack_month, months))
        at = 0
        while True:
            swept: Any = self._redis.hscan(keys.TERM_MONTHS, at, count=_SCAN_COUNT)
            at, values = swept
            terms = [
                term
                for term, value in values.items()
                if _value_without_months(value, gone) != value
            ]
            if terms:
                self._transact(partial(self._try_remove, gone, terms))
            if not at:
                return

    def _try_remove(self, gone: Set[bytes], terms: Sequence[bytes], pipe: Pipeline) -> None:
        values: Any = pipe.hmget(keys.TERM_MONTHS, terms)
        left = {
            term: _value_without_months(value, gone)
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
        """The state of the spread; what others may have changed is forgotten, or too much.

        Within an era and a run what is everywhere stays so.
        """
        asked = ("MGET", keys.TERM_MONTHS_REVISION, keys.TERM_MONTHS_EPOCH), ("INFO", "server")
        (revision, era), told = read_many(self._redis, asked)  # while another connection WATCHes
        run = _RUN_ID.search(told)
        state = _TermMonthsState(
            int(revision or 0), era or _random_token(), run[1] if run else _random_token()
        )
        before = self._state
        another = (state.epoch, state.run_id) != (before.epoch, before.run_id)
        if another or len(self._cache) > _MAX_CACHED_TERMS:
            self._cache.clear()
        elif state.revision != before.revision:
            known = self._cache.items()
            self._cache = {term: value for term, value in known if value == _ANY_MONTH}
        self._state = state
        return state


class _TermMonthsState(NamedTuple):
    """What tells whether the spread is the one that was known."""

    revision: int
    """How often it changed."""
    epoch: bytes
    """Since when nothing was taken away: a random name."""
    run_id: bytes
    """Since when the server runs: one that starts again may have lost its last second."""


def _random_token() -> bytes:
    """A name that nothing had before."""
    return uuid4().bytes


_MonthsByTerm = dict[bytes, set[int] | None]


def term_months_fields(leaf: Leaf) -> Sequence[bytes]:
    """The fields of the spread that tell of a leaf; prefixes, comments and labels have none."""
    if not isinstance(leaf, Text) or leaf.is_prefix:
        return ()
    if leaf.field in (Field.COMMENT, Field.ORGANIZATION):
        return ()
    return word_terms(Text(Field.ANY, leaf.words) if leaf.field is Field.TITLE else leaf)


def possible_months(tree: Node, term_months: Mapping[bytes, bytes | None]) -> set[int] | None:
    """The months (YYYYMM) that can hold what a tree asks for; None where that may be any.

    `spread` has the fields that tell of its leaves.
    """
    if all(value == _ANY_MONTH for value in term_months.values()):
        return None
    return _possible_for(tree, {term: _unpack_months(value) for term, value in term_months.items()})


def _possible_for(node: Node, months: _MonthsByTerm) -> set[int] | None:
    if isinstance(node, And):
        return _intersect(_possible_for(child, months) for child in node.required)
    if isinstance(node, Or):
        found = [_possible_for(child, months) for child in node.alternatives]
        known = [some for some in found if some is not None]
        return set().union(*known) if len(known) == len(found) else None
    return _intersect(months[term] for term in term_months_fields(node))


def _intersect(found: Iterable[set[int] | None]) -> set[int] | None:
    known = [months for months in found if months is not None]
    return reduce(set.__and__, known) if known else None


def _value_with_month(value: bytes | None, month: bytes) -> bytes | None:
    """A value with one more month; None where it says so already."""
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


def _value_without_months(value: bytes, gone: Set[bytes]) -> bytes:
    if value == _ANY_MONTH:
        return value
    months = (value[at : at + 2] for at in range(0, len(value), 2))
    return b"".join(month for month in months if month not in gone)


def _pack_month(month: int) -> bytes:
    return struct.pack(">H", month % 10_000)


def _unpack_months(value: bytes | None) -> set[int] | None:
    if value == _ANY_MONTH:
        return None
    yymms = struct.unpack(f">{len(value or b'') // 2}H", value or b"")
    return {(190_000 if yymm >= 9_000 else 200_000) + yymm for yymm in yymms}
