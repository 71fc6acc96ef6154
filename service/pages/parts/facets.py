"""What a question can be narrowed to: categories and authors of its newest papers, and filters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final

from papers.errors import BadQuery
from papers.model.paper import Paper
from papers.query.parser import parse_query
from service.context import FeedResult
from service.markup.clean import category_name, single_line, source_name
from service.urls.keyword_urls import SEARCH_SLUG, SearchUrls

MAX_FACET_VALUES: Final = 8
MIN_FACET_PAPERS: Final = 2
"""An author of one paper is no direction to go in."""


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a facet: its name, what it means, how many papers have it, where it leads."""

    name: str
    description: str
    paper_count: int
    path: str


@dataclass(frozen=True, slots=True)
class Facet:
    """A side of papers that a question can be narrowed by."""

    name: str
    values: list[FacetValue]


@dataclass(frozen=True, slots=True)
class FilterControl:
    """A parameter as a control: `choices` are (value, words); without any it is a day."""

    name: str
    label: str
    selected: str
    choices: tuple[tuple[str, str], ...] = ()


def build_facets(found: FeedResult, papers: Iterable[Paper]) -> list[Facet]:
    """The facets of what was found that some papers, but not all, share."""
    papers = list(papers)
    categories = Counter(name for paper in papers for name in paper.categories)
    authors = Counter(name for paper in papers for name in {*map(single_line, paper.authors)})
    told = [
        Facet("Categories", _facet_values(found, categories, "cat:{}", len(papers))),
        Facet("Authors", _facet_values(found, authors, 'au:"{}"', len(papers))),
    ]
    return [facet for facet in told if facet.values]


def _facet_values(
    found: FeedResult, counted: Counter[str], term: str, total: int
) -> list[FacetValue]:
    shared = [item for item in counted.items() if MIN_FACET_PAPERS <= item[1] < total]
    values: list[FacetValue] = []
    for name, papers in sorted(shared, key=lambda item: (-item[1], item[0])):
        path = narrowed_path(found, term.format(name.replace('"', " ")))
        if path:
            values.append(FacetValue(name, category_name(name), papers, path))
        if len(values) == MAX_FACET_VALUES:
            break
    return values


def narrowed_path(found: FeedResult, term: str) -> str:
    """The page of a question with one more term; "" where that is no keyword any more."""
    try:
        query = parse_query(f"({found.query.canonical}) {term}")
    except BadQuery:  # too long now, or a category that the language does not know
        return ""
    asked = replace(found.address.params.at_cursor(""), query=query, keywords=())
    return SearchUrls(found.address.base_url, SEARCH_SLUG, asked).path("page")


def build_filter_controls(address: SearchUrls, sources: Collection[str]) -> list[FilterControl]:
    """The parameters beside the keyword as controls, each at what it is."""
    spelled = address.params.option_strings
    named = tuple((source, source_name(source)) for source in sources)
    votes = tuple((str(n), f"at least {n}") for n in (1, 5, 10, 25, 50, 100))
    return [
        FilterControl("when", "Order", spelled.get("when", ""), _ORDER_CHOICES),
        FilterControl("types", "Announced as", spelled.get("types", ""), _TYPE_CHOICES),
        FilterControl("source", "Named by", spelled.get("source", ""), (("", "anyone"), *named)),
        FilterControl(
            "min_votes", "Votes", spelled.get("min_votes", ""), (("", "any number"), *votes)
        ),
        FilterControl("since", "Since", spelled.get("since", "")),
        FilterControl("until", "Until", spelled.get("until", "")),
    ]


def hidden_form_fields(address: SearchUrls) -> list[tuple[str, str]]:
    """What of a question no control changes, as names and values of a form."""
    asked = address.params
    kept = [("k", slug) for slug in asked.keywords]
    if asked.query:
        kept.append(("q", asked.query.canonical))
    if "n" in asked.option_strings:
        kept.append(("n", asked.option_strings["n"]))
    return kept


_ORDER_CHOICES: Final = (("", "newest announcement"), ("picked", "newest pick, picked only"))
_TYPE_CHOICES: Final = (
    ("", "new or cross-listed"),
    ("new", "new only"),
    ("cross", "cross-listed only"),
    ("replace", "replaced only"),
    ("new,cross,replace", "anything"),
)
