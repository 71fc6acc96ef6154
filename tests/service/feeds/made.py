"""Feeds of made-up papers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from papers.model.paper import Paper
from service.feeds.entry import Entry
from service.feeds.feed import Feed

SITE = "https://wire.example"


def make_feed(*papers: Paper, **said: Any) -> Feed:
    """A feed of papers at a made-up address."""
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
    return replace(plain, **said)
