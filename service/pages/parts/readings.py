"""How a keyword was read: its notes, with links to the other readings and their counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from papers.query.notes import Note
from papers.query.parser import parse_query
from service.context import AppContext
from service.urls.keyword_urls import SEARCH_SLUG, SearchUrls
from service.urls.params import SearchParams

MAX_SHOWN_NOTES: Final = 3
"""Each costs a count of papers."""


@dataclass(frozen=True, slots=True)
class NoteLink:
    """A note on a page; `path` leads to the other reading, with which `paper_count` papers match.

    Without another reading both are empty; the count covers a year, and is None in an empty store.
    """

    text: str
    alternative: str = ""
    path: str = ""
    paper_count: int | None = None


def link_notes(ctx: AppContext, notes: Sequence[Note], params: SearchParams) -> list[NoteLink]:
    """Return the notes on a search with the given parameters. Raises StoreUnavailable."""
    return [_link_note(ctx, note, params) for note in notes[:MAX_SHOWN_NOTES]]


def _link_note(ctx: AppContext, note: Note, params: SearchParams) -> NoteLink:
    if not note.alternative_query:
        return NoteLink(note.text)
    query = parse_query(note.alternative_query)
    other = replace(params.at_cursor(""), query=query, keywords=())
    counts = ctx.counter.count(other.search_request(query).tree)
    path = SearchUrls(ctx.settings.base_url, SEARCH_SLUG, other).path("page")
    return NoteLink(note.text, query.display_text, path, counts.year if counts else None)
