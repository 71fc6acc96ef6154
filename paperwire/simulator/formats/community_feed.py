"""A community's RSS feed of picked papers, as hobbyists make them from daily lists."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from paperwire.simulator.formats.arxiv_xml import block, document, element
from paperwire.simulator.world.manuscripts import Pick, Post, Preprint

MOST_ITEMS = 50

_RSS = (
    'rss xmlns:atom="http://www.w3.org/2005/Atom"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/" version="2.0"'
)


@dataclass(frozen=True, slots=True)
class Item:
    """One item; `description` is HTML, `at` aware."""

    title: str
    link: str
    description: str
    at: datetime


def of_pick(preprint: Preprint, pick: Pick) -> Item:
    """A picked paper: authors, votes and abstract in one HTML description."""
    text = preprint.newest.text
    parts = {
        "Authors": ", ".join(text.authors),
        "Upvotes": str(pick.votes),
        "Summary": text.abstract,
    }
    described = "".join(f"<p><b>{name}:</b> {html.escape(to)}</p>" for name, to in parts.items())
    return Item(text.title, pick.id.url, described, pick.at)


def of_post(post: Post) -> Item:
    """Anything else such a feed carries."""
    return Item(post.title, post.link, post.summary, post.at)


def render(name: str, items: Iterable[Item], built: datetime) -> bytes:
    """The feed of one community: its newest 50 items, newest first."""
    newest = sorted(items, key=lambda item: item.at, reverse=True)[:MOST_ITEMS]
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
        lines += _item(item)
    return document(block(_RSS, block("channel", lines)))


def _item(item: Item) -> list[str]:
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
