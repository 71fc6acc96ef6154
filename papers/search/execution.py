"""Execution of one query: the months to read together, their candidates, and verification."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import Final, Protocol

from pyroaring import BitMap

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.query.ast import Node
from papers.query.match import FoldedPaper, matches_node
from papers.query.request import Hits, SearchRequest
from papers.redis_backend.records import unpack_papers
from papers.search.evaluate import Candidates
from papers.search.index_cache import IndexCache, ReadRequest
from papers.search.node_plans import estimate_selectivity, prune_months
from papers.search.plan import QueryPlan
from papers.search.reader import IndexReader
from papers.search.segments import Months, Segment
from papers.search.verify import residual_query

_MAX_LEAVES_AT_ONCE: Final = 24
"""Leaves of a plan whose postings are read before it is known which spellings occur."""
_SPARE_DIVISOR: Final = 16
"""One candidate in this many is assumed not to match."""
_FIRST_SEGMENTS: Final = 16
_MAX_SEGMENTS: Final = 64
"""The most segments to read in one round trip: at first, and later."""
_GROWTH_FACTOR: Final = 16
"""How many times as many papers to read in the next batch while none have matched."""
_MAX_RARE_SHARE: Final = 0.0001
"""A shingle of fewer papers has no posting of its own in a year that is over."""
_SAFETY_MARGIN: Final = 1.6
"""Older months often match less: reading some in vain costs less than another round trip."""


_MIN_BLOCK_SIZE: Final = 16
_MAX_BLOCK_SIZE: Final = 1_024


class VerificationProgress:
    """How many candidates a query has seen, how many matched, and how many texts were verified."""

    def __init__(self) -> None:
        self.seen = self.found = self.examined = 0

    def block_size(self, wanted: int) -> int:
        """Return how many candidates to verify together, while `wanted` matches are wanted.

        As many as should suffice by the share that matched so far, but at most as many as were
        seen: so few texts are read in vain, and a query that hardly matches takes few round trips.
        """
        missing = max(wanted - self.found, _MIN_BLOCK_SIZE) if self.seen else wanted
        expected = missing * self.seen // max(self.found, 1)
        return min(max(missing, min(expected, self.seen)), _MAX_BLOCK_SIZE)


class SegmentLocator(Protocol):
    """Knows which segment holds the postings of a month."""

    def locate(self, months: Months) -> Sequence[Segment]:
        """Return the segments of months, in their order; neighbors in one segment together."""


class SegmentPacer:
    """Decides how many months to read together: few postings in vain, and few round trips.

    The first batch has as many papers as should hold the `wanted` ones by the estimated
    `selectivity`, but few segments. Later batches have 16
    times as many papers as before until some match; then as many as should hold the missing ones by
    the share found so far. Months of one segment are always read together.
    """

    def __init__(self, wanted: int, selectivity: float, segments: SegmentLocator) -> None:
        self._wanted, self._segments = wanted, segments
        self._first_papers = wanted / selectivity
        self._read = self._found = 0
        self._is_rare = False

    def batches(self, months: Months) -> Iterator[Months]:
        """Cut months into batches to read together; call `add_found` between batches."""
        max_segments = _FIRST_SEGMENTS
        while months:
            batch = self._next_batch(months, max_segments)
            yield batch
            months, max_segments = months[len(batch) :], _MAX_SEGMENTS

    def _next_batch(self, months: Months, max_segments: int) -> Months:
        target, end = self._read + self._next_papers, 0
        for count, segment in enumerate(self._segments.locate(months), 1):
            end += len(segment.months)
            self._read += segment.estimated_papers
            if self._read >= target or count == max_segments:
                break
        return months[:end]

    @property
    def _next_papers(self) -> float:
        """The number of papers to read next; doubled if the papers found did not match."""
        limit = _GROWTH_FACTOR * self._read or self._first_papers
        if not self._found:
            return limit
        missing = max(self._wanted - self._found, self._found)
        return min(self._read * missing / self._found * _SAFETY_MARGIN, limit)

    def add_found(self, count: int) -> None:
        """Count the candidates found in the last batch."""
        self._found += count
        self._is_rare = self._found < self._read * _MAX_RARE_SHARE

    def take_back(self, count: int) -> None:
        """Subtract candidates that will be counted once more, with those of the next batch."""
        self._found -= count

    @property
    def is_rare(self) -> bool:
        """Whether hardly any paper read so far was a candidate; False before the first batch."""
        return self._is_rare


class QueryExecution:
    """One request for `limit` papers, newest first if `descending`.

    Its creation opens a session: one round trip that reads where the query's terms occur, unless
    that is cached, and the newest postings if the cache says which to read.
    """

    def __init__(
        self, request: SearchRequest, limit: int, reader: IndexReader, *, descending: bool
    ) -> None:
        self.request, self.limit, self.progress = request, limit, VerificationProgress()
        self._cache_key = (request, limit, descending)
        is_id = request.before and not request.is_by_event
        self.cursor = ArxivId.parse(request.before) if is_id else None
        self._descending = descending
        self._plan_ahead: QueryPlan | None = None
        """The plan of the postings that were read with the query's terms."""
        self.cached_hits: Hits | None = None
        """The result, if the same request was executed before at this revision."""
        self.plan: QueryPlan
        """The query's plan, replaced as more is known."""
        self._pacer: SegmentPacer
        self._months_ahead: Months = ()
        """The months whose newest postings were read with the query's terms."""
        self.session = reader.open_session(self._initial_requests)
        if self.cached_hits is None:
            self._complete_plan(self.session.cache)

    @property
    def target_candidates(self) -> int:
        """How many candidates to find at first: a few to spare if some may not match."""
        return self.limit if self.plan.is_exact else self.limit + self.limit // _SPARE_DIVISOR

    def _new_pacer(self, cache: IndexCache) -> SegmentPacer:
        selectivity = estimate_selectivity(self._tree)
        return SegmentPacer(self.target_candidates, selectivity, cache.segments)

    def cache_hits(self, hits: Hits) -> Hits:
        """Cache the request's result and return it."""
        self.session.cache.add_hits(self._cache_key, hits)
        return hits

    def _initial_requests(self, cache: IndexCache) -> list[ReadRequest]:
        """Return the requests for the query's terms, and for the newest postings if possible.

        A common word needs no more than these. Called again if the cache turns out to be stale.
        """
        self.cached_hits = cache.hits.get(self._cache_key)
        if self.cached_hits is not None:
            return []
        self._tree, self._plan_ahead = self.request.tree, None
        self.plan = QueryPlan.of(self._tree)  # spellings may occur at another revision
        self._pacer, self._months_ahead = self._new_pacer(cache), ()
        requests = [*cache.month_requests(), *cache.term_requests(self.plan)]
        if self.request.order == "announced" and cache.months and self._complete_plan(cache):
            self._months_ahead = self._possible_months(cache, until_cursor=True)
            self._batches = self._pacer.batches(self._months_ahead)
            self._first_batch = next(self._batches, ())
            self._plan_ahead = plan = self.plan.to_prefetch(cache.term_months)
            lookups = cache.segment_lookups(plan.required_postings(self._first_batch))
            requests += cache.posting_requests(lookups)
        return requests

    def _complete_plan(self, cache: IndexCache) -> bool:
        """Put the words of prefixes into the plan, and drop the spellings that nobody uses.

        Returns False if prefixes have not been read, or too many spellings are unknown.
        """
        self.plan = self.plan.without_absent_spellings(cache.term_months)
        expansions = cache.prefix_expansions(self.plan)
        if expansions is not None:
            self.plan = self.plan.with_expansions(expansions)
        is_small = len(self.plan.leaves) <= _MAX_LEAVES_AT_ONCE
        return expansions is not None and (is_small or cache.knows_terms(self.plan))

    def candidate_months(self) -> Months:
        """Return the months that may hold a match, newest first; descending from the cursor's."""
        return self._possible_months(self.session.cache, until_cursor=self._descending)

    def _possible_months(self, cache: IndexCache, *, until_cursor: bool) -> Months:
        months = cache.candidate_months(self.plan)
        if self.cursor and until_cursor:
            newest = self.cursor.month
            months = tuple(month for month in months if month <= newest)
        return prune_months(self.plan.root, self.plan.leaves, months)

    def month_batches(self, months: Months) -> Iterator[Months]:
        """Cut months into batches to read together."""
        if not months or months != self._months_ahead:
            self._pacer = self._new_pacer(self.session.cache)
            self._batches = self._pacer.batches(months)
            self._first_batch = next(self._batches, ())
        first, batches = self._first_batch, self._batches
        found = self._count_ahead(first)
        if found is not None and found < self.target_candidates:
            self._pacer.add_found(found)
            first = (*first, *next(batches, ()))
            self._pacer.take_back(found)
        return chain((first,) if first else (), batches)

    def _count_ahead(self, months: Months) -> int | None:
        """Return how many candidates were read with the query's terms, if not all were.

        Joined spellings of longer phrases turn out to occur: they are read with the next months,
        unless there are enough candidates without them.
        """
        ahead, session = self._plan_ahead, self.session
        if not ahead or ahead is self.plan or ahead.expansions is None:
            return None
        if session.has_postings(self.plan, months) or not session.has_postings(ahead, months):
            return None
        return len(ahead.evaluate(session.read_postings(ahead.required_postings(months))).possible)

    def read_candidates(self, months: Months) -> Candidates:
        """Read the candidates of some months, in one round trip or none.

        There may be one more, to probe ambiguous phrases.
        """
        plan = self.plan.for_next_batch(is_rare=self._pacer.is_rare)
        plan, read = self.session.read_refined(plan, months)
        self.plan = plan
        candidates = plan.evaluate(read)
        self._pacer.add_found(len(candidates.possible))
        return candidates

    def hidden_docs(self, doc_ids: Sequence[int]) -> set[int]:
        """Return those of some matches that the block list takes out, in one round trip at most.

        A paper of which a part is hidden, such as a pick, must match without it.
        """
        blocks = self.session.cache.known_blocks
        if not blocks:
            return set()
        hidden = {doc_id for doc_id in doc_ids if doc_id in blocks.doc_ids}
        if blocks.is_by_id:
            return hidden
        papers = unpack_papers(self.session.read_stored(doc_ids).values()).values()
        shown = ((paper, blocks.visible_part(paper)) for paper in papers)
        return hidden | {
            paper.id.doc_id
            for paper, part in shown
            if part is None or (part is not paper and not self._is_match(part))
        }

    def _is_match(self, part: Paper) -> bool:
        request = self.request
        if request.listed and not (part.picks and (part.votes or 0) >= request.min_votes):
            return False
        return matches_node(self._tree, FoldedPaper(part))

    def verify_docs(self, doc_ids: BitMap) -> BitMap:
        """Return the candidates whose texts match, in one round trip; none if all are cached."""
        return self.session.verify_docs(self._residual, doc_ids)

    @cached_property
    def _residual(self) -> Node:
        return residual_query(self.plan.root)
