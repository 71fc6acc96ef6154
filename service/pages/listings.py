"""Listings: all papers of an author, a category, an organisation or a topic, abstracts in full.

Each is a search under a name that people can guess, and has that search's feeds.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from flask import Response, request

from papers.query.parser import parse
from service.context import desk
from service.markup.clean import category_name, line
from service.pages.keyword import page_of
from service.pages.parts.page_response import HTML, PAGE_SECONDS, pages
from service.urls.keyword_urls import SEARCH, Address, joined
from service.urls.params import Asked, read

TERMS: Final = {
    "authors": 'au:"{}"',
    "categories": "cat:{}",
    "organizations": 'org:"{}"',
    "topics": '"{}"',
}
"""What a listing is of, and the keyword that finds its papers."""


@pages.get("/<any(authors, categories, organizations, topics):kind>/<path:name>")
def listing(kind: str, name: str) -> Response:
    """The papers of one author, category, organisation or topic. Raises BadQuery, BadParameter."""
    at, told = desk(), line(name)
    query = parse(TERMS[kind].format(told.replace('"', " ")))
    sources = at.sources_for(request.args.get("source", ""))
    options = read(request.args, saved=True, sources=sources).options
    address = Address(at.settings.base_url, SEARCH, Asked(query, options))
    place = f"/{kind}/{quote(told)}"
    return at.serve(
        joined(place, Asked(None, options).spelled),
        lambda: page_of(at, address, heading=category_name(told), place=place),
        content_type=HTML,
        keywords=(),
        most_seconds=PAGE_SECONDS,
    )
