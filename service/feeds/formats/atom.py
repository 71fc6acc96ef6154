"""Atom 1.0 through feedgen.

https://www.rfc-editor.org/rfc/rfc4287
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator

from papers.config.feed_formats import FEED_FORMATS
from service.feeds.entry import HTML_MEDIA_TYPE, FeedItem
from service.feeds.entry_templates import XmlValues
from service.feeds.feed import Feed, FeedRenderer, RenderedFeed, split_entries
from service.feeds.formats.feedgen_extension import AtomFeedExtension, EntryExtension

_MEDIA_TYPE: Final = FEED_FORMATS["atom"].media_type
XML_VALUES: Final = XmlValues(
    render_content=lambda content: content.xml, format_published=datetime.isoformat
)


def render_atom(feed: Feed, entries: Sequence[FeedItem]) -> RenderedFeed:
    """Render a feed with these entries as an Atom document."""
    out = FeedGenerator()
    out.register_extension("paperwire", AtomFeedExtension, EntryExtension, rss=False)
    out.id(feed.id)
    out.title(feed.title)
    out.subtitle(feed.subtitle)
    out.updated(feed.updated)
    out.language("en")
    out.author(name="Paperwire")
    out.generator("Paperwire")
    out.icon(feed.icon_url)
    out.link(href=feed.self_url, rel="self", type=_MEDIA_TYPE)
    out.link(href=feed.page_url, rel="alternate", type=HTML_MEDIA_TYPE)
    if feed.hub_url:
        out.link(href=feed.hub_url, rel="hub")
    for url, type_ in feed.alternates:
        out.link(href=url, rel="alternate", type=type_)
    for rel, url in feed.paging_links:
        out.link(href=url, rel=rel, type=_MEDIA_TYPE)
    extension: Any = out.paperwire
    extension.archive = feed.archive
    for entry in entries:
        _fill_entry(out.add_entry(order="append"), entry)
    return split_entries(bytes(out.atom_str()), b"<entry>", b"</feed>")


def _fill_entry(out: FeedEntry, entry: FeedItem) -> None:
    """Fill one entry; the extension adds its `replies` links and its source."""
    out.id(entry.id)
    out.title(entry.title)
    out.published(entry.published)
    out.updated(entry.updated)
    out.author([{"name": name} for name in entry.authors])
    out.category(
        [
            {"term": category.term, "label": category.label, "scheme": category.scheme}
            for category in entry.categories
        ]
    )
    out.link(
        [
            {"href": link.href, "rel": link.rel, "type": link.type, "title": link.title}
            for link in entry.links
            if link.rel != "replies"
        ]
    )
    if entry.summary:
        out.summary(entry.summary, type="text")
    if entry.content.xhtml:
        out.content(entry.content.xhtml, type="xhtml")
    extension: Any = out.paperwire
    extension.entry = entry


RENDERER: Final[FeedRenderer] = render_atom
