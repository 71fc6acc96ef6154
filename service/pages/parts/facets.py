"""What a question can be narrowed to: categories and authors of its newest papers, and filters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final

from papers.errors import BadQuery
from papers.model.paper import Paper
from papers.query.parser import parse
from service.context import Found
from service.markup.clean import category_name, line, source_name
from service.urls.keyword_urls import SEARCH, Address

MOST_VALUES: Final = 8
FEWEST_PAPERS: Final = 2
"""An author of one paper is no direction to go in."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a facet: its name, what it means, how many papers have it, where it leads."""

    name: str
    about: str
    papers: int
    path: str


@dataclass(frozen=True, slots=True)
class Facet:
    """A side of papers that a question can be narrowed by."""

    name: str
    values: list[Value]


@dataclass(frozen=True, slots=True)
class Filter:
    """A parameter as a control: `choices` are (value, words); without any it is a day."""

    name: str
    label: str
    chosen: str
    choices: tuple[tuple[str, str], ...] = ()


def facets(found: Found, papers: Iterable[Paper]) -> list[Facet]:
    """The facets of what was found that some papers, but not all, share."""
    papers = list(papers)
    categories = Counter(name for paper in papers for name in paper.categories)
    authors = Counter(name for paper in papers for name in {*map(line, paper.authors)})
    told = [
        Facet("Categories", _values(found, categories, "cat:{}", len(papers))),
        Facet("Authors", _values(found, authors, 'au:"{}"', len(papers))),
    ]
    return [facet for facet in told if facet.values]


def _values(found: Found, counted: Counter[str], term: str, total: int) -> list[Value]:
    shared = [item for item in counted.items() if FEWEST_PAPERS <= item[1] < total]
    values: list[Value] = []
    for name, papers in sorted(shared, key=lambda item: (-item[1], item[0])):
        path = narrowed(found, term.format(name.replace('"', " ")))
        if path:
            values.append(Value(name, category_name(name), papers, path))
        if len(values) == MOST_VALUES:
            break
    return values


def narrowed(found: Found, term: str) -> str:
    """The page of a question with one more term; "" where that is no keyword any more."""
    try:
        query = parse(f"({found.query.canonical}) {term}")
    except BadQuery:  # too long now, or a category that the language does not know
        return ""
    asked = replace(found.address.asked.after(""), query=query, keywords=())
    return Address(found.address.base_url, SEARCH, asked).path("page")


def filters(address: Address, sources: Collection[str]) -> list[Filter]:
    """The parameters beside the keyword as controls, each at what it is."""
    spelled = address.asked.spelled_options
    named = tuple((source, source_name(source)) for source in sources)
    votes = tuple((str(n), f"at least {n}") for n in (1, 5, 10, 25, 50, 100))
    return [
        Filter("when", "Order", spelled.get("when", ""), _ORDERS),
        Filter("types", "Announced as", spelled.get("types", ""), _TYPES),
        Filter("source", "Named by", spelled.get("source", ""), (("", "anyone"), *named)),
        Filter("min_votes", "Votes", spelled.get("min_votes", ""), (("", "any number"), *votes)),
        Filter("since", "Since", spelled.get("since", "")),
        Filter("until", "Until", spelled.get("until", "")),
    ]


def fixed(address: Address) -> list[tuple[str, str]]:
    """What of a question no control changes, as names and values of a form."""
    asked = address.asked
    kept = [("k", slug) for slug in asked.keywords]
    if asked.query:
        kept.append(("q", asked.query.canonical))
    if "n" in asked.spelled_options:
        kept.append(("n", asked.spelled_options["n"]))
    return kept


_ORDERS: Final = (("", "newest announcement"), ("picked", "newest pick, picked only"))
_TYPES: Final = (
    ("", "new or cross-listed"),
    ("new", "new only"),
    ("cross", "cross-listed only"),
    ("replace", "replaced only"),
    ("new,cross,replace", "anything"),
)
