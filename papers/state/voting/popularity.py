"""Ranking of picked papers by votes, normalized so that communities are comparable.

A hundred points at one place are not a hundred votes at another. So the votes of a community count
in units of what a pick of that community usually has, the mean of its counted picks among the
papers that are ranked. Where one community counts votes, the order is that of its numbers. With
several, the units are added, as attention at several places adds up.

A community with few counted picks has no reliable mean: `PRIOR_PICKS` imaginary picks with
`PRIOR_VOTES` each are added. They also limit the weight of a single outlier.

Trending divides the units by the age of the pick: (days + 2) to the power of 1.5.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from papers.model.paper import Paper, Pick

PRIOR_PICKS: Final = 2
PRIOR_VOTES: Final = 10
_AGE_EXPONENT: Final = 1.5

VoteUnits = Mapping[str, float]
"""Communities and how many of their votes are one unit."""


def vote_units(papers: Iterable[Paper]) -> VoteUnits:
    """Return how many votes are one unit in each community that counts some of the papers."""
    counts = defaultdict[str, list[int]](list)
    for paper in papers:
        for pick in paper.picks:
            if pick.votes is not None:
                counts[pick.community].append(pick.votes)
    return {
        community: (sum(votes) + PRIOR_PICKS * PRIOR_VOTES) / (len(votes) + PRIOR_PICKS)
        for community, votes in counts.items()
    }


def popularity(paper: Paper, units: VoteUnits) -> float:
    """Return a paper's votes in units of its communities; 0 if none counts votes."""
    counted = [pick for pick in paper.picks if pick.votes is not None]
    return math.fsum((pick.votes or 0) / units.get(pick.community, PRIOR_VOTES) for pick in counted)


def rank_by_votes(papers: Sequence[Paper], units: VoteUnits | None = None) -> list[Paper]:
    """Return papers by popularity, ties by id; in units of these papers unless others are given."""
    known = vote_units(papers) if units is None else units
    return sorted(papers, key=lambda paper: (-popularity(paper, known), paper.id))


def rank_trending(
    papers: Sequence[Paper], newest: date, units: VoteUnits | None = None
) -> list[Paper]:
    """Return picked papers by popularity for the age of their first pick on the day `newest`."""
    known = vote_units(papers) if units is None else units

    def score(paper: Paper) -> float:
        days = max((newest - first_pick(paper).picked_at.date()).days, 0)
        return popularity(paper, known) / math.pow(days + 2, _AGE_EXPONENT)

    return sorted(papers, key=lambda paper: (-score(paper), paper.id))


def first_pick(paper: Paper) -> Pick:
    """Return the earliest pick of a paper that has one."""
    return min(paper.picks, key=lambda pick: (pick.picked_at, pick.community))
