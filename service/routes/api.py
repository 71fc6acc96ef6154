"""The JSON API: the same searches as the feeds, for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import zip_longest
from typing import Any, Final
from urllib.parse import quote

from flask import Blueprint, Response, request

from papers.errors import BadParameter
from papers.model.arxiv_id import ArxivId
from papers.search.counts import TotalCount
from papers.suggestions.suggestion_counts import Suggestion
from service.cache.render_request import PreparedBody
from service.cache.version_stamp import ALL_KEYWORDS, StoreVersion
from service.context import AppContext, context
from service.feed_result import FeedResult
from service.http.responses import JSON_TYPE, to_json_bytes
from service.json_api.documents import keyword_json, paper_json, source_json, suggestion_json
from service.json_api.openapi import openapi_document
from service.search_suggestions import counted_query, suggestions_for
from service.urls.count_parameter import COUNT_PARAMETER, counted_path, parse_count
from service.urls.keyword_urls import SEARCH_SLUG
from service.urls.paging import numbered_path, parse_page_number, slice_page
from service.urls.params import reject_parameters

api = Blueprint("api", __name__, url_prefix="/api/v1")
KEYWORDS_PER_PAGE: Final = 500


@api.get("/papers")
def papers() -> Response:
    """Serve the papers of a keyword, a page at a time."""
    ctx, is_counted = context(), parse_count(request.args)
    urls = ctx.parse_search_urls(SEARCH_SLUG, besides=(COUNT_PARAMETER.name,))
    path = counted_path(urls.api_path) if is_counted else urls.api_path
    options = urls.params.options
    if urls.params.digest_kind:
        raise BadParameter("digest", "is for feeds alone; leave it out")
    if is_counted and options.get("order") and (options.get("since") or options.get("until")):
        raise BadParameter("count", "goes without since and until if there is a when; leave it out")

    def render(version: StoreVersion) -> bytes | PreparedBody:
        found = ctx.search(urls, version)
        counted = ctx.counter.count_all(found.search_request.tree) if is_counted else None
        body = to_json_bytes(_page_json(found, _suggestions(ctx, found), counted))
        return PreparedBody.of_bytes(body) if found.page.is_complete else body

    return ctx.serve(
        path,
        render,
        content_type=JSON_TYPE,
        keywords=urls.keywords,
        shown_query=lambda version: counted_query(ctx, urls.params, version),
        headers=canonical_link(ctx, path),
    )


@api.get("/papers/<path:id>")
def paper(id: str) -> Response:
    """Serve one paper, by any form of its id."""
    reject_parameters(request.args)
    ctx, wanted = context(), ArxivId.parse(id)
    path = f"/api/v1/papers/{wanted}"

    def document(_: StoreVersion) -> dict[str, Any]:
        (known,) = ctx.store.get_papers([wanted])
        if known is None:
            raise ctx.store.missing_paper(wanted)
        return paper_json(known)

    return _serve_json(ctx, path, document)


@api.get("/keywords")
def keywords() -> Response:
    """Serve the list of saved keywords, a page at a time."""
    reject_parameters(request.args, known=("page",))
    ctx, base_path, number = context(), "/api/v1/keywords", parse_page_number(request.args)
    path = numbered_path(base_path, number)

    def document(version: StoreVersion) -> dict[str, Any]:
        listed = slice_page(version.keywords_by_name, number, KEYWORDS_PER_PAGE, base_path)
        following = ctx.settings.base_url + listed.next_path if listed.next_path else None
        return {
            "keywords": [keyword_json(k, ctx.settings.base_url) for k in listed.items],
            "next": following,
        }

    return _serve_json(ctx, path, document, keywords=(ALL_KEYWORDS,))


@api.get("/keywords/<name>")
def keyword(name: str) -> Response:
    """Serve one saved keyword."""
    reject_parameters(request.args)
    ctx = context()
    slug = ctx.resolve_slug(name)
    path = f"/api/v1/keywords/{quote(slug)}"
    return _serve_json(
        ctx,
        path,
        lambda version: keyword_json(version.keywords[0], ctx.settings.base_url),
        keywords=(slug,),
    )


@api.get("/sources")
def sources() -> Response:
    """Serve the states of all tasks but initial fetches, never from a cache."""
    reject_parameters(request.args)
    states = [source_json(state) for state in context().source_states.all()]
    return Response(
        to_json_bytes({"sources": states}),
        headers={"Cache-Control": "no-store"},
        content_type=JSON_TYPE,
    )


@api.get("/openapi.json")
def openapi() -> Response:
    """Serve the description of the API."""
    reject_parameters(request.args)
    ctx, path = context(), "/api/v1/openapi.json"
    return _serve_json(
        ctx, path, lambda _: openapi_document(ctx.settings.base_url), keywords=(ALL_KEYWORDS,)
    )


def _suggestions(ctx: AppContext, found: FeedResult) -> list[Suggestion]:
    """Return the suggestions for a search of a query of its own, on its first page."""
    params = found.address.params
    if found.keywords or found.search_request.before:
        return []
    return suggestions_for(ctx, found.query, params, ctx.counter.count(found.search_request.tree))


def _page_json(
    found: FeedResult, suggestions: Sequence[Suggestion], counted: TotalCount | None
) -> dict[str, Any]:
    urls, cursor = found.address, found.page.next_cursor
    return {
        "query": found.query.display_text,
        "read_as": found.query.canonical,
        "notes": [asdict(note) for note in found.notes],
        "suggestions": [suggestion_json(each) for each in suggestions],
        "papers": [
            paper_json(paper, found.matched_keywords(paper), event)
            for paper, event in zip_longest(found.page.papers, found.page.events)
        ],
        "next": urls.base_url + urls.at_cursor(cursor).api_path if cursor else None,
        "complete": found.page.is_complete,
        "count": {"papers": counted.papers, "exact": counted.exact} if counted else None,
    }


def _serve_json(
    ctx: AppContext,
    path: str,
    document: Callable[[StoreVersion], dict[str, Any]],
    *,
    keywords: tuple[str, ...] = (),
) -> Response:
    return ctx.serve(
        path,
        lambda version: to_json_bytes(document(version)),
        content_type=JSON_TYPE,
        keywords=keywords,
        headers=canonical_link(ctx, path),
    )


def canonical_link(ctx: AppContext, path: str) -> dict[str, str]:
    """Return the header that names the canonical URL of a response (RFC 6596).

    Programs are answered whatever the form of the request: many follow no redirects.
    """
    return {"Link": f'<{ctx.settings.base_url}{path}>; rel="canonical"'}
