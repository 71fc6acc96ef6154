"""What feedgen has no words for, as a feedgen extension.

feedgen writes Atom without namespaces (its root carries `xmlns` as a plain attribute), so Atom's
own elements are made here by their bare names inside an Atom entry, and in full inside an RSS item.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml.etree import SubElement

from service.feeds.entry import ARXIV_SCHEME, Item, Link, Source

ATOM: Final = "{http://www.w3.org/2005/Atom}"
ARXIV: Final = f"{{{ARXIV_SCHEME}}}"
FH: Final = "{http://purl.org/syndication/history/1.0}"
DC: Final = "{http://purl.org/dc/elements/1.1/}"
MEDIA: Final = "{http://search.yahoo.com/mrss/}"
SLASH: Final = "{http://purl.org/rss/1.0/modules/slash/}"
THR: Final = "{http://purl.org/syndication/thread/1.0}"

ATOM_PREFIXES: Final = {"arxiv": ARXIV, "media": MEDIA, "thr": THR}
RSS_PREFIXES: Final = {"arxiv": ARXIV, "dc": DC, "media": MEDIA, "slash": SLASH, "thr": THR}

Node = Any
"""An lxml element: lxml ships no types."""


class AtomFeed(BaseExtension):  # type: ignore[misc]  # feedgen ships no types
    """The prefixes of an Atom feed, and the mark of an archive."""

    archive: bool = False

    def extend_ns(self) -> dict[str, str]:
        """Prefix to namespace, for the root."""
        return _namespaces(ATOM_PREFIXES, archive=self.archive)

    def extend_atom(self, feed: Node) -> Node:
        """Add the mark to the feed."""
        if self.archive:
            SubElement(feed, f"{FH}archive")
        return feed


class RssFeed(BaseExtension):  # type: ignore[misc]  # feedgen ships no types
    """The prefixes of an RSS feed, the links feedgen leaves out, and the mark of an archive."""

    links: tuple[tuple[str, str, str], ...] = ()
    """(rel, URL, content type or nothing) each."""
    archive: bool = False

    def extend_ns(self) -> dict[str, str]:
        """Prefix to namespace, for the root."""
        return _namespaces(RSS_PREFIXES, archive=self.archive)

    def extend_rss(self, feed: Node) -> Node:
        """Add the links, and the mark, to the channel."""
        for rel, url, type_ in self.links:
            typed = {"type": type_} if type_ else {}
            SubElement(feed[0], f"{ATOM}link", href=url, rel=rel, **typed)
        if self.archive:
            SubElement(feed[0], f"{FH}archive")
        return feed


class EntryExtension(BaseEntryExtension):  # type: ignore[misc]  # feedgen ships no types
    """The elements of one entry or item; `entry` is set before rendering."""

    entry: Item

    def extend_atom(self, node: Node) -> Node:
        """Add to an Atom entry what arXiv says, the replies and the source."""
        for link in self.entry.links:
            if link.rel == "replies":
                _link(node, "link", link)
        _stated(node, self.entry)
        if self.entry.comments is not None:
            _text(node, f"{THR}total", str(self.entry.comments))
        if self.entry.source:
            _source(node, self.entry.source, self.entry.updated)
        return node

    def extend_rss(self, node: Node) -> Node:
        """Add to an RSS item its authors, links, `updated`, and the number of comments."""
        for name in self.entry.authors:
            _text(node, f"{DC}creator", name)
        _text(node, f"{ATOM}updated", self.entry.updated.isoformat())
        for link in self.entry.links:
            if link.rel != "alternate":
                _link(node, f"{ATOM}link", link)
        _stated(node, self.entry)
        if self.entry.comments is not None:
            _text(node, f"{SLASH}comments", str(self.entry.comments))
        return node


def _namespaces(prefixes: dict[str, str], *, archive: bool) -> dict[str, str]:
    declared = {**prefixes, "fh": FH} if archive else prefixes
    return {prefix: name.strip("{}") for prefix, name in declared.items()}


def _source(node: Node, source: Source, updated: datetime) -> None:
    """The feed upstream, in full."""
    element = SubElement(node, "source")
    _text(element, "id", source.id)
    _text(element, "title", source.title)
    _text(element, "updated", updated.isoformat())
    SubElement(element, "link", href=source.url, rel="self")


def _stated(node: Node, entry: Item) -> None:
    first = next(iter(entry.categories), None)
    if first and first.scheme == ARXIV_SCHEME:
        SubElement(node, f"{ARXIV}primary_category", term=first.term, scheme=ARXIV_SCHEME)
    for name in ("comment", "journal_ref", "doi"):
        if said := getattr(entry, name):
            _text(node, f"{ARXIV}{name}", said)
    if entry.thumbnail:
        SubElement(node, f"{MEDIA}thumbnail", url=entry.thumbnail)


def _link(node: Node, tag: str, link: Link) -> None:
    element = SubElement(node, tag, href=link.href, rel=link.rel, type=link.type, title=link.title)
    if link.comments is not None:
        element.set(f"{THR}count", str(link.comments))


def _text(node: Node, tag: str, text: str) -> None:
    SubElement(node, tag).text = text
