"""Highlighting: an entry with the words that matched the query in `<mark>` elements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from markupsafe import Markup, escape

from papers.model.paper import Pick
from papers.query.explain import Match, explain
from papers.query.match_rules import MatchRule
from papers.query.parser import Query
from service.feeds.entry import Entry, Link
from service.markup.clean import single_line, split_paragraphs
from service.markup.latex_html import (
    MarkedRange,
    tex_excerpt_html,
    tex_to_html,
    title_attribute,
)
from service.markup.paper_text import visible_author_count
from service.pages.parts.reading_links import reading_links

EXCERPT_CHARACTERS: Final = 240
CONTEXT_CHARACTERS: Final = 120
"""Characters of a sentence that an excerpt shows before the matching word."""
MAX_SHOWN_AUTHORS: Final = 3
_OTHER_FIELDS: Final = {"comment": "comments", "organization": "organisation"}
"""Fields that a list of papers shows only if they matched, and their labels."""

MAX_EXPLAINED: Final = 3
"""Differences between a keyword and a paper's words that are told in a list of papers."""
_PLAIN_RULES: Final = (MatchRule.WORD, MatchRule.PLURAL, MatchRule.HYPHEN, MatchRule.PREFIX)
"""Rules of which a tooltip is enough: everybody sees why such words are marked."""


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
    explanations: tuple[tuple[str, str], ...] = ()
    """What the paper writes otherwise than the keyword, and by which rule it matches."""

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
    texts: dict[str, str] = {
        "title": entry.title,
        "abstract": "\n\n".join(split_paragraphs(entry.paper.abstract)),
        "comment": entry.comment,
        "organization": single_line(entry.paper.organization),
    }
    changes: dict[str, Any] = {**texts, "authors": entry.authors}
    matches = explain(query, entry.paper._replace(**changes)) if query else []
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
        explanations=_explanations(matches, {**texts, "authors": ", ".join(entry.authors)}),
    )


def _match_ranges(matches: Iterable[Match], field: str) -> list[MarkedRange]:
    """Return the ranges of a field in order, each with the likeliest rule by which it matches."""
    order, best = list(MatchRule), dict[tuple[int, int], Match]()
    for match in (match for match in matches if match.field == field):
        known = best.get((match.start, match.end), match)
        best[match.start, match.end] = min(known, match, key=lambda m: order.index(m.rule))
    return [
        MarkedRange(
            *place,
            "" if match.rule is MatchRule.WORD else f"{match.term}: {match.rule.description}",
        )
        for place, match in sorted(best.items())
    ]


def _explanations(
    matches: Iterable[Match], texts: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Return what a paper writes otherwise than the keyword, once, and by which rule it matches."""
    found = dict[tuple[str, str], None]()
    for match in matches:
        if match.rule not in _PLAIN_RULES:
            written = " ".join(texts[match.field][match.start : match.end].split())
            found[written, f"{match.term}: {match.rule.description}"] = None
    return tuple(islice(found, MAX_EXPLAINED))


def _highlighted_excerpt(text: str, ranges: Sequence[MarkedRange], *, seek: bool) -> Markup:
    """Return the beginning of an abstract, or with `seek` the sentence of a match further on."""
    first = next((marked.start for marked in ranges), 0)
    start = _excerpt_start(text, first) if seek and first > EXCERPT_CHARACTERS else 0
    moved = _moved(ranges, start, len(text))
    flat = text[start:].replace("\n", " ")
    return Markup(("… " if start else "") + tex_excerpt_html(flat, EXCERPT_CHARACTERS, moved))


def _excerpt_start(text: str, position: int) -> int:
    """Return the start of the sentence around `position`, or of a word not far before it."""
    earliest = position - CONTEXT_CHARACTERS
    start = max(text.rfind(". ", earliest, position) + 2, text.rfind("\n", earliest, position) + 1)
    return start if start > earliest else text.find(" ", earliest) + 1


def _highlighted_abstract(text: str, ranges: Sequence[MarkedRange]) -> Markup:
    """Return the paragraphs of an abstract; `ranges` count from its beginning."""
    parts, offset = [], 0
    for paragraph in text.split("\n\n"):
        end = offset + len(paragraph)
        parts.append(f"<p>{tex_to_html(paragraph, _moved(ranges, offset, end))}</p>")
        offset = end + 2
    return Markup("".join(parts))


def _moved(ranges: Iterable[MarkedRange], start: int, end: int) -> list[MarkedRange]:
    """Return the ranges that begin in a part of a text, as positions in that part."""
    return [
        marked._replace(start=marked.start - start, end=marked.end - start)
        for marked in ranges
        if start <= marked.start < end
    ]


def _highlighted_authors(
    entry: Entry, ranges: Sequence[MarkedRange]
) -> tuple[tuple[tuple[str, Markup], ...], int]:
    """Return the first names and those that matched, and how many names are left out."""
    shown, offset = list[tuple[str, Markup]](), 0
    limit = visible_author_count(len(entry.authors), MAX_SHOWN_AUTHORS)
    for index, name in enumerate(entry.authors):
        inside = _moved(ranges, offset, offset + len(name))
        if inside:
            title = Markup(title_attribute(inside[0].title))  # escapes
            shown.append((name, Markup("<mark{}>{}</mark>").format(title, name)))
        elif index < limit:
            shown.append((name, escape(name)))
        offset += len(name) + 2  # explain joins names with a comma and a space
    return tuple(shown), len(entry.authors) - len(shown)
