"""One question under way: which months it is asked of, and who may answer it in some of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Final

from pyroaring import BitMap

from papers.model.arxiv_id import ArxivId
from papers.query.ast import Node
from papers.query.request import Hits, SearchRequest
from papers.search.asked import QueryLeaves
from papers.search.evaluate import Candidates, PrefixExpansions, residual_query
from papers.search.index_cache import IndexCache, ReadRequest
from papers.search.pacing import MAX_MONTH, SegmentPacer, estimate_selectivity, prune_months
from papers.search.plan import QueryPlan
from papers.search.reader import IndexReader
from papers.search.segments import Months

_SPARE_DIVISOR: Final = 16
"""Of so many candidates one may turn out not to hold."""


class QueryExecution:
    """A question for `limit` papers, to one store, on the `way` of one kind of walk.

    Where its words occur has been read, unless it was asked before; postings are read by month.
    """

    def __init__(self, ask: SearchRequest, limit: int, reader: IndexReader, direction: str) -> None:
        self.ask, self.limit = ask, limit
        self._cache_key = (ask, limit, direction)
        self.cursor = ArxivId.parse(ask.before) if ask.before else None
        self._newest_month = self.cursor.month if self.cursor else MAX_MONTH
        self._plan: QueryPlan | None = None
        self._refined_plan: QueryPlan | None = None
        self.cached_hits: Hits | None = None
        """What was found when this very question was asked before, of the same papers."""
        self.session = reader.open_session(self._initial_requests)

    @property
    def tree(self) -> Node:
        """What is looked for."""
        return self._query_leaves.tree

    @cached_property
    def _query_leaves(self) -> QueryLeaves:
        return QueryLeaves.of(self.ask.tree)

    @property
    def target_candidates(self) -> int:
        """How many candidates to find at first: where some may not hold, a few to spare."""
        return (
            self.limit if self._query_leaves.is_exact else self.limit + self.limit // _SPARE_DIVISOR
        )

    @cached_property
    def _pacer(self) -> SegmentPacer:
        return self._pacer_for(self.session.cache)

    def _pacer_for(self, cache: IndexCache) -> SegmentPacer:
        share = estimate_selectivity(self.tree)
        return SegmentPacer(
            self.target_candidates, share, cache.segments, is_exact=self._query_leaves.is_exact
        )

    def remember(self, hits: Hits) -> Hits:
        """What was found, remembered."""
        self.session.cache.remember_hits(self._cache_key, hits)
        return hits

    def _initial_requests(self, cache: IndexCache) -> list[ReadRequest]:
        """Where its words occur; and already the newest postings, as common words need no more."""
        self.cached_hits = cache.hits.get(self._cache_key)
        if self.cached_hits is not None:
            return []
        asked = [*cache.month_requests(), *cache.term_requests(self._query_leaves)]
        expansions = cache.prefix_expansions(self._query_leaves)
        if self.ask.order == "announced" and cache.months and expansions is not None:
            possible = self._candidate_months(cache, self._newest_month)
            months = next(self._pacer_for(cache).batches(possible), ())
            wanted = self._plan_for(expansions).wanted_postings(months)
            asked += cache.posting_requests(cache.segment_lookups(wanted))
        return asked

    def _candidate_months(self, cache: IndexCache, newest: int) -> Months:
        months = cache.candidate_months(self._query_leaves)
        if newest != MAX_MONTH:
            months = tuple(month for month in months if month <= newest)
        return prune_months(self._query_leaves, months)

    def candidate_months(self, newest: int = MAX_MONTH) -> Months:
        """The months that may hold an answer, newest first, none after `newest` (YYYYMM)."""
        return self._candidate_months(self.session.cache, newest)

    def month_batches(self, months: Months) -> Iterator[Months]:
        """Months to read together."""
        return self._pacer.batches(months)

    def read_candidates(self, months: Months) -> Candidates:
        """The places of those who may answer it; one round trip or none.

        Words of phrases are asked for from where slots tell of these on: more trips, once.
        """
        memory = self.session.cache
        plan = self._refined_plan
        if plan is None:
            expansions = memory.prefix_expansions(self._query_leaves)
            assert expansions is not None, "asked for at the beginning"
            plan = self._plan_for(expansions)
        plan, met = self.session.read_candidates(plan, months, partial(self._refine, plan))
        self._refined_plan = plan if plan.has_probe_terms else None
        self._pacer.add_found(len(met.possible))
        return met

    def verify_docs(self, places: BitMap) -> BitMap:
        """Those of some candidates that hold, by their texts; one round trip or none."""
        return self.session.verify_docs(self._residual, places)

    @cached_property
    def _residual(self) -> Node:
        return residual_query(self.tree)

    def _refine(self, plan: QueryPlan, months: Months) -> QueryPlan:
        """The same that asks for words of phrases: of the first of some months all are read."""
        memory, all_words = self.session.cache, plan.with_probe_terms()
        if self.tree not in memory.probe_terms:
            self.session.read_postings(all_words.wanted_postings(months))
            read = self.session.read_postings(all_words.wanted_postings(months[:1]))
            (volume,) = memory.segments.locate(months[:1])
            memory.probe_terms[self.tree] = plan.choose_probe_terms(read, volume.estimated_papers)
        return plan.with_probe_terms(memory.probe_terms[self.tree])

    def _plan_for(self, expansions: PrefixExpansions) -> QueryPlan:
        """Made once, while no more is known."""
        if self._plan is None or self._plan.expansions != expansions:
            self._plan = QueryPlan(self._query_leaves, expansions)
        return self._plan
