"""Reading: postings of many months, and texts, remembered while the store stays as it is.

Every question begins by asking for the store's revision, and in the same round trip for what it
needs and this process does not remember. What is remembered is of one revision: once that moves,
all of it is forgotten. A word asked for a moment ago (someone is typing, or turns a page, or a page
shows counts beside papers) costs no reading twice, nor does a paper that several keywords find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from pyroaring import BitMap
from redis import Redis

from papers.errors import StoreError
from papers.index.bitmaps import Padded
from papers.index.postings import bitmap, places_of_months
from papers.model.packing import Opened
from papers.query.ast import Node
from papers.redis_backend import keys
from papers.redis_backend.connection import Command, PerThread, read_many
from papers.redis_backend.records import read_opened
from papers.search.evaluate import Candidates, Key
from papers.search.index_cache import Memory, Request, Wanted
from papers.search.plan import Plan
from papers.search.segments import Lookup, Months, Part, Parts
from papers.search.verify import standing

MOST_REMEMBERED: Final = 64_000_000
"""Bytes, about: a process that remembers more forgets all and begins anew."""

_TRIES: Final = 50
_A_PAPER: Final = 8_000
_A_PLACE: Final = 4


class Reader:
    """Reads from one Redis, for all who ask it in a process. Raises redis-py's errors."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._clients = PerThread(redis)
        self._memory = Memory(_NEVER)

    def begin(self, wants: Callable[[Memory], Iterable[Request]]) -> Reading:
        """Begin a question: `wants` names what it needs and the memory it is given does not hold.

        One round trip; two where the revision has moved since this process last asked.
        """
        redis = self._clients.client
        while True:
            memory = self._memory
            requests = list(wants(memory))
            asked = [("GET", keys.REVISION), *(request.command for request in requests)]
            revision, *replies = read_many(redis, asked)
            if revision == memory.revision and memory.size < MOST_REMEMBERED:
                break
            self._memory = Memory(revision, memory.shapes)
        for request, reply in zip(requests, replies, strict=True):
            request.take(reply)
        return Reading(redis, memory)

    def forget_words(self) -> None:
        """Forget words and postings; the revision, the months and their shapes stay."""
        known = self._memory
        self._memory = Memory(known.revision, known.shapes, known.months)


_NEVER: Final = object()


class Reading:
    """One question's reading, in the thread that began it."""

    def __init__(self, redis: Redis, memory: Memory) -> None:
        self.memory = memory
        self._redis = redis

    def ask(self, requests: Sequence[Request]) -> bool:
        """Ask, and let the replies be remembered; one round trip, none for nothing.

        False where some reply was no answer.
        """
        replies = self.replies([request.command for request in requests])
        return all([r.take(reply) for r, reply in zip(requests, replies, strict=True)])

    def replies(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to commands; one round trip, none for nothing."""
        return read_many(self._redis, commands) if commands else []

    def newest_months(self, count: int) -> Months:
        """The newest months that may hold papers, newest first, once asked for."""
        return (self.memory.months or ())[:count]

    def postings(self, wanted: Wanted) -> Read:
        """Postings of months; one round trip while the volumes' shapes are as remembered.

        Raises StoreError where the store says of a month that it lies with its year, and of the
        year that it does not.
        """
        months = [month for here, _ in wanted for month in here]
        for _ in range(_TRIES):
            lookups = self.memory.lookups(wanted)
            if self.ask(self.memory.postings_asked(lookups)):
                return Read(lookups, months)
        said = f"one of the months {sorted(months)} is closed, and its year has it not"
        raise StoreError(f"the index is damaged: {said}; restore a backup")

    def candidates(
        self, plan: Plan, months: Months, with_words: Callable[[Months], Plan]
    ) -> tuple[Plan, Candidates]:
        """Who may match in some months, and the plan that told: in the end one that asks for words.

        Those are asked for in months of which slots tell of a phrase. Any month may come to lie in
        a year that has slots while it is read, so what was read is looked at again.
        """
        bare, told = plan, months if plan.asks_for_words else ()
        while True:
            others = tuple([month for month in months if month not in told]) if told else months
            read = self.postings([*bare.wanted(others), *plan.wanted(told)])
            doubtful = tuple([month for month in plan.doubtful(read) if month not in told])
            if not doubtful:
                return plan, plan.evaluate(read)
            plan = with_words(doubtful)
            told += doubtful

    def opened(self, places: Iterable[int]) -> dict[int, Opened]:
        """The papers that exist, by their places; one round trip or none."""
        places, known = list(places), self.memory.opened
        read = read_opened(self._redis, [place for place in places if place not in known])
        known.update(read)
        self.memory.size += len(read) * _A_PAPER
        return {place: known[place] for place in places if place in known}

    def standing(self, tree: Node, places: BitMap) -> BitMap:
        """Those of some places whose papers, by their texts, are what a tree asks for."""
        held, barred = self.memory.verified.setdefault(tree, (BitMap(), BitMap()))
        unknown = places - held - barred
        if unknown:
            found = standing(tree, self.opened(unknown))
            held |= found
            barred |= unknown - found
            self.memory.size += _A_PLACE * len(unknown)
        return places & held


class Read:
    """Postings of some months (YYYYMM), as bitmaps of places; each is put together once."""

    def __init__(self, lookups: Sequence[Lookup], months: Sequence[int]) -> None:
        self.months = months
        self._whole, self._in_part, here = list[Parts](), list[Parts](), list[int]()
        for volume, _, held in reversed(lookups):  # bitmaps are sooner joined from the oldest on
            if volume.is_whole:
                self._whole.append(held)
            else:
                self._in_part.append(held)
                here += volume.months
        self._here = places_of_months(here)
        self._joined: dict[Key, BitMap] = {}

    def of(self, key: Key, months: Iterable[int] | None = None) -> BitMap:
        """The papers of these months, or of some of them, that have it.

        It may be what is remembered, for all threads: not to be changed.
        """
        found = self._joined.get(key)
        if found is None:
            self._joined[key] = found = self._put_together(key)
        return found if months is None else found & places_of_months(months)

    def among(self, key: Key, places: BitMap) -> BitMap:
        """Those of some papers of these months that have it."""
        joined = self._joined.get(key)
        if joined is not None:
            return joined & places
        volumes = (*self._whole, *self._in_part)
        return _joined([_among(part, places) for held in volumes if (part := held.get(key))])

    def _put_together(self, key: Key) -> BitMap:
        """Of a year in part only the months that are asked for; others may be there no more."""
        parts = _whole(self._whole, key)
        if self._in_part:
            some = _whole(self._in_part, key)
            parts.append(_joined(some) & self._here)
        return _joined(parts)


def _joined(parts: Sequence[BitMap]) -> BitMap:
    """All of them; where it is one, that very one."""
    return parts[0] if len(parts) == 1 else BitMap.union(BitMap(), *parts)


def _among(part: Part, places: BitMap) -> BitMap:
    return (bitmap(part) if isinstance(part, bytes) else part) & places


def _whole(volumes: Iterable[Parts], key: Key) -> list[BitMap]:
    """Bitmaps that together are what some volumes have of a posting."""
    parts = [part for held in volumes if (part := held.get(key))]
    small = b"".join([part for part in parts if isinstance(part, bytes)])
    large = [part for part in parts if not isinstance(part, bytes)]
    whole = [part.whole if isinstance(part, Padded) else part for part in large]
    return [*whole, bitmap(small)] if small else whole
