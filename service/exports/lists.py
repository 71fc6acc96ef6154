"""What is listed of saved keywords: their feeds, in which folders; their papers, how many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from papers.keywords import Keyword
from papers.query import parse
from papers.search import Ask
from papers.store import Store
from service.addresses import Address
from service.exports import markdown, opml
from service.params import Asked

_FOLDERS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "announced": ("Paperwire", {}),
    "picked": ("Paperwire, picked", {"order": "picked"}),
}
"""Order of the papers → what readers call the folder of such feeds, and the options they have."""

MOST_ROWS: Final = 5_000
"""Rows of the table of the day in all; many keywords share them evenly."""


def subscriptions(base_url: str, keywords: Sequence[Keyword], orders: Sequence[str]) -> bytes:
    """The keywords' Atom feeds as OPML, in a folder for each order."""
    folders = []
    for order in orders:
        name, options = _FOLDERS[order]
        addresses = [(k, Address(base_url, k.slug, Asked(None, options))) for k in keywords]
        feeds = tuple((k, address.url("atom"), address.url("page")) for k, address in addresses)
        folders.append(opml.Folder(name, feeds))
    return opml.render("Paperwire", folders)


def daily(store: Store, keywords: Sequence[Keyword], *, rows: int, site_url: str) -> bytes:
    """The newest papers of the keywords as the table of the day. Raises StoreAway."""
    rows = min(rows, MOST_ROWS // max(1, len(keywords))) or 1
    asks = [Ask(query=parse(keyword.query), limit=rows) for keyword in keywords]
    pages = [store.search(ask) for ask in asks]
    sections = [
        markdown.Section(k.name, page.papers) for k, page in zip(keywords, pages, strict=True)
    ]
    return markdown.render(sections, rows=rows, site_url=site_url)
