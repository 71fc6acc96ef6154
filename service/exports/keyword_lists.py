"""Lists of saved keywords: their feeds as OPML, their newest papers as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.state.keywords import Keyword
from papers.store import Store
from service.exports import markdown, opml
from service.urls.keyword_urls import SearchUrls
from service.urls.params import SearchParams

_FOLDER_OPTIONS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "announced": ("Paperwire", {}),
    "picked": ("Paperwire, picked", {"order": "picked"}),
}
"""Order of the papers to the name of the feeds' folder and the search options of the feeds."""


def subscriptions_opml(base_url: str, keywords: Sequence[Keyword], orders: Sequence[str]) -> bytes:
    """Render the keywords' Atom feeds as OPML, in a folder for each order."""
    folders = []
    for order in orders:
        name, options = _FOLDER_OPTIONS[order]
        addresses = [
            (k, SearchUrls(base_url, k.slug, SearchParams(None, options))) for k in keywords
        ]
        feeds = tuple((k, address.url("atom"), address.url("page")) for k, address in addresses)
        folders.append(opml.OpmlFolder(name, feeds))
    return opml.render_folders("Paperwire", folders)


def daily_markdown(store: Store, keywords: Sequence[Keyword], *, rows: int, site_url: str) -> bytes:
    """Render the newest papers of the keywords as the daily table, at most `rows` each.

    Raises StoreAway.
    """
    sections = []
    for keyword in keywords:
        page = store.search(SearchRequest(query=parse_query(keyword.query), limit=rows))
        sections.append(markdown.MarkdownSection(keyword.name, page.papers))
    return markdown.render_daily_table(sections, rows=rows, site_url=site_url)
