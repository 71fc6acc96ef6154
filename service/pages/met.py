"""Which saved keywords a paper meets."""

from __future__ import annotations

from collections.abc import Iterable

from papers.keywords import Keyword
from papers.matching import Folded, holds
from papers.paper import Paper
from papers.query import parse


def met_by(paper: Paper, keywords: Iterable[Keyword]) -> tuple[Keyword, ...]:
    """The keywords that a paper meets, in their order."""
    folded = Folded(paper)
    return tuple(keyword for keyword in keywords if holds(parse(keyword.query).tree, folded))
