"""A paper as a page shows it: the words that its keyword met marked, and where else it met."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

from papers.query.explain import Match, explain
from papers.query.parser import Query
from service.feeds.entry import Entry
from service.markup.clean import single_line, split_paragraphs
from service.markup.latex_html import tex_excerpt_html, tex_to_html

EXCERPT_CHARACTERS: Final = 240
CONTEXT_CHARACTERS: Final = 120
"""How much of a sentence an excerpt shows before the word that it is shown for."""
MAX_SHOWN_AUTHORS: Final = 6
_OTHER_FIELDS: Final = {"comment": "comments", "organization": "organisation"}
"""Fields that a page need not show otherwise, and how it names them."""

HighlightRanges = list[tuple[int, int]]
"""Stretches of a text, in order."""


@dataclass(frozen=True, slots=True)
class HighlightedEntry:
    """An entry with its matches marked.

    `abstract` is empty where the excerpt is all of it. `others` counts the authors not shown;
    `elsewhere` holds fields (as people call them) that matched and are not shown otherwise.
    """

    entry: Entry
    title: Markup
    authors: Markup
    hidden_author_count: int
    excerpt: Markup
    abstract: Markup
    other_matches: tuple[tuple[str, Markup], ...]


def highlight_entry(entry: Entry, query: Query | None) -> HighlightedEntry:
    """An entry as a page shows it to whoever asked for `query`."""
    texts: dict[str, Any] = {
        "title": entry.title,
        "abstract": "\n\n".join(split_paragraphs(entry.paper.abstract)),
        "comment": entry.comment,
        "organization": single_line(entry.paper.organization),
    }
    found = explain(query, entry.paper._replace(authors=entry.authors, **texts)) if query else []
    places = {field: _match_ranges(found, field) for field in (*texts, "authors")}
    authors, others = _highlighted_authors(entry, places["authors"])
    whole = texts["abstract"]
    beginning = _highlighted_excerpt(whole, places["abstract"], bare=not places["title"])
    return HighlightedEntry(
        entry=entry,
        title=Markup(tex_to_html(entry.title, places["title"])),  # escaped there, as all below
        authors=authors,
        hidden_author_count=others,
        excerpt=beginning,
        abstract=_highlighted_abstract(whole, places["abstract"])
        if len(whole) > EXCERPT_CHARACTERS
        else Markup(),
        other_matches=tuple(
            (name, Markup(tex_to_html(texts[field], places[field])))
            for field, name in _OTHER_FIELDS.items()
            if places[field]
        ),
    )


def _match_ranges(found: Iterable[Match], field: str) -> HighlightRanges:
    return sorted({(match.start, match.end) for match in found if match.field == field})


def _highlighted_excerpt(text: str, places: HighlightRanges, *, bare: bool) -> Markup:
    """The beginning of an abstract, or the marked sentence if else nothing would be (`bare`)."""
    first = next((start for start, _ in places), 0)
    start = _excerpt_start(text, first) if bare and first > EXCERPT_CHARACTERS else 0
    moved = [(a - start, b - start) for a, b in places if a >= start]
    flat = text[start:].replace("\n", " ")
    return Markup(("… " if start else "") + tex_excerpt_html(flat, EXCERPT_CHARACTERS, moved))


def _excerpt_start(text: str, at: int) -> int:
    """Where the sentence of a place begins, or if that is far off, a word not far before it."""
    far = at - CONTEXT_CHARACTERS
    start = max(text.rfind(". ", far, at) + 2, text.rfind("\n", far, at) + 1)
    return start if start > far else text.find(" ", far) + 1


def _highlighted_abstract(text: str, places: HighlightRanges) -> Markup:
    """The paragraphs of an abstract."""
    parts, at = [], 0
    for paragraph in text.split("\n\n"):
        inside = [(a - at, b - at) for a, b in places if at <= a < at + len(paragraph)]
        parts.append(f"<p>{tex_to_html(paragraph, inside)}</p>")
        at += len(paragraph) + 2
    return Markup("".join(parts))


def _highlighted_authors(entry: Entry, places: HighlightRanges) -> tuple[Markup, int]:
    """The first names and those that matched, and how many are left out; never one alone."""
    names: list[tuple[str, bool]] = []
    at = 0
    for name in entry.authors:
        names.append((name, any(at <= start < at + len(name) for start, _ in places)))
        at += len(name) + 2
    few = len(names) <= MAX_SHOWN_AUTHORS + 1
    told = [
        (n, hit) for place, (n, hit) in enumerate(names) if few or place < MAX_SHOWN_AUTHORS or hit
    ]
    spelled = (Markup("<mark>{}</mark>").format(n) if hit else escape(n) for n, hit in told)
    return Markup(", ").join(spelled), len(names) - len(told)
