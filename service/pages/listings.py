"""Listings: all papers of an author, a category, an organisation or a topic, abstracts in full.

Each is a search under a name that people can guess, and has that search's feeds.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from flask import Response, request

from papers.query.parser import parse_query
from service.context import context
from service.markup.clean import category_name, single_line
from service.pages.keyword import render_papers_page
from service.pages.parts.page_response import HTML_CONTENT_TYPE, PAGE_MAX_AGE, pages
from service.urls.keyword_urls import SEARCH_SLUG, SearchUrls, with_query_string
from service.urls.params import SearchParams, parse_params

LISTING_QUERIES: Final = {
    "authors": 'au:"{}"',
    "categories": "cat:{}",
    "organizations": 'org:"{}"',
    "topics": '"{}"',
}
"""What a listing is of, and the keyword that finds its papers."""


@pages.get("/<any(authors, categories, organizations, topics):kind>/<path:name>")
def listing(kind: str, name: str) -> Response:
    """The papers of one author, category, organisation or topic. Raises BadQuery, BadParameter."""
    ctx, told = context(), single_line(name)
    query = parse_query(LISTING_QUERIES[kind].format(told.replace('"', " ")))
    sources = ctx.source_names_for(request.args.get("source", ""))
    options = parse_params(request.args, is_saved=True, sources=sources).options
    address = SearchUrls(ctx.settings.base_url, SEARCH_SLUG, SearchParams(query, options))
    place = f"/{kind}/{quote(told)}"
    return ctx.serve(
        with_query_string(place, SearchParams(None, options).query_string),
        lambda version: render_papers_page(
            ctx, address, version, heading=category_name(told), base_path=place
        ),
        content_type=HTML_CONTENT_TYPE,
        keywords=(),
        max_age=PAGE_MAX_AGE,
    )
