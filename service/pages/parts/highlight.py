"""A paper as a page shows it: the words that its keyword met marked, and where else it met."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

from papers.query.explain import Match, explain
from papers.query.parser import Query
from service.feeds.entry import Entry
from service.markup.clean import line, paragraphs
from service.markup.latex_html import excerpt, marked

EXCERPT_CHARACTERS: Final = 240
LEAD_CHARACTERS: Final = 120
"""How much of a sentence an excerpt shows before the word that it is shown for."""
MOST_AUTHORS: Final = 6
_ELSEWHERE: Final = {"comment": "comments", "organization": "organisation"}
"""Fields that a page need not show otherwise, and how it names them."""

Places = list[tuple[int, int]]
"""Stretches of a text, in order."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry with its matches marked.

    `abstract` is empty where the excerpt is all of it. `others` counts the authors not shown;
    `elsewhere` holds fields (as people call them) that matched and are not shown otherwise.
    """

    entry: Entry
    title: Markup
    authors: Markup
    others: int
    excerpt: Markup
    abstract: Markup
    elsewhere: tuple[tuple[str, Markup], ...]


def shown(entry: Entry, query: Query | None) -> Shown:
    """An entry as a page shows it to whoever asked for `query`."""
    texts: dict[str, Any] = {
        "title": entry.title,
        "abstract": "\n\n".join(paragraphs(entry.paper.abstract)),
        "comment": entry.comment,
        "organization": line(entry.paper.organization),
    }
    found = explain(query, entry.paper._replace(authors=entry.authors, **texts)) if query else []
    places = {field: _places(found, field) for field in (*texts, "authors")}
    authors, others = _authors(entry, places["authors"])
    whole = texts["abstract"]
    beginning = _excerpt(whole, places["abstract"], bare=not places["title"])
    return Shown(
        entry=entry,
        title=Markup(marked(entry.title, places["title"])),  # escaped there, as all below
        authors=authors,
        others=others,
        excerpt=beginning,
        abstract=_abstract(whole, places["abstract"])
        if len(whole) > EXCERPT_CHARACTERS
        else Markup(),
        elsewhere=tuple(
            (name, Markup(marked(texts[field], places[field])))
            for field, name in _ELSEWHERE.items()
            if places[field]
        ),
    )


def _places(found: Iterable[Match], field: str) -> Places:
    return sorted({(match.start, match.end) for match in found if match.field == field})


def _excerpt(text: str, places: Places, *, bare: bool) -> Markup:
    """The beginning of an abstract, or the marked sentence if else nothing would be (`bare`)."""
    first = next((start for start, _ in places), 0)
    start = _sentence(text, first) if bare and first > EXCERPT_CHARACTERS else 0
    moved = [(a - start, b - start) for a, b in places if a >= start]
    flat = text[start:].replace("\n", " ")
    return Markup(("… " if start else "") + excerpt(flat, EXCERPT_CHARACTERS, moved))


def _sentence(text: str, at: int) -> int:
    """Where the sentence of a place begins, or if that is far off, a word not far before it."""
    far = at - LEAD_CHARACTERS
    start = max(text.rfind(". ", far, at) + 2, text.rfind("\n", far, at) + 1)
    return start if start > far else text.find(" ", far) + 1


def _abstract(text: str, places: Places) -> Markup:
    """The paragraphs of an abstract."""
    parts, at = [], 0
    for paragraph in text.split("\n\n"):
        inside = [(a - at, b - at) for a, b in places if at <= a < at + len(paragraph)]
        parts.append(f"<p>{marked(paragraph, inside)}</p>")
        at += len(paragraph) + 2
    return Markup("".join(parts))


def _authors(entry: Entry, places: Places) -> tuple[Markup, int]:
    """The first names and those that matched, and how many are left out; never one alone."""
    names: list[tuple[str, bool]] = []
    at = 0
    for name in entry.authors:
        names.append((name, any(at <= start < at + len(name) for start, _ in places)))
        at += len(name) + 2
    few = len(names) <= MOST_AUTHORS + 1
    told = [(n, hit) for place, (n, hit) in enumerate(names) if few or place < MOST_AUTHORS or hit]
    spelled = (Markup("<mark>{}</mark>").format(n) if hit else escape(n) for n, hit in told)
    return Markup(", ").join(spelled), len(names) - len(told)
