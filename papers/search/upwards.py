"""Reading the other way: the ids before a page, oldest first. How one goes back a page.

The walk is that of `papers.search.collector` turned round: months upwards from the cursor's, picks
upwards from the cursor's rank. The cursor itself is the first candidate, since it is the last paper
of the page before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pyroaring import BitMap

from papers.search.collector import Block, Walk, matching, pick_scores
from papers.search.execution import Question

_PICKS_AT_ONCE: Final = 256


class Upwards(Walk):
    """Answers a question that has a cursor, from there on, oldest first."""

    def _by_announcement(self, question: Question) -> Iterator[Block]:
        """Candidates oldest first, in lists of as many as should do, or less."""
        before = question.before
        assert before is not None, "who goes back has a cursor"
        months = tuple(month for month in question.months() if month >= before.month)
        for chunk in question.chunks(months[::-1]):
            candidates = question.candidates(chunk)
            maybe, unsure = candidates.maybe, candidates.unsure
            if before.month in chunk:
                maybe = maybe - BitMap(range(before.place & ~0xFFFF, before.place))
            while maybe:
                oldest = maybe[: question.wanted]
                yield Block(oldest.to_array(), unsure)
                maybe = maybe - oldest

    def _by_pick(self, question: Question) -> Iterator[Block]:
        """Candidates in the order of their first pick, oldest first."""
        first, last = pick_scores(question.ask.since, question.ask.until)
        end = self._rank_of(question.ask.before, last)
        while end > 0:
            start = max(end - _PICKS_AT_ONCE, 0)
            ids = self._picked(first, last, start, end - start)[::-1]
            end = start
            yield matching(question, ids)
