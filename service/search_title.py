"""The query of several keywords at once; the title of a search and the papers it can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from papers.counted import format_counted
from papers.query.ast import Node, any_of
from papers.query.parser import Query, parse_query
from papers.query.request import ListName, SearchRequest
from papers.state.keyword_record import Keyword
from service.cache.version_stamp import StoreVersion
from service.markup.clean import single_line, source_name
from service.urls.params import EVERY_MEMBER, SearchParams

_MAX_NAMES: Final = 4


def search_title(
    keywords: Sequence[Keyword], query: Query | None, listed: ListName | None = None
) -> str:
    """Return the title of a search: the names of its keywords, shortened, or its query.

    That of a pick list is its own, with the query if it is filtered by one.
    """
    if listed and query:
        text = single_line(query.display_text)
        return LIST_TEXTS[listed].title + ("" if text == EVERY_MEMBER else f": {text}")
    names = [single_line(keyword.name) for keyword in keywords]
    excess = len(names) - _MAX_NAMES
    shown = names if excess <= 1 else [*names[:_MAX_NAMES], f"{excess} more"]
    return ", ".join(shown) or (single_line(query.display_text) if query else "")


def union_query(keywords: Sequence[Keyword]) -> Query:
    """Return the query that matches what any of the keywords matches; without any, every pick."""
    if not keywords:
        return parse_query(EVERY_MEMBER)
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


class ListText(NamedTuple):
    """The title of a pick list, and what it has."""

    title: str
    about: str


_TOP: Final = "The most voted {} among the papers that communities picked, when it is over"
LIST_TEXTS: Final[Mapping[ListName, ListText]] = {
    "picked": ListText("Picked", "Papers that a community picked, newest first pick first"),
    "daily": ListText("Daily", _TOP.format("of every day (UTC)")),
    "weekly": ListText("Weekly", _TOP.format("of every week")),
    "monthly": ListText("Monthly", _TOP.format("of every month")),
    "trending": ListText(
        "Trending", "Picked papers that began to trend: many votes in little time, newest first"
    ),
}


def describe_list(listed: ListName, query: Query, search: SearchRequest) -> str:
    """Return what a pick list has, filtered by a query and a minimum of votes."""
    text = single_line(query.display_text)
    parts = [
        LIST_TEXTS[listed].about,
        "" if text == EVERY_MEMBER else f"only what matches {text}",
        f"at least {format_counted(search.min_votes, 'vote')}" if search.min_votes else "",
    ]
    return "; ".join(part for part in parts if part)


def describe_order(search: SearchRequest) -> str:
    """Return the order and the filters of a search in words."""
    parts = [
        ORDER_NAMES[search.order].in_words,
        f"at least {format_counted(search.min_votes, 'vote')}" if search.min_votes else "",
        f"named by {source_name(search.source)}" if search.source else "",
        f"since {search.since}" if search.since else "",
        f"until {search.until}" if search.until else "",
    ]
    return ", ".join(part for part in parts if part)


def shown_query(params: SearchParams, version: StoreVersion) -> Node:
    """Return a query that matches every paper that the results of a search can show.

    The filters of its parameters are in it; its cursor is not, as pages link to those before them.
    """
    return params.search_request(params.query or union_query(version.keywords)).tree
