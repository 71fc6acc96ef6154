"""The query of several keywords at once, the title of a search, and what its results depend on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from papers.query.ast import Node, any_of
from papers.query.parser import Query, parse_query
from papers.state.keywords import Keyword
from service.cache.version_stamp import StoreVersion
from service.markup.clean import single_line
from service.urls.params import SearchParams

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


def shown_query(params: SearchParams, version: StoreVersion) -> Node:
    """Return what every paper matches that has a part in the results of a search.

    The filters of its parameters are in it; its cursor is not, as pages link to those before them.
    """
    return params.search_request(params.query or union_query(version.keywords)).tree
