"""Which months a word occurs in, so that a walk need not ask the others.

One hash, `spread`: a word or an author's word (as the index spells terms) to the months it has
occurred in, two bytes each, or `*` once they are more than `MANY`. Months are noted before their
transaction and never taken away: the spread may say too much, never too little.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any, Final

from redis import Redis

from papers import keys
from papers.terms import AUTHOR_WORD, WORD, text_terms
from papers.tree import And, Field, Node, Or, Text, leaves

MANY: Final = 64
"""A word of more months than this is not worth remembering: the walk will stop early."""

_EVERYWHERE: Final = b"*"
_AT_ONCE: Final = 2_000

_NOTE: Final = """
-- KEYS: the spread. ARGV: a month in two bytes, how many months are many, terms.
local month, most = ARGV[1], 2 * tonumber(ARGV[2])
for i = 3, #ARGV do
  local known = redis.call('HGET', KEYS[1], ARGV[i]) or ''
  local noted = known == '*'
  for at = 1, #known - 1, 2 do
    noted = noted or string.sub(known, at, at + 1) == month
  end
  if not noted then
    redis.call('HSET', KEYS[1], ARGV[i], #known < most and known .. month or '*')
  end
end
"""


class Spread:
    """The spread of words over months, in one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._note = redis.register_script(_NOTE)

    def note(self, month: int, terms: Iterable[bytes]) -> None:
        """Note that terms occur in a month (YYYYMM); only words and authors' words are kept."""
        kept = [term for term in terms if term[:1] in (WORD, AUTHOR_WORD)]
        for at in range(0, len(kept), _AT_ONCE):
            arguments: list[Any] = [_packed(month), MANY, *kept[at : at + _AT_ONCE]]
            self._note(keys=[keys.SPREAD], args=arguments)

    def months(self, tree: Node) -> set[int] | None:
        """The months that can hold what a tree asks for; None where that may be any month."""
        asked = list(dict.fromkeys(t for leaf in leaves(tree) for t in _terms(leaf)))
        if not asked:
            return None
        values: Any = self._redis.hmget(keys.SPREAD, asked)
        return _possible(tree, dict(zip(asked, map(_unpacked, values), strict=True)))


_Months = dict[bytes, set[int] | None]


def _possible(node: Node, months: _Months) -> set[int] | None:
    if isinstance(node, And):
        return _meet(_possible(child, months) for child in node.all)
    if isinstance(node, Or):
        found = [_possible(child, months) for child in node.any]
        known = [some for some in found if some is not None]
        return set().union(*known) if len(known) == len(found) else None
    return _meet(months[term] for term in _terms(node))


def _meet(found: Iterable[set[int] | None]) -> set[int] | None:
    known = [months for months in found if months is not None]
    return reduce(set.__and__, known) if known else None


def _terms(leaf: Node) -> Sequence[bytes]:
    """The terms of a leaf whose spread is known; prefixes, comments and labels have none."""
    if not isinstance(leaf, Text) or leaf.prefix:
        return []
    if leaf.field in (Field.COMMENT, Field.ORGANIZATION):
        return []
    return text_terms(Text(Field.ANY, leaf.words) if leaf.field is Field.TITLE else leaf)


def _packed(month: int) -> bytes:
    return struct.pack(">H", month % 10_000)


def _unpacked(value: bytes | None) -> set[int] | None:
    if value == _EVERYWHERE:
        return None
    yymms = struct.unpack(f">{len(value or b'') // 2}H", value or b"")
    return {(190_000 if yymm >= 9_000 else 200_000) + yymm for yymm in yymms}
