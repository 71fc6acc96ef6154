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
from papers.index.terms import AUTHOR_WORD, WORD, word_terms
from papers.query.ast import And, Field, Leaf, Node, Or, Text
from papers.redis_backend import keys
from papers.redis_backend.connection import read_many

TRIES: Final = 100
MANY: Final = 64
"""A word of more months than this is not worth remembering: the walk will stop early."""

_EVERYWHERE: Final = b"*"
_KEPT: Final = WORD + AUTHOR_WORD
_SWEPT: Final = 1_000
_MOST_KNOWN: Final = 500_000
"""Terms whose months a writer remembers: some hundred megabytes."""
_VOCABULARY: Final = re.compile(rb"w.{3,}", re.DOTALL)
"""Words of three letters or more: no prefix is shorter (`papers.query.parser.MIN_PREFIX`)."""
_RUN: Final = re.compile(rb"^run_id:(\w+)", re.MULTILINE)
"""How a server tells its run, which has another name each time that it starts."""


class Spread:
    """The spread of words over months, in one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._state = _State(0, b"", b"")
        self._known: dict[bytes, bytes | None] = {}

    def note(self, month: int, terms: Iterable[bytes]) -> None:
        """Note that terms occur in a month (YYYYMM); only words and authors' words are kept.

        Raises StoreBusy where other writers are always faster.
        """
        kept = [term for term in terms if term[0] in _KEPT]
        if kept:
            self._transact(lambda pipe: self._attempt(pipe, _packed(month), kept))

    def _transact(self, attempt: Callable[[Pipeline], None]) -> None:
        for _ in range(TRIES):
            with self._redis.pipeline() as pipe:
                try:
                    pipe.watch(keys.SPREAD_REV)  # type: ignore[no-untyped-call]
                    attempt(pipe)
                except WatchError:
                    continue
                return
        raise StoreBusy(f"the spread of words: another writer was faster {TRIES} times")

    def _attempt(self, pipe: Pipeline, month: bytes, kept: Sequence[bytes]) -> None:
        state = self._recall()
        asked = [term for term in kept if term not in self._known]
        values: Any = pipe.hmget(keys.SPREAD, asked) if asked else []
        self._known.update(zip(asked, values, strict=True))
        known = self._known
        noted: Any = {term: value for term in kept if (value := _with_month(known[term], month))}
        new: Any = {t[1:]: 0 for t in noted if known[t] is None and _VOCABULARY.fullmatch(t)}
        if noted:
            pipe.multi()
            pipe.hset(keys.SPREAD, mapping=noted)
            if new:
                pipe.zadd(keys.VOCABULARY, new)
            pipe.mset({keys.SPREAD_REV: state.revision + 1, keys.SPREAD_ERA: state.era})
            pipe.execute()
            known.update(noted)
            self._state = state._replace(revision=state.revision + 1)

    def forget(self, months: Collection[int]) -> None:
        """Forget months (YYYYMM) that are gone, and the words that occurred in no other.

        Words of many months stay as they are. Raises StoreBusy.
        """
        gone = frozenset(map(_packed, months))
        at = 0
        while True:
            swept: Any = self._redis.hscan(keys.SPREAD, at, count=_SWEPT)
            at, values = swept
            terms = [term for term, value in values.items() if _without(value, gone) != value]
            if terms:
                self._transact(partial(self._drop, gone, terms))
            if not at:
                return

    def _drop(self, gone: Set[bytes], terms: Sequence[bytes], pipe: Pipeline) -> None:
        values: Any = pipe.hmget(keys.SPREAD, terms)
        left = {
            term: _without(value, gone) for term, value in zip(terms, values, strict=True) if value
        }
        kept: Any = {term: value for term, value in left.items() if value}
        unused = [term for term, value in left.items() if not value]
        words = [term[1:] for term in unused if term[:1] == WORD]
        pipe.multi()
        if kept:
            pipe.hset(keys.SPREAD, mapping=kept)
        if unused:
            pipe.hdel(keys.SPREAD, *unused)
        if words:
            pipe.zrem(keys.VOCABULARY, *words)
        pipe.incr(keys.SPREAD_REV)
        pipe.set(keys.SPREAD_ERA, _new_name())
        pipe.execute()

    def _recall(self) -> _State:
        """The state of the spread; what others may have changed is forgotten, or too much.

        Within an era and a run what is everywhere stays so.
        """
        asked = ("MGET", keys.SPREAD_REV, keys.SPREAD_ERA), ("INFO", "server")
        (revision, era), told = read_many(self._redis, asked)  # while another connection WATCHes
        run = _RUN.search(told)
        state = _State(int(revision or 0), era or _new_name(), run[1] if run else _new_name())
        before = self._state
        another = (state.era, state.run) != (before.era, before.run)
        if another or len(self._known) > _MOST_KNOWN:
            self._known.clear()
        elif state.revision != before.revision:
            known = self._known.items()
            self._known = {term: value for term, value in known if value == _EVERYWHERE}
        self._state = state
        return state


class _State(NamedTuple):
    """What tells whether the spread is the one that was known."""

    revision: int
    """How often it changed."""
    era: bytes
    """Since when nothing was taken away: a random name."""
    run: bytes
    """Since when the server runs: one that starts again may have lost its last second."""


def _new_name() -> bytes:
    """A name that nothing had before."""
    return uuid4().bytes


_Months = dict[bytes, set[int] | None]


def spread_terms(leaf: Leaf) -> Sequence[bytes]:
    """The fields of the spread that tell of a leaf; prefixes, comments and labels have none."""
    if not isinstance(leaf, Text) or leaf.prefix:
        return ()
    if leaf.field in (Field.COMMENT, Field.ORGANIZATION):
        return ()
    return word_terms(Text(Field.ANY, leaf.words) if leaf.field is Field.TITLE else leaf)


def possible_months(tree: Node, spread: Mapping[bytes, bytes | None]) -> set[int] | None:
    """The months (YYYYMM) that can hold what a tree asks for; None where that may be any.

    `spread` has the fields that tell of its leaves.
    """
    if all(value == _EVERYWHERE for value in spread.values()):
        return None
    return _possible(tree, {term: _unpacked(value) for term, value in spread.items()})


def _possible(node: Node, months: _Months) -> set[int] | None:
    if isinstance(node, And):
        return _meet(_possible(child, months) for child in node.all)
    if isinstance(node, Or):
        found = [_possible(child, months) for child in node.any]
        known = [some for some in found if some is not None]
        return set().union(*known) if len(known) == len(found) else None
    return _meet(months[term] for term in spread_terms(node))


def _meet(found: Iterable[set[int] | None]) -> set[int] | None:
    known = [months for months in found if months is not None]
    return reduce(set.__and__, known) if known else None


def _with_month(value: bytes | None, month: bytes) -> bytes | None:
    """A value with one more month; None where it says so already."""
    if value is None:
        return month
    if value == _EVERYWHERE or (month in value and _has_month(value, month)):
        return None
    return value + month if len(value) < 2 * MANY else _EVERYWHERE


def _has_month(value: bytes, month: bytes) -> bool:
    at = value.find(month)
    while at % 2 == 1 and at > 0:
        at = value.find(month, at + 1)
    return at >= 0


def _without(value: bytes, gone: Set[bytes]) -> bytes:
    if value == _EVERYWHERE:
        return value
    months = (value[at : at + 2] for at in range(0, len(value), 2))
    return b"".join(month for month in months if month not in gone)


def _packed(month: int) -> bytes:
    return struct.pack(">H", month % 10_000)


def _unpacked(value: bytes | None) -> set[int] | None:
    if value == _EVERYWHERE:
        return None
    yymms = struct.unpack(f">{len(value or b'') // 2}H", value or b"")
    return {(190_000 if yymm >= 9_000 else 200_000) + yymm for yymm in yymms}
