"""Facets (categories and authors of a search's newest papers) and filter controls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final

from papers.errors import BadQuery
from papers.model.paper import Paper
from papers.query.ast import all_of
from papers.query.parser import Query, parse_query
from service.feed_result import FeedResult
from service.markup.clean import category_name, source_name
from service.markup.paper_text import author_names
from service.urls.keyword_urls import SEARCH_SLUG, SearchUrls

MAX_FACET_VALUES: Final = 8
MIN_FACET_PAPERS: Final = 2
"""The fewest papers of an author in the facet: one paper would narrow a search too far."""


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a facet; `path` is the page of the search narrowed to it."""

    name: str
    description: str
    paper_count: int
    path: str


@dataclass(frozen=True, slots=True)
class Facet:
    """A field by which a search can be narrowed, with its most frequent values."""

    name: str
    values: list[FacetValue]


@dataclass(frozen=True, slots=True)
class FilterControl:
    """A form control of a parameter: `choices` are (value, label); without any it is a date."""

    name: str
    label: str
    selected: str
    choices: tuple[tuple[str, str], ...] = ()


def build_facets(found: FeedResult, papers: Iterable[Paper]) -> list[Facet]:
    """Count the values that some of the papers, but not all, share."""
    papers = list(papers)
    categories = Counter(name for paper in papers for name in paper.categories)
    authors = Counter(name for paper in papers for name in {*author_names(paper)})
    facets = [
        Facet("Categories", _facet_values(found, categories, "cat:{}", len(papers))),
        Facet("Authors", _facet_values(found, authors, 'au:"{}"', len(papers))),
    ]
    return [facet for facet in facets if facet.values]


def _facet_values(
    found: FeedResult, counts: Counter[str], term: str, total: int
) -> list[FacetValue]:
    shared = [item for item in counts.items() if MIN_FACET_PAPERS <= item[1] < total]
    values: list[FacetValue] = []
    for name, count in sorted(shared, key=lambda item: (-item[1], item[0])):
        path = narrowed_path(found, term.format(name.replace('"', " ")))
        if path:
            values.append(FacetValue(name, category_name(name), count, path))
        if len(values) == MAX_FACET_VALUES:
            break
    return values


def narrowed_path(found: FeedResult, term: str) -> str:
    """Return the page of the search with one more term; "" if that is not a valid query."""
    try:
        query = _narrowed_query(found.query, term)
    except BadQuery:  # too long, or a category that the query language does not accept
        return ""
    params = replace(found.address.params.at_cursor(""), query=query, keywords=())
    return SearchUrls(found.address.base_url, SEARCH_SLUG, params).path("page")


def _narrowed_query(query: Query, term: str) -> Query:
    """Return a query with one more term, written as the query is if that means the same.

    Raises BadQuery.
    """
    wanted = all_of([query.tree, parse_query(term).tree])
    for text in (f"{query.display_text} {term}", f"({query.display_text}) {term}"):
        try:
            narrowed = parse_query(text)
        except BadQuery:
            continue
        if narrowed.tree == wanted:
            return narrowed
    return parse_query(f"({query.canonical}) {term}")


def build_filter_controls(address: SearchUrls, sources: Collection[str]) -> list[FilterControl]:
    """Build the controls of the filter parameters, each with its current value."""
    selected = address.params.option_strings
    named = tuple((source, source_name(source)) for source in sources)
    votes = tuple((str(n), f"at least {n}") for n in (1, 5, 10, 25, 50, 100))
    return [
        FilterControl("when", "Order", selected.get("when", ""), _ORDER_CHOICES),
        FilterControl("types", "Announced as", selected.get("types", ""), _TYPE_CHOICES),
        FilterControl("source", "Named by", selected.get("source", ""), (("", "anyone"), *named)),
        FilterControl(
            "min_votes", "Votes", selected.get("min_votes", ""), (("", "any number"), *votes)
        ),
        FilterControl("since", "Since", selected.get("since", "")),
        FilterControl("until", "Until", selected.get("until", "")),
    ]


def hidden_form_fields(address: SearchUrls) -> list[tuple[str, str]]:
    """Return (name, value) of the parameters that no filter control sets."""
    params = address.params
    fields = [("k", slug) for slug in params.keywords]
    if params.query:
        fields.append(("q", params.query.display_text))
    if "n" in params.option_strings:
        fields.append(("n", params.option_strings["n"]))
    return fields


_ORDER_CHOICES: Final = (
    ("", "newest announcement"),
    ("picked", "newest pick, picked only"),
    ("revised", "newest later version"),
    ("withdrawn", "newest withdrawal"),
    ("code", "newest code, with code only"),
)
_TYPE_CHOICES: Final = (
    ("", "new or cross-listed"),
    ("new", "new only"),
    ("cross", "cross-listed only"),
    ("replace", "replaced only"),
    ("new,cross,replace", "anything"),
)
