"""Feeds of made-up papers, and their documents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from papers.model.paper import Paper
from service.feeds import FORMATS
from service.feeds.entry import Entry
from service.feeds.entry_cache import EntryCaches
from service.feeds.feed import Feed

SITE = "https://wire.example"
CACHES: Final = EntryCaches()
"""The caches of `render_feed`: like an app's, warm after the first tests."""


def make_feed(*papers: Paper, **fields: Any) -> Feed:
    """Return a feed of papers at a made-up address."""
    plain = Feed(
        id=f"{SITE}/feeds/k.atom",
        title="K · Paperwire",
        subtitle="arXiv papers that match k.",
        page_url=f"{SITE}/k/k",
        self_url=f"{SITE}/feeds/k.atom",
        icon_url=f"{SITE}/static/icon.svg",
        alternates=((f"{SITE}/feeds/k.rss", "application/rss+xml"),),
        entries=tuple(Entry(paper) for paper in papers),
    )
    return replace(plain, **fields)


def render_feed(suffix: str, feed: Feed) -> bytes:
    """Render a feed in the format of a suffix."""
    return FORMATS[suffix].render(feed, CACHES)
