"""The list of subscriptions of a site: which feeds, in which folders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from papers.keywords import Keyword
from service.addresses import Address
from service.exports import opml
from service.params import Asked

_FOLDERS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "announced": ("Paperwire", {}),
    "picked": ("Paperwire, picked", {"order": "picked"}),
}
"""Order of the papers → what readers call the folder of such feeds, and the options they have."""


def subscriptions(base_url: str, keywords: Sequence[Keyword], orders: Sequence[str]) -> bytes:
    """The keywords' Atom feeds as OPML, in a folder for each order."""
    folders = []
    for order in orders:
        name, options = _FOLDERS[order]
        addresses = [(k, Address(base_url, k.slug, Asked(None, options))) for k in keywords]
        feeds = tuple((k, address.url("atom"), address.url("page")) for k, address in addresses)
        folders.append(opml.Folder(name, feeds))
    return opml.render("Paperwire", folders)
