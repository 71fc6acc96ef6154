"""The digest page: a section with a table of the newest papers for every saved keyword."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from flask import Response, render_template

from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.state.keywords import Keyword
from service.cache.version_stamp import ALL_KEYWORDS, StoreVersion
from service.context import AppContext, context
from service.feeds.entry import Entry
from service.pages.parts.highlight import HighlightedEntry, highlight_entry
from service.pages.parts.page_response import cached_page, pages
from service.urls.keyword_urls import feeds_of_keywords

PAPERS_PER_SECTION: Final = 10


@dataclass(frozen=True, slots=True)
class DigestSection:
    """A keyword's section, newest paper first."""

    keyword: Keyword
    papers: list[HighlightedEntry]


@pages.get("/digest")
def digest() -> Response:
    """Return the newest papers of every saved keyword."""
    ctx = context()
    return cached_page(
        "/digest", lambda version: _render_digest(ctx, version), keywords=(ALL_KEYWORDS,)
    )


def _render_digest(ctx: AppContext, version: StoreVersion) -> bytes:
    sections = [_build_section(ctx, keyword) for keyword in version.keywords_by_name]
    return render_template(
        "digest.html",
        sections=sections,
        papers_per_section=PAPERS_PER_SECTION,
        saved_feeds=partial(feeds_of_keywords, ctx.settings.base_url, version.keywords_by_name),
        q="",
    ).encode()


def _build_section(ctx: AppContext, keyword: Keyword) -> DigestSection:
    query = parse_query(keyword.query)
    page = ctx.store.search(SearchRequest(query=query, limit=PAPERS_PER_SECTION))
    return DigestSection(keyword, [highlight_entry(Entry(paper), query) for paper in page.papers])
