"""The query of several keywords at once, and the title and description of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from papers.query.ast import any_of
from papers.query.parser import Query, parse_query
from papers.query.request import SearchRequest
from papers.state.keywords import Keyword
from service.markup.clean import single_line, source_name

_MAX_NAMES: Final = 4


def search_title(keywords: Sequence[Keyword], query: Query | None) -> str:
    """Return the title of a search: the names of its keywords, shortened, or its query."""
    names = [single_line(keyword.name) for keyword in keywords]
    excess = len(names) - _MAX_NAMES
    shown = names if excess <= 1 else [*names[:_MAX_NAMES], f"{excess} more"]
    return ", ".join(shown) or (single_line(query.display_text) if query else "")


def union_query(keywords: Sequence[Keyword]) -> Query:
    """Return the query that matches what any of the keywords matches."""
    first, *others = [parse_query(keyword.query) for keyword in keywords]
    return Query(any_of([first.tree, *(query.tree for query in others)])) if others else first


class OrderName(NamedTuple):
    """What an order adds to the name of a search, and its description."""

    suffix: str
    in_words: str


ORDER_NAMES: Final = {
    "announced": OrderName("", "newest announcement first"),
    "picked": OrderName(", picked", "newest pick first"),
    "revised": OrderName(", revised", "every later version, newest first"),
    "withdrawn": OrderName(", withdrawn", "newest withdrawal first"),
    "code": OrderName(", with code", "newest known code first"),
}


def describe_order(search: SearchRequest) -> str:
    """Return the order and the filters of a search in words."""
    parts = [
        ORDER_NAMES[search.order].in_words,
        f"at least {search.min_votes} votes" if search.min_votes else "",
        f"named by {source_name(search.source)}" if search.source else "",
        f"since {search.since}" if search.since else "",
        f"until {search.until}" if search.until else "",
    ]
    return ", ".join(part for part in parts if part)
