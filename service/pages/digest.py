"""The digest page: a table of the newest papers of each saved keyword, a page of them at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from flask import Response, render_template, request

from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.state.keyword_record import Keyword
from service.cache.version_stamp import ALL_KEYWORDS, StoreVersion
from service.context import AppContext, context
from service.feeds.entry import Entry
from service.pages.parts.highlight import HighlightedEntry, highlight_entry
from service.pages.parts.page_response import cached_page, pages
from service.urls.keyword_urls import feeds_of_keywords
from service.urls.paging import numbered_path, parse_page_number, slice_page

PAPERS_PER_SECTION: Final = 10
SECTIONS_PER_PAGE: Final = 10


@dataclass(frozen=True, slots=True)
class DigestSection:
    """A keyword's section, newest paper first."""

    keyword: Keyword
    papers: list[HighlightedEntry]


@pages.get("/digest")
def digest() -> Response:
    """Return the newest papers of some saved keywords; `page` selects which."""
    ctx, number = context(), parse_page_number(request.args)
    return cached_page(
        numbered_path("/digest", number),
        lambda version: _render_digest(ctx, version, number),
        keywords=(ALL_KEYWORDS,),
    )


def _render_digest(ctx: AppContext, version: StoreVersion, number: int) -> bytes:
    page = slice_page(version.keywords_by_name, number, SECTIONS_PER_PAGE, "/digest")
    return render_template(
        "digest.html",
        page=page,
        sections=[_build_section(ctx, keyword) for keyword in page.items],
        papers_per_section=PAPERS_PER_SECTION,
        saved_feeds=partial(feeds_of_keywords, ctx.settings.base_url, page.items),
        q="",
    ).encode()


def _build_section(ctx: AppContext, keyword: Keyword) -> DigestSection:
    query = parse_query(keyword.query)
    page = ctx.store.search(SearchRequest(query=query, limit=PAPERS_PER_SECTION))
    return DigestSection(keyword, [highlight_entry(Entry(paper), query) for paper in page.papers])
