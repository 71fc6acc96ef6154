"""RSS 2.0 through feedgen.

https://www.rssboard.org/rss-specification

An item's description is the content as HTML without MathML, which validators and many readers
reject there; RSS has no element for a summary as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

import feedgen.entry
import feedgen.feed

from papers.config.feed_formats import FEED_FORMATS
from service.feeds.entry import FeedItem
from service.feeds.entry_templates import XmlValues
from service.feeds.feed import Feed, FeedRenderer, RenderedFeed, split_entries
from service.feeds.formats.feedgen_extension import EntryExtension, RssFeedExtension

_MEDIA_TYPE: Final = FEED_FORMATS["rss"].media_type


def format_rfc822(moment: datetime) -> str:
    """Format a time as RFC 822 has it, in GMT."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def encode_title(escaped: str) -> str:
    """Return an escaped title with the references that the RSS Profile has for plain text.

    A title that may be HTML is ambiguous: readers and validators take `&#x3C;b>` for text.
    https://www.rssboard.org/rss-profile#data-types-characterdata
    """
    if "&" not in escaped:
        return escaped
    return escaped.replace("&amp;", "&#x26;").replace("&lt;", "&#x3C;")


XML_VALUES: Final = XmlValues(
    render_content=lambda content: content.escaped_html,
    format_published=format_rfc822,
    encode_title=encode_title,
)
_TITLE_ELEMENT: Final = re.compile("<title>[^<]*</title>")

# feedgen 0.9 formats each date by switching the locale of the whole process, which races with
# other threads; it looks this name up in two of its modules.
feedgen.feed.formatRFC2822 = feedgen.entry.formatRFC2822 = format_rfc822


def render_rss(feed: Feed, entries: Sequence[FeedItem]) -> RenderedFeed:
    """Render a feed with these entries as an RSS document."""
    out = feedgen.feed.FeedGenerator()
    out.register_extension("paperwire", RssFeedExtension, EntryExtension, atom=False)
    out.title(feed.title)
    out.description(feed.subtitle)
    out.lastBuildDate(feed.updated)
    out.language("en")
    out.generator("Paperwire")
    # feedgen takes the last link for the channel's own, and writes no other but `self`.
    out.link(href=feed.self_url, rel="self", type=_MEDIA_TYPE)
    out.link(href=feed.page_url, rel="alternate")
    out.image(url=feed.image_url, title=feed.title, link=feed.page_url)
    links = [("alternate", url, type_) for url, type_ in feed.alternates]
    links += [(rel, url, _MEDIA_TYPE) for rel, url in feed.paging_links]
    links += [("hub", feed.hub_url, "")] if feed.hub_url else []
    extension: Any = out.paperwire
    extension.links, extension.archive = tuple(links), feed.archive
    for entry in entries:
        _fill_item(out.add_entry(order="append"), entry)
    written = bytes(out.rss_str()).decode()
    document = _TITLE_ELEMENT.sub(lambda title: encode_title(title[0]), written).encode()
    return split_entries(document, b"<item>", b"</channel></rss>")


def _fill_item(out: feedgen.entry.FeedEntry, entry: FeedItem) -> None:
    """Fill one item; the extension adds its authors, links and counts."""
    out.guid(entry.id, permalink=False)
    out.title(entry.title)
    out.link(href=entry.url, rel="alternate")
    out.content(entry.content.plain_html)
    out.published(entry.published)
    # Without a label feedgen writes the term: `cs.CL`, as in the other formats.
    out.category(
        [
            {"term": category.term, **({"scheme": category.scheme} if category.scheme else {})}
            for category in entry.categories
        ]
    )
    if entry.source:
        out.source(url=entry.source.url, title=entry.source.title)
    if entry.discussion_url:
        out.comments(entry.discussion_url)
    extension: Any = out.paperwire
    extension.entry = entry


RENDERER: Final[FeedRenderer] = render_rss
