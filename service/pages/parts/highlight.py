"""Highlighting: an entry with the words that matched the query in `<mark>` elements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

from papers.model.paper import Pick
from papers.query.explain import Match, explain
from papers.query.parser import Query
from service.feeds.entry import Entry, Link
from service.markup.clean import single_line, split_paragraphs
from service.markup.latex_html import tex_excerpt_html, tex_to_html
from service.markup.paper_text import visible_author_count
from service.pages.parts.reading_links import reading_links

EXCERPT_CHARACTERS: Final = 240
CONTEXT_CHARACTERS: Final = 120
"""Characters of a sentence that an excerpt shows before the matching word."""
MAX_SHOWN_AUTHORS: Final = 3
_OTHER_FIELDS: Final = {"comment": "comments", "organization": "organisation"}
"""Fields that a list of papers shows only if they matched, and their labels."""

HighlightRanges = list[tuple[int, int]]
"""(start, end) character ranges of a text, sorted."""


@dataclass(frozen=True, slots=True)
class HighlightedEntry:
    """An entry with its matches marked.

    `authors` are (name, name with its match). `abstract` is empty if the excerpt is all of it.
    `other_matches` are (label, text) of the fields that matched and that a list does not show
    otherwise.
    """

    entry: Entry
    title: Markup
    authors: tuple[tuple[str, Markup], ...]
    hidden_author_count: int
    excerpt: Markup
    abstract: Markup
    other_matches: tuple[tuple[str, Markup], ...]

    @property
    def links(self) -> tuple[Link, ...]:
        """Where the paper can be read."""
        return reading_links(self.entry)

    @property
    def votes_pick(self) -> Pick | None:
        """The pick with the most votes; None if no community counts them."""
        counted = [pick for pick in self.entry.paper.picks if pick.votes is not None]
        return max(counted, key=lambda pick: pick.votes or 0, default=None)


def highlight_entry(entry: Entry, query: Query | None) -> HighlightedEntry:
    """Mark the words of an entry that matched `query`."""
    texts: dict[str, Any] = {
        "title": entry.title,
        "abstract": "\n\n".join(split_paragraphs(entry.paper.abstract)),
        "comment": entry.comment,
        "organization": single_line(entry.paper.organization),
    }
    matches = explain(query, entry.paper._replace(authors=entry.authors, **texts)) if query else []
    ranges = {field: _match_ranges(matches, field) for field in (*texts, "authors")}
    authors, hidden_author_count = _highlighted_authors(entry, ranges["authors"])
    abstract = texts["abstract"]
    excerpt = _highlighted_excerpt(abstract, ranges["abstract"], seek=not ranges["title"])
    return HighlightedEntry(
        entry=entry,
        title=Markup(tex_to_html(entry.title, ranges["title"])),  # tex_to_html escapes
        authors=authors,
        hidden_author_count=hidden_author_count,
        excerpt=excerpt,
        abstract=_highlighted_abstract(abstract, ranges["abstract"])
        if len(abstract) > EXCERPT_CHARACTERS
        else Markup(),
        other_matches=tuple(
            (label, Markup(tex_to_html(texts[field], ranges[field])))
            for field, label in _OTHER_FIELDS.items()
            if ranges[field]
        ),
    )


def _match_ranges(matches: Iterable[Match], field: str) -> HighlightRanges:
    return sorted({(match.start, match.end) for match in matches if match.field == field})


def _highlighted_excerpt(text: str, ranges: HighlightRanges, *, seek: bool) -> Markup:
    """Return the beginning of an abstract, or with `seek` the sentence of a match further on."""
    first = next((start for start, _ in ranges), 0)
    start = _excerpt_start(text, first) if seek and first > EXCERPT_CHARACTERS else 0
    moved = [(a - start, b - start) for a, b in ranges if a >= start]
    flat = text[start:].replace("\n", " ")
    return Markup(("… " if start else "") + tex_excerpt_html(flat, EXCERPT_CHARACTERS, moved))


def _excerpt_start(text: str, position: int) -> int:
    """Return the start of the sentence around `position`, or of a word not far before it."""
    earliest = position - CONTEXT_CHARACTERS
    start = max(text.rfind(". ", earliest, position) + 2, text.rfind("\n", earliest, position) + 1)
    return start if start > earliest else text.find(" ", earliest) + 1


def _highlighted_abstract(text: str, ranges: HighlightRanges) -> Markup:
    """Return the paragraphs of an abstract; `ranges` count from its beginning."""
    parts, offset = [], 0
    for paragraph in text.split("\n\n"):
        end = offset + len(paragraph)
        inside = [(a - offset, b - offset) for a, b in ranges if offset <= a < end]
        parts.append(f"<p>{tex_to_html(paragraph, inside)}</p>")
        offset = end + 2
    return Markup("".join(parts))


def _highlighted_authors(
    entry: Entry, ranges: HighlightRanges
) -> tuple[tuple[tuple[str, Markup], ...], int]:
    """Return the first names and those that matched, and how many names are left out."""
    shown, offset = list[tuple[str, Markup]](), 0
    limit = visible_author_count(len(entry.authors), MAX_SHOWN_AUTHORS)
    for index, name in enumerate(entry.authors):
        matched = any(offset <= start < offset + len(name) for start, _ in ranges)
        if matched:
            shown.append((name, Markup("<mark>{}</mark>").format(name)))
        elif index < limit:
            shown.append((name, escape(name)))
        offset += len(name) + 2  # explain joins names with a comma and a space
    return tuple(shown), len(entry.authors) - len(shown)
