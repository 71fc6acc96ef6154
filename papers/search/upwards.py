"""Reading the other way: the ids before a page, oldest first. How one goes back a page.

The walk is that of `papers.search.collector` turned round: months upwards from the cursor's, picks
upwards from the cursor's rank. The cursor itself is the first candidate, since it is the last paper
of the page before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pyroaring import BitMap

from papers.search.collector import CandidateBlock, Collector, candidates_among, pick_score_range
from papers.search.execution import QueryExecution

_PICKS_PER_READ: Final = 256


class AscendingCollector(Collector):
    """Answers a question that has a cursor, from there on, oldest first."""

    def _by_announcement(self, execution: QueryExecution) -> Iterator[CandidateBlock]:
        """Candidates oldest first, in lists of as many as should do, or less."""
        before = execution.cursor
        assert before is not None, "who goes back has a cursor"
        months = tuple(month for month in execution.candidate_months() if month >= before.month)
        for chunk in execution.month_batches(months[::-1]):
            candidates = execution.read_candidates(chunk)
            maybe, unsure = candidates.possible, candidates.unverified
            if before.month in chunk:
                maybe = maybe - BitMap(range(before.doc_id & ~0xFFFF, before.doc_id))
            while maybe:
                oldest = maybe[: execution.target_candidates]
                yield CandidateBlock(oldest.to_array(), unsure)
                maybe = maybe - oldest

    def _by_pick(self, execution: QueryExecution) -> Iterator[CandidateBlock]:
        """Candidates in the order of their first pick, oldest first."""
        first, last = pick_score_range(execution.ask.since, execution.ask.until)
        end = self._cursor_rank(execution.ask.before, last)
        while end > 0:
            start = max(end - _PICKS_PER_READ, 0)
            ids = self._read_picks(first, last, start, end - start)[::-1]
            end = start
            yield candidates_among(execution, ids)
