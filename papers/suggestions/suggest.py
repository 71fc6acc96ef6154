"""Suggestions: terms that papers write for what a keyword says, and how many papers each adds.

    keyword ─▶ its words, phrases and runs ─▶ abbreviations (one round trip), spellings, open forms
      ─▶ an author of that name, if there is room ─▶ three candidates at most
      ─▶ one count each ─▶ those that add papers

Nothing is added to a keyword unless its reader does so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from papers.errors import BadQuery
from papers.query.ast import And, Field, Node, Text
from papers.query.parser import Query, parse_query
from papers.search.counts import MatchCounter, MatchCounts
from papers.suggestions.abbreviation_store import AbbreviationStore
from papers.suggestions.abbreviations import Alternative, term_key
from papers.suggestions.spellings import other_form, other_spellings
from papers.suggestions.term_spans import TermSpan, term_spans

MAX_SUGGESTIONS: Final = 3
"""The most suggestions for a search: each costs a count of papers."""
SuggestionKind = Literal["abbreviation", "spelling", "form", "author"]

_NAME: Final = re.compile(r"(?:by )?((?:[^\W\d_][^\W\d_.'’-]*[.,'’ -]{0,2}){1,6})")
"""What may be a person's name: a few words of letters."""
_MAX_NAME_LENGTH: Final = 60


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
            return found
    by_author = _by_author(query)
    return [*found, by_author] if by_author else found


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
        least = counted.year if candidate.kind == "author" else 0  # or else it is a subject
        if with_it and (added := with_it.year - counted.year) > least:
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


def _by_author(query: Query) -> SuggestionCandidate | None:
    """Return a keyword that is a name with the papers of its author added; None if it is none."""
    text, tree = query.display_text, query.tree
    parts = (*tree.required, *tree.excluded) if isinstance(tree, And) else (tree,)
    is_plain = all(isinstance(part, Text) and part.field is Field.ANY for part in parts)
    named = _NAME.fullmatch(text) if is_plain and len(text) <= _MAX_NAME_LENGTH else None
    if named is None or " -" in text:
        return None
    name = named[1].strip()
    try:
        added = parse_query(f'{text} OR au:"{name}"')
    except BadQuery:
        return None
    return SuggestionCandidate("author", name, added)


def _with_term(query: Query, span: TermSpan, term: str) -> Query | None:
    """Return a keyword with a term added; None if it has it already, or has no room for it."""
    try:
        added = parse_query(span.with_alternative(query.display_text, term))
    except BadQuery:
        return None
    return None if added == query else added
