"""What suggestions find: one count each, and only those are shown that find something."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from papers.query.ast import Node
from papers.query.parser import Query
from papers.search.counts import MatchCounter, MatchCounts
from papers.suggestions.term_spans import MAX_PHRASES

MAX_SUGGESTIONS: Final = 3
"""The most suggestions that add papers or replace words: each costs a count of papers."""
FEW_PAPERS: Final = 20
"""Papers in a year up to which all years are counted, if that of the suggestion has none."""
SuggestionKind = Literal[
    "correction", "abbreviation", "spelling", "form", "family", "author", "phrase"
]
SuggestionEffect = Literal["adds", "replaces", "narrows"]
Period = Literal["year", "all"]
_MIN_ADDED_SHARE: Final = 0.01
"""Share of the papers found that a suggestion must add: less is a slip of authors."""
_MIN_PAPERS: Final = 2
_MIN_OTHERS: Final = 2
_MIN_NARROWED: Final = _MIN_PAPERS + _MIN_OTHERS
"""Papers of a keyword of which phrases are looked for."""
_MAX_RARE_PHRASES: Final = 2
_MIN_SHARE: Final = 0.05
_MAX_SHARE: Final = 0.85


class SuggestionCandidate(NamedTuple):
    """Another term for a part of a keyword, and the keyword with it.

    It adds papers, replaces a word, or narrows the keyword to some of its papers.
    """

    kind: SuggestionKind
    term: str
    query: Query
    effect: SuggestionEffect = "adds"


class Suggestion(NamedTuple):
    """A candidate that finds papers: how many, and how many more than the keyword.

    They are those of a year, or of all years where the keyword has few and a year says nothing.
    """

    kind: SuggestionKind
    term: str
    query: Query
    effect: SuggestionEffect
    added_papers: int
    papers: int
    period: Period = "year"


def count_suggestions(
    query: Query,
    candidates: Sequence[SuggestionCandidate],
    counter: MatchCounter,
    tree_of: Callable[[Query], Node],
    counted: MatchCounts | None,
) -> list[Suggestion]:
    """Return the candidates that find papers beside those `counted` for a keyword, in their order.

    Of phrases only one is returned: that of all words, or else the one that finds most.
    `tree_of` adds the filters of the search. Raises StoreUnavailable.
    """
    if counted is None:
        return []
    tally, found = _Tally(counter, tree_of, query, counted.year), list[Suggestion]()
    for candidate in candidates:
        if candidate.effect != "narrows" and len(found) < MAX_SUGGESTIONS:
            found += tally.added(candidate)
    phrases = [each for each in candidates if each.effect == "narrows"]
    if phrases:
        phrases = phrases[: tally.affordable_phrases()]
    narrowed = [found for each in phrases[:1] for found in tally.narrowed(each)]
    narrowed = narrowed or [found for each in phrases[1:] for found in tally.narrowed(each)]
    return [*found, *sorted(narrowed, key=lambda each: -each.papers)[:1]]


class _Tally:
    """Counts the papers of candidates, and compares them with those of the keyword."""

    def __init__(
        self, counter: MatchCounter, tree_of: Callable[[Query], Node], query: Query, year: int
    ) -> None:
        self._counter, self._tree_of, self._query = counter, tree_of, query
        self._year, self._total = year, -1

    def affordable_phrases(self) -> int:
        """Return how many phrases are counted; none if too few papers match the keyword.

        A count of all years takes several times as long as that of one.
        """
        if self._year >= FEW_PAPERS:
            return MAX_PHRASES
        return _MAX_RARE_PHRASES if self._in_all(self._query)[0] >= _MIN_NARROWED else 0

    def added(self, candidate: SuggestionCandidate) -> Iterator[Suggestion]:
        """Yield a candidate with the papers that it adds, if it does."""
        before, papers = self._year, self._in_year(candidate.query)
        is_rare = before < FEW_PAPERS and (papers <= before or candidate.kind == "author")
        if is_rare:
            before, papers = self._in_all(candidate.query)
        least = before if candidate.kind == "author" else _MIN_ADDED_SHARE * before
        if papers - before > least:  # an author with fewer papers: the words are a subject
            period: Period = "all" if is_rare else "year"
            yield Suggestion(*candidate, papers - before, papers, period)

    def narrowed(self, candidate: SuggestionCandidate) -> Iterator[Suggestion]:
        """Yield a candidate that finds a fair part of the papers of the keyword, if it does."""
        is_rare = self._year < FEW_PAPERS
        found = self._in_all(candidate.query) if is_rare else None
        before, papers = found or (self._year, self._in_year(candidate.query))
        if is_narrower(papers, before):
            yield Suggestion(*candidate, 0, papers, "all" if is_rare else "year")

    def _in_year(self, query: Query) -> int:
        counts = self._counter.count(self._tree_of(query))
        return counts.year if counts else 0

    def _in_all(self, query: Query) -> tuple[int, int]:
        """Count the papers of all years: of the keyword, and of a candidate."""
        if self._total < 0:
            self._total = self._counter.count_all(self._tree_of(self._query)).papers
        if query is self._query:
            return self._total, self._total
        return self._total, self._counter.count_all(self._tree_of(query)).papers


def is_narrower(found: int, counted: int) -> bool:
    """Return whether a phrase that `found` papers have is worth showing beside `counted` papers."""
    least = max(_MIN_PAPERS, _MIN_SHARE * counted)
    return least <= found <= min(_MAX_SHARE * counted, counted - _MIN_OTHERS)
