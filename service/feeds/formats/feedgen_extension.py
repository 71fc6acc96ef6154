"""Elements that feedgen cannot write itself, as a feedgen extension.

feedgen writes Atom without namespaces (its root carries `xmlns` as a plain attribute), so Atom's
own elements have bare names inside an Atom entry, and qualified names inside an RSS item.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml.etree import SubElement

from service.feeds.entry import ARXIV_FIELDS, ARXIV_SCHEME, AtomSource, FeedItem, Link

ATOM_NS: Final = "{http://www.w3.org/2005/Atom}"
ARXIV_NS: Final = f"{{{ARXIV_SCHEME}}}"
HISTORY_NS: Final = "{http://purl.org/syndication/history/1.0}"
DUBLIN_CORE_NS: Final = "{http://purl.org/dc/elements/1.1/}"
MEDIA_NS: Final = "{http://search.yahoo.com/mrss/}"
SLASH_NS: Final = "{http://purl.org/rss/1.0/modules/slash/}"
THREADING_NS: Final = "{http://purl.org/syndication/thread/1.0}"

ATOM_PREFIXES: Final = {"arxiv": ARXIV_NS, "media": MEDIA_NS, "thr": THREADING_NS}
RSS_PREFIXES: Final = {
    "arxiv": ARXIV_NS,
    "dc": DUBLIN_CORE_NS,
    "media": MEDIA_NS,
    "slash": SLASH_NS,
    "thr": THREADING_NS,
}

XmlElement = Any
"""An lxml element: lxml ships no types."""


class AtomFeedExtension(BaseExtension):  # type: ignore[misc]  # feedgen ships no types
    """Namespaces of an Atom feed, and the `fh:archive` element of an archive."""

    archive: bool = False

    def extend_ns(self) -> dict[str, str]:
        """Return prefix to namespace, for the root."""
        return _declared_namespaces(ATOM_PREFIXES, archive=self.archive)

    def extend_atom(self, feed: XmlElement) -> XmlElement:
        """Mark an archive."""
        if self.archive:
            SubElement(feed, f"{HISTORY_NS}archive")
        return feed


class RssFeedExtension(BaseExtension):  # type: ignore[misc]  # feedgen ships no types
    """Namespaces of an RSS feed, the links that feedgen leaves out, and `fh:archive`."""

    links: tuple[tuple[str, str, str], ...] = ()
    """The links, each as (relation, URL, media type or empty)."""
    archive: bool = False

    def extend_ns(self) -> dict[str, str]:
        """Return prefix to namespace, for the root."""
        return _declared_namespaces(RSS_PREFIXES, archive=self.archive)

    def extend_rss(self, feed: XmlElement) -> XmlElement:
        """Add the links to the channel, and mark an archive."""
        for rel, url, type_ in self.links:
            typed = {"type": type_} if type_ else {}
            SubElement(feed[0], f"{ATOM_NS}link", href=url, rel=rel, **typed)
        if self.archive:
            SubElement(feed[0], f"{HISTORY_NS}archive")
        return feed


class EntryExtension(BaseEntryExtension):  # type: ignore[misc]  # feedgen ships no types
    """Elements of one entry or item; `entry` is set before rendering."""

    entry: FeedItem

    def extend_atom(self, node: XmlElement) -> XmlElement:
        """Add arXiv's fields, the `replies` links and the source to an Atom entry."""
        for link in self.entry.links:
            if link.rel == "replies":
                _add_link(node, "link", link)
        _add_arxiv_fields(node, self.entry)
        if self.entry.comments is not None:
            _add_text(node, f"{THREADING_NS}total", str(self.entry.comments))
        if self.entry.source:
            _add_source(node, self.entry.source, self.entry.updated)
        return node

    def extend_rss(self, node: XmlElement) -> XmlElement:
        """Add authors, links, `updated`, arXiv's fields and the comment count to an RSS item."""
        if self.entry.authors:  # in one element, as arXiv's own feeds have them
            _add_text(node, f"{DUBLIN_CORE_NS}creator", ", ".join(self.entry.authors))
        _add_text(node, f"{ATOM_NS}updated", self.entry.updated.isoformat())
        for link in self.entry.links:
            if link.rel != "alternate":
                _add_link(node, f"{ATOM_NS}link", link)
        _add_arxiv_fields(node, self.entry)
        if self.entry.comments is not None:
            _add_text(node, f"{SLASH_NS}comments", str(self.entry.comments))
        return node


def _declared_namespaces(prefixes: dict[str, str], *, archive: bool) -> dict[str, str]:
    declared = {**prefixes, "fh": HISTORY_NS} if archive else prefixes
    return {prefix: name.strip("{}") for prefix, name in declared.items()}


def _add_source(node: XmlElement, source: AtomSource, updated: datetime) -> None:
    """Add an `atom:source` with all the elements it requires."""
    element = SubElement(node, "source")
    _add_text(element, "id", source.id)
    _add_text(element, "title", source.title)
    _add_text(element, "updated", updated.isoformat())
    SubElement(element, "link", href=source.url, rel="self")


def _add_arxiv_fields(node: XmlElement, entry: FeedItem) -> None:
    first = next(iter(entry.categories), None)
    if first and first.scheme == ARXIV_SCHEME:
        SubElement(node, f"{ARXIV_NS}primary_category", term=first.term, scheme=ARXIV_SCHEME)
    for name in ARXIV_FIELDS:
        if text := getattr(entry, name):
            _add_text(node, f"{ARXIV_NS}{name}", text)
    if entry.thumbnail:
        SubElement(node, f"{MEDIA_NS}thumbnail", url=entry.thumbnail)


def _add_link(node: XmlElement, tag: str, link: Link) -> None:
    element = SubElement(node, tag, href=link.href, rel=link.rel, type=link.type, title=link.title)
    if link.comments is not None:
        element.set(f"{THREADING_NS}count", str(link.comments))


def _add_text(node: XmlElement, tag: str, text: str) -> None:
    SubElement(node, tag).text = text
