"""The list of feeds: every saved keyword with its feeds in each format, a page at a time."""

from __future__ import annotations

from typing import Final

from flask import Response, request

from service.context import context
from service.markup.clean import single_line
from service.pages.parts.page_response import pages, uncached_page
from service.urls.keyword_urls import feeds_of_keywords
from service.urls.paging import parse_page_number, slice_page

KEYWORDS_PER_PAGE: Final = 100
MAX_FIND_LENGTH: Final = 500


@pages.get("/feeds")
def feed_list() -> Response:
    """Return the feeds of the saved keywords; `find` selects those with a text in them."""
    ctx, text = context(), single_line(request.args.get("find", ""))[:MAX_FIND_LENGTH]
    found = ctx.directory.read().find(text)
    number = parse_page_number(request.args)
    page = slice_page(found, number, KEYWORDS_PER_PAGE, "/feeds", {"find": text})
    return uncached_page(
        "feeds.html", page=page, feeds=feeds_of_keywords(ctx.settings.base_url, page.items)
    )
