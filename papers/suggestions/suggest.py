"""Suggestions: terms that papers write for what a keyword says, and how many papers each adds.

    keyword ─▶ its words, phrases and runs ─▶ abbreviations (one round trip), spellings, open forms
      ─▶ three candidates at most ─▶ one count each ─▶ those that add papers

Nothing is added to a keyword unless its reader does so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from papers.errors import BadQuery
from papers.query.ast import Node
from papers.query.parser import Query, parse_query
from papers.search.counts import MatchCounter, MatchCounts
from papers.suggestions.abbreviation_store import AbbreviationStore
from papers.suggestions.abbreviations import Alternative, term_key
from papers.suggestions.spellings import other_form, other_spellings
from papers.suggestions.term_spans import TermSpan, term_spans

MAX_SUGGESTIONS: Final = 3
"""The most suggestions for a search: each costs a count of papers."""
SuggestionKind = Literal["abbreviation", "spelling", "form"]


class SuggestionCandidate(NamedTuple):
    """Another term for a part of a keyword, and the keyword with it added."""

    kind: SuggestionKind
    term: str
    query: Query


class Suggestion(NamedTuple):
    """A candidate that adds papers: how many in a year."""

    kind: SuggestionKind
    term: str
    query: Query
    added_papers: int


def find_candidates(store: AbbreviationStore, query: Query) -> list[SuggestionCandidate]:
    """Return what may be added to a keyword, likeliest first. Raises StoreUnavailable."""
    text = query.display_text
    try:
        spans = term_spans(text)
    except BadQuery:
        return []
    keys = {span: term_key(span.written) for span in spans}
    known = store.get(list(dict.fromkeys(key for key in keys.values() if key)))
    found = list[SuggestionCandidate]()
    for kind, span, term in _ranked_terms(spans, {s: known.get(k, ()) for s, k in keys.items()}):
        added = _with_term(query, span, term) if term_key(term) != keys[span] else None
        if added and added not in [candidate.query for candidate in found]:
            found.append(SuggestionCandidate(kind, term, added))
        if len(found) == MAX_SUGGESTIONS:
            break
    return found


def count_suggestions(
    candidates: Sequence[SuggestionCandidate],
    counter: MatchCounter,
    tree_of: Callable[[Query], Node],
    counted: MatchCounts | None,
) -> list[Suggestion]:
    """Return the candidates that add papers to those `counted`, in their order.

    `tree_of` adds the filters of the search. Raises StoreUnavailable.
    """
    if counted is None:
        return []
    suggestions = list[Suggestion]()
    for candidate in candidates:
        with_it = counter.count(tree_of(candidate.query))
        if with_it and (added := with_it.year - counted.year) > 0:
            suggestions.append(Suggestion(*candidate, added))
    return suggestions


def _ranked_terms(
    spans: Sequence[TermSpan], alternatives: dict[TermSpan, tuple[Alternative, ...]]
) -> Iterator[tuple[SuggestionKind, TermSpan, str]]:
    """Yield other terms for spans: the first abbreviation of each, and then the others.

    A run that has an abbreviation hides the runs and words within it.
    """
    shown = list[TermSpan]()
    for span in spans:
        if alternatives[span] and not any(longer.contains(span) for longer in shown):
            shown.append(span)
    for span in shown:
        yield "abbreviation", span, alternatives[span][0].written
    for span in spans:
        if span.word_count == 1 and (term := other_spellings(span.written)):
            yield "spelling", span, term
    for span in spans:
        if term := other_form(span.written):
            yield "form", span, term
    for span in shown:
        for other in alternatives[span][1:]:
            yield "abbreviation", span, other.written


def _with_term(query: Query, span: TermSpan, term: str) -> Query | None:
    """Return a keyword with a term added; None if it has it already, or has no room for it."""
    try:
        added = parse_query(span.with_alternative(query.display_text, term))
    except BadQuery:
        return None
    return None if added == query else added
