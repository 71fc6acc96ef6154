"""Feeds of made-up papers, and their documents."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from service.feeds import FORMATS
from service.feeds.entry import Entry
from service.feeds.entry_cache import EntryCaches
from service.feeds.feed import Feed
from tests.service.made import make_paper

SITE = "https://wire.example"
CACHES: Final = EntryCaches()
"""The caches of `render_feed`: like an app's, warm after the first tests."""


FOOTER: Final = (
    "<p><strong>Authors:</strong> Ada Lovelace, José Ørsted<br/>"
    "<strong>Categories:</strong> cs.CL, cs.AI<br/>"
    '<a href="https://arxiv.org/pdf/{id}">PDF</a> · <a href="https://arxiv.org/abs/{id}">arXiv</a>'
    "</p>"
)
"""The end of the content of a paper from `make_paper`."""


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


def recorded_papers(recorded: Path) -> list[Paper]:
    """Return recorded papers whose texts break naive code."""
    lines = (recorded / "quality" / "nasty_papers.jsonl").read_text("utf-8").splitlines()
    return [_paper(json.loads(line)) for line in lines]


def _paper(record: dict[str, Any]) -> Paper:
    texts = {name: record[name] for name in ("title", "abstract", "comment") if record.get(name)}
    lists = {name: tuple(record.get(name) or ()) for name in ("authors", "categories")}
    return make_paper(1, id=ArxivId.parse(record["id"]), **texts, **lists)
