"""Lists of saved keywords: their feeds as OPML, their newest papers as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from papers.query.parser import parse_query
from papers.query.request import ORDERS, SearchRequest
from papers.state.keyword_record import Keyword
from papers.store import Store
from service.exports import markdown, opml
from service.exports.selection import LIST_FEEDS
from service.search_title import LIST_TEXTS, ORDER_NAMES
from service.urls.keyword_urls import SearchUrls
from service.urls.params import DEFAULT_PARAMS, EVERY_MEMBER, SearchParams

_FOLDER_OPTIONS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "announced": ("Paperwire", {}),
    **{order: (f"Paperwire{ORDER_NAMES[order].suffix}", {"order": order}) for order in ORDERS[1:]},
}
"""Order of the papers to the name of the feeds' folder and the search options of the feeds."""


_LISTS: Final = tuple(
    Keyword(name, text.title, EVERY_MEMBER, datetime.min.replace(tzinfo=UTC))
    for name, text in LIST_TEXTS.items()
)
"""The list feeds, as keywords that are saved nowhere."""
_OUTLINES_PER_PART: Final = 300


def subscriptions_opml(base_url: str, keywords: Sequence[Keyword], orders: Sequence[str]) -> bytes:
    """Render the keywords' Atom feeds as OPML, in a folder for each order."""
    return opml.render_folders("Paperwire", list(_folders(base_url, keywords, orders)))


def stream_subscriptions(
    base_url: str, keywords: Sequence[Keyword], orders: Sequence[str]
) -> Iterator[bytes]:
    """Yield the same document in parts of some 100 kB, without ever holding it as a whole."""
    parts: list[bytes] = []
    for part in opml.stream_folders("Paperwire", _folders(base_url, keywords, orders)):
        parts.append(part)
        if len(parts) == _OUTLINES_PER_PART:
            yield b"".join(parts)
            parts.clear()
    yield b"".join(parts)


def _folders(
    base_url: str, keywords: Sequence[Keyword], orders: Sequence[str]
) -> Iterator[opml.OpmlFolder]:
    for order in orders:
        if order == LIST_FEEDS:
            yield opml.OpmlFolder("Paperwire, lists", _feeds(base_url, _LISTS, DEFAULT_PARAMS))
            continue
        name, options = _FOLDER_OPTIONS[order]
        feeds = _feeds(base_url, keywords, SearchParams(None, options))
        yield opml.OpmlFolder(name, feeds)


def _feeds(
    base_url: str, keywords: Sequence[Keyword], params: SearchParams
) -> Iterator[tuple[Keyword, str, str]]:
    for keyword in keywords:
        urls = SearchUrls(base_url, keyword.slug, params)
        yield keyword, urls.url("atom"), urls.url("page")


def daily_markdown(store: Store, keywords: Sequence[Keyword], *, rows: int, site_url: str) -> bytes:
    """Render the newest papers of the keywords as the daily table, at most `rows` each.

    Raises StoreAway.
    """
    sections = []
    for keyword in keywords:
        page = store.search(SearchRequest(query=parse_query(keyword.query), limit=rows))
        sections.append(markdown.MarkdownSection(keyword.name, page.papers))
    return markdown.render_daily_table(sections, rows=rows, site_url=site_url)
