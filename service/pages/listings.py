"""Listings: all papers of an author, a category, an organization or a topic, abstracts in full.

A listing is a search under a URL that people can guess, and has the feeds of that search.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from flask import Response, request

from papers.query.parser import parse_query
from service.context import context
from service.markup.clean import category_name, single_line
from service.pages.keyword import render_papers_page
from service.pages.parts.page_response import cached_page, pages
from service.urls.keyword_urls import SEARCH_SLUG, SearchUrls, path_with_params
from service.urls.params import SearchParams, parse_params

LISTING_QUERIES: Final = {
    "authors": 'au:"{}"',
    "categories": "cat:{}",
    "organizations": 'org:"{}"',
    "topics": '"{}"',
}
"""Kind of listing to the query of its papers."""


@pages.get("/<any(authors, categories, organizations, topics):kind>/<path:name>")
def listing(kind: str, name: str) -> Response:
    """Return the papers of an author, category, organization or topic.

    Raises BadQuery, BadParameter.
    """
    ctx, heading = context(), single_line(name)
    query = parse_query(LISTING_QUERIES[kind].format(heading.replace('"', " ")))
    sources = ctx.source_names_for(request.args.get("source", ""))
    options = parse_params(request.args, is_saved=True, sources=sources).options
    address = SearchUrls(ctx.settings.base_url, SEARCH_SLUG, SearchParams(query, options))
    base_path = f"/{kind}/{quote(heading)}"
    return cached_page(
        path_with_params(base_path, SearchParams(None, options)),
        lambda version: render_papers_page(
            ctx, address, version, heading=category_name(heading), base_path=base_path
        ),
        redirect=False,  # the request's path is decoded and never equals a quoted one
    )
