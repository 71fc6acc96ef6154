"""Listings: all papers of an author, a category, an organization or a topic.

A listing is a search under a URL that people can guess, and has the feeds of that search.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import quote

from flask import Response, request
from werkzeug.datastructures import MultiDict

from papers.query.parser import parse_query
from service.context import context
from service.markup.clean import category_name, single_line
from service.pages.controls.page_state import PAGE_PARAMETERS, parse_page_state
from service.pages.keyword import ListPageOptions, render_papers_page
from service.pages.parts.page_response import cached_page, pages
from service.urls.forgiving import clean_args
from service.urls.keyword_urls import SEARCH_SLUG, SearchUrls
from service.urls.params import parse_params

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
    args = clean_args(request.args)
    search_args = MultiDict(a for a in args.items(multi=True) if a[0] not in PAGE_PARAMETERS)
    params = parse_params(search_args, is_saved=True, sources=sources)
    address = SearchUrls(ctx.settings.base_url, SEARCH_SLUG, replace(params, query=query))
    options = ListPageOptions(
        parse_page_state(args),
        heading=category_name(heading),
        base_path=f"/{kind}/{quote(heading)}",
    )
    return cached_page(
        options.state_path(address, options.state),
        lambda version: render_papers_page(ctx, address, version, options),
        redirect=False,  # the request's path is decoded and never equals a quoted one
    )
