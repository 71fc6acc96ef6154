"""One question under way: which months it is asked of, and who may answer it in some of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Final

from pyroaring import BitMap

from papers.model.arxiv_id import ArxivId
from papers.query.ast import Node
from papers.query.request import Ask, Found
from papers.search.asked import Asked
from papers.search.evaluate import Candidates, Expansions, doubts_of
from papers.search.index_cache import Memory, Request
from papers.search.pacing import NO_MONTH, Pace, likely_share, possible_of
from papers.search.plan import Plan
from papers.search.reader import Reader
from papers.search.segments import Months

_SPARE: Final = 16
"""Of so many candidates one may turn out not to hold."""


class Question:
    """A question for `limit` papers, to one store, on the `way` of one kind of walk.

    Where its words occur has been read, unless it was asked before; postings are read by month.
    """

    def __init__(self, ask: Ask, limit: int, reader: Reader, way: str) -> None:
        self.ask, self.limit = ask, limit
        self._name = (ask, limit, way)
        self.before = ArxivId.parse(ask.before) if ask.before else None
        self._newest = self.before.month if self.before else NO_MONTH
        self._plan: Plan | None = None
        self._settled: Plan | None = None
        self.found: Found | None = None
        """What was found when this very question was asked before, of the same papers."""
        self.reading = reader.begin(self._needed)

    @property
    def tree(self) -> Node:
        """What is looked for."""
        return self._asked.tree

    @cached_property
    def _asked(self) -> Asked:
        return Asked.of(self.ask.tree)

    @property
    def wanted(self) -> int:
        """How many candidates to find at first: where some may not hold, a few to spare."""
        return self.limit if self._asked.is_exact else self.limit + self.limit // _SPARE

    @cached_property
    def _pace(self) -> Pace:
        return self._pace_of(self.reading.memory)

    def _pace_of(self, memory: Memory) -> Pace:
        share = likely_share(self.tree)
        return Pace(self.wanted, share, memory.shapes, exact=self._asked.is_exact)

    def remembered(self, found: Found) -> Found:
        """What was found, remembered."""
        self.reading.memory.keep(self._name, found)
        return found

    def _needed(self, memory: Memory) -> list[Request]:
        """Where its words occur; and already the newest postings, as common words need no more."""
        self.found = memory.found.get(self._name)
        if self.found is not None:
            return []
        asked = [*memory.months_asked(), *memory.words_asked(self._asked)]
        expansions = memory.expansions(self._asked)
        if self.ask.order == "announced" and memory.months and expansions is not None:
            possible = self._possible(memory, self._newest)
            months = next(self._pace_of(memory).chunks(possible), ())
            wanted = self._plan_of(expansions).wanted(months)
            asked += memory.postings_asked(memory.lookups(wanted))
        return asked

    def _possible(self, memory: Memory, newest: int) -> Months:
        months = memory.possible(self._asked)
        if newest != NO_MONTH:
            months = tuple(month for month in months if month <= newest)
        return possible_of(self._asked, months)

    def months(self, newest: int = NO_MONTH) -> Months:
        """The months that may hold an answer, newest first, none after `newest` (YYYYMM)."""
        return self._possible(self.reading.memory, newest)

    def chunks(self, months: Months) -> Iterator[Months]:
        """Months to read together."""
        return self._pace.chunks(months)

    def candidates(self, months: Months) -> Candidates:
        """The places of those who may answer it; one round trip or none.

        Words of phrases are asked for from where slots tell of these on: more trips, once.
        """
        memory = self.reading.memory
        plan = self._settled
        if plan is None:
            expansions = memory.expansions(self._asked)
            assert expansions is not None, "asked for at the beginning"
            plan = self._plan_of(expansions)
        plan, met = self.reading.candidates(plan, months, partial(self._told, plan))
        self._settled = plan if plan.asks_for_words else None
        self._pace.found(len(met.maybe))
        return met

    def standing(self, places: BitMap) -> BitMap:
        """Those of some candidates that hold, by their texts; one round trip or none."""
        return self.reading.standing(self._doubts, places)

    @cached_property
    def _doubts(self) -> Node:
        return doubts_of(self.tree)

    def _told(self, plan: Plan, months: Months) -> Plan:
        """The same that asks for words of phrases: of the first of some months all are read."""
        memory, all_words = self.reading.memory, plan.with_words()
        if self.tree not in memory.telling:
            self.reading.postings(all_words.wanted(months))
            read = self.reading.postings(all_words.wanted(months[:1]))
            (volume,) = memory.shapes.volumes(months[:1])
            memory.telling[self.tree] = plan.telling(read, volume.papers)
        return plan.with_words(memory.telling[self.tree])

    def _plan_of(self, expansions: Expansions) -> Plan:
        """Made once, while no more is known."""
        if self._plan is None or self._plan.expansions != expansions:
            self._plan = Plan(self._asked, expansions)
        return self._plan
