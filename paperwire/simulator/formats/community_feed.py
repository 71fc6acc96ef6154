"""A community's RSS feed of picked papers, modeled on hobby feeds of daily lists."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from paperwire.simulator.formats.arxiv_xml import block, document, element
from paperwire.simulator.world.manuscripts import CommunityPick, CommunityPost, Preprint

MAX_ITEMS = 50

_RSS = (
    'rss xmlns:atom="http://www.w3.org/2005/Atom"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/" version="2.0"'
)


@dataclass(frozen=True, slots=True)
class CommunityFeedItem:
    """One item of the feed; `description` is HTML, `at` an aware time."""

    title: str
    link: str
    description: str
    at: datetime


def item_of_pick(preprint: Preprint, pick: CommunityPick) -> CommunityFeedItem:
    """Return the item of a picked paper: authors, votes and abstract in one HTML description."""
    text = preprint.newest.text
    parts = {
        "Authors": ", ".join(text.authors),
        "Upvotes": str(pick.votes),
        "Summary": text.abstract,
    }
    description = "".join(
        f"<p><b>{name}:</b> {html.escape(value)}</p>" for name, value in parts.items()
    )
    return CommunityFeedItem(text.title, pick.id.url, description, pick.at)


def item_of_post(post: CommunityPost) -> CommunityFeedItem:
    """Return the item of any other post."""
    return CommunityFeedItem(post.title, post.link, post.summary, post.at)


def render_community_feed(name: str, items: Iterable[CommunityFeedItem], built: datetime) -> bytes:
    """Render the feed of a community: its newest 50 items, newest first."""
    newest = sorted(items, key=lambda item: item.at, reverse=True)[:MAX_ITEMS]
    lines = [
        element("title", f"{name}: papers worth reading"),
        element("link", "https://huggingface.co/papers"),
        element("description", "Research papers picked by a community."),
        element("docs", "http://www.rssboard.org/rss-specification"),
        element("generator", "python-feedgen"),
        element("language", "en"),
        element("lastBuildDate", format_datetime(built)),
    ]
    for item in newest:
        lines += _render_item(item)
    return document(block(_RSS, block("channel", lines)))


def _render_item(item: CommunityFeedItem) -> list[str]:
    return block(
        "item",
        [
            element("title", item.title),
            element("link", item.link),
            element("description", item.description),
            element("guid", item.link, isPermaLink="false"),
            element("pubDate", format_datetime(item.at)),
        ],
    )
