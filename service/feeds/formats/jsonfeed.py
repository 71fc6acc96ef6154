"""JSON Feed 1.1.

https://www.jsonfeed.org/version/1.1/
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from service.feeds.entry import ARXIV_FIELDS, PDF_MEDIA_TYPE, Entry, FeedItem
from service.feeds.feed import Feed, FeedRenderer, RenderedFeed
from service.markup.clean import single_line
from service.markup.latex_html import title_to_text

_ARXIV_ABOUT_URL: Final = "https://info.arxiv.org/help/api/user-manual.html"


def render_json_feed(feed: Feed, entries: Sequence[FeedItem]) -> RenderedFeed:
    """Render a feed with these entries as a JSON Feed document."""
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "description": feed.subtitle,
        "home_page_url": feed.page_url,
        "feed_url": feed.self_url,
        "next_url": dict(feed.paging_links).get("prev-archive" if feed.archive else "next"),
        "icon": feed.icon_url,
        "language": "en",
        "authors": [{"name": "Paperwire"}],
        "hubs": [{"type": "WebSub", "url": feed.hub_url}] if feed.hub_url else [],
        "_paperwire": _paperwire_extension(feed),
    }
    head = _dump_json({name: value for name, value in document.items() if value})
    items = [_dump_json(_render_item(entry)) for entry in entries]
    return RenderedFeed(head.removesuffix(b"}") + b',"items":[', items, b",", b"]}")


def _dump_json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _paperwire_extension(feed: Feed) -> dict[str, Any]:
    """Return the extension that links the other documents of the feed."""
    members = {"archive": feed.archive, "links": dict(feed.paging_links)}
    return {name: value for name, value in members.items() if value}


def _render_item(entry: FeedItem) -> dict[str, Any]:
    item = {
        "id": entry.id,
        "url": entry.url,
        "external_url": entry.url if isinstance(entry, Entry) else None,
        "title": entry.title,
        "content_html": entry.content.xhtml,
        "content_text": entry.content.text,
        "date_published": entry.published.isoformat(),
        "date_modified": entry.updated.isoformat(),
        "authors": [{"name": name} for name in entry.authors],
        "tags": [category.term for category in entry.categories],
        "image": entry.thumbnail,
        "attachments": [
            {"url": link.href, "mime_type": PDF_MEDIA_TYPE, "title": link.title}
            for link in entry.links
            if link.type == PDF_MEDIA_TYPE
        ],
        "_arxiv": _arxiv_extension(entry) if isinstance(entry, Entry) else None,
        "_paperwire": {"keywords": list(entry.keywords)} if entry.keywords else None,
    }
    return {name: value for name, value in item.items() if value or name == "content_text"}


def _title_with_tex(title: str) -> str | None:
    """Return a title as its authors wrote it; None if it has no TeX."""
    written = single_line(title)
    return written if title_to_text(written) != written else None


def _categories_beyond_tags(entry: Entry) -> list[str] | None:
    """Return all categories; None unless some become tags only with the next version."""
    if entry.all_categories == entry.categories:
        return None
    return [single_line(term) for term in entry.paper.categories]


def _arxiv_extension(entry: Entry) -> dict[str, Any]:
    """Return the extension for programs, with the counts that change while the paper does not."""
    paper = entry.paper
    members = {
        "about": _ARXIV_ABOUT_URL,
        "id": str(paper.id),
        "title": _title_with_tex(paper.title),
        "version": paper.version or None,
        "primary_category": paper.primary or None,
        "categories": _categories_beyond_tags(entry),
        "announce_type": paper.announce_type.label if paper.announce_type else None,
        **{name: getattr(entry, name) or None for name in ARXIV_FIELDS},
        "withdrawn": paper.withdrawn or None,
        "votes": entry.votes,
        "comments": entry.comments,
        "links": [
            {"rel": link.rel, "url": link.href, "title": link.title}
            for link in entry.links
            if link.rel != "alternate" and link.type != PDF_MEDIA_TYPE
        ]
        or None,
    }
    return {name: value for name, value in members.items() if value is not None}


RENDERER: Final[FeedRenderer] = render_json_feed
