"""How a keyword was read, and what it may miss: notes and suggestions, with links and counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from papers.query.ast import Node
from papers.query.notes import Note
from papers.query.parser import Query, parse_query
from papers.search.counts import MatchCounts
from papers.suggestions.suggestion_counts import Suggestion
from service.context import AppContext
from service.search_suggestions import suggestions_for
from service.urls.keyword_urls import SEARCH_SLUG, SearchUrls
from service.urls.params import SearchParams

MAX_SHOWN_NOTES: Final = 3
"""The most notes on a page: each costs a count of papers."""


@dataclass(frozen=True, slots=True)
class NoteLink:
    """A note on a page; `path` leads to the other reading, with which `paper_count` papers match.

    Without another reading both are empty; the count covers a year, and is None in an empty store.
    With `is_added` it is the number of papers that the other reading finds besides.
    """

    text: str
    alternative: str = ""
    path: str = ""
    paper_count: int | None = None
    is_added: bool = False


def link_notes(
    ctx: AppContext, query: Query, notes: Sequence[Note], params: SearchParams
) -> list[NoteLink]:
    """Return the notes on a search with the given parameters. Raises StoreUnavailable.

    A reading that only adds papers is left out where it adds none.
    """
    links = [_link_note(ctx, query, note, params) for note in notes[:MAX_SHOWN_NOTES]]
    return [link for link in links if link.paper_count or not link.is_added]


@dataclass(frozen=True, slots=True)
class SuggestionLink:
    """A suggestion on a page; `path` leads to the keyword that it means."""

    suggestion: Suggestion
    path: str

    @property
    def label(self) -> str:
        """What is said before the term."""
        return _LABELS.get(self.suggestion.kind, "Also written")

    @property
    def action(self) -> str:
        """The text of the link."""
        return "add" if self.suggestion.effect == "adds" else "show"


_LABELS: Final = {
    "author": "By the author",
    "correction": "Did you mean",
    "family": "Also look for",
    "phrase": "Only as a phrase",
}


def link_suggestions(
    ctx: AppContext, query: Query, params: SearchParams, counts: MatchCounts | None
) -> list[SuggestionLink]:
    """Return the suggestions for a search that found `counts`. Raises StoreUnavailable."""
    return [
        SuggestionLink(each, _search_path(ctx, each.query, params))
        for each in suggestions_for(ctx, query, params, counts)
    ]


def _search_path(ctx: AppContext, query: Query, params: SearchParams) -> str:
    urls = SearchUrls(ctx.settings.base_url, SEARCH_SLUG, _params_of(query, params))
    return urls.path("page")


def _tree_of(query: Query, params: SearchParams) -> Node:
    return _params_of(query, params).search_request(query).tree


def _link_note(ctx: AppContext, query: Query, note: Note, params: SearchParams) -> NoteLink:
    if not note.alternative_query:
        return NoteLink(note.text)
    other = parse_query(note.alternative_query)
    found = _count_in_year(ctx, other, params)
    is_added = note.kind == "initial"
    if is_added and found is not None:
        found = max(found - (_count_in_year(ctx, query, params) or 0), 0)
    path = _search_path(ctx, other, params)
    return NoteLink(note.text, other.display_text, path, found, is_added)


def _count_in_year(ctx: AppContext, query: Query, params: SearchParams) -> int | None:
    counts = ctx.counter.count(_tree_of(query, params))
    return counts.year if counts else None


def _params_of(query: Query, params: SearchParams) -> SearchParams:
    return replace(params.at_cursor(""), query=query, keywords=())
