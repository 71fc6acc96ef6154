"""Reading the other way: the ids before a page, oldest first. How one goes back a page.

The walk is that of `papers.walk` turned round: months upwards from the cursor's, picks upwards from
the cursor's place. The cursor itself is the first candidate, since it is the last paper of the page
before.
"""

from __future__ import annotations

from collections.abc import Iterator

from papers.arxiv_id import ArxivId
from papers.evaluate import Plan
from papers.months import NO_MONTH, growing, months_of
from papers.search import Ask
from papers.walk import Candidate, Walk, candidates, pick_scores

_PICKS_AT_ONCE = 256


class Upwards(Walk):
    """Answers a question that has a cursor, from there on, oldest first."""

    def _by_announcement(self, ask: Ask, plan: Plan, block_size: int) -> Iterator[list[Candidate]]:
        """Candidates oldest first, in lists of one month each or less."""
        at = ArxivId.parse(ask.before)
        months = months_of(self._redis, plan.tree, NO_MONTH)
        newest_first = [month for month in months if month >= at.month]
        for chunk in growing(reversed(newest_first)):
            for month, (sure, maybe) in zip(chunk, self._evaluated(plan, chunk), strict=True):
                if month == at.month:
                    maybe.remove_range(0, at.number)
                while maybe:
                    oldest = maybe[:block_size]
                    yield candidates(month, oldest, sure)[::-1]
                    maybe = maybe - oldest

    def _by_pick(self, ask: Ask, plan: Plan) -> Iterator[list[Candidate]]:
        """Candidates in the order of their first pick, oldest first."""
        first, last = pick_scores(ask.since, ask.until)
        end = self._place_of(ask.before, last)
        while end > 0:
            start = max(end - _PICKS_AT_ONCE, 0)
            ids = self._picked(first, last, start, end - start)[::-1]
            end = start
            yield self._matching(plan, ids)
