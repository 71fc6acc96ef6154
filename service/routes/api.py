"""The JSON API: the same searches as the feeds, for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import chain, zip_longest
from typing import Any, Final
from urllib.parse import quote

from flask import Blueprint, Response, request, stream_with_context

from papers.errors import PaperwireError
from papers.model.arxiv_id import ArxivId
from papers.state.import_blocks import ImportOutcome, import_keywords
from papers.state.keyword_record import Keyword
from papers.suggestions.suggest import Suggestion
from service.cache.render_request import PreparedBody
from service.cache.version_stamp import ALL_KEYWORDS, StoreVersion
from service.context import AppContext, context
from service.exports.keyword_list_reader import read_keyword_list
from service.feed_result import FeedResult
from service.feeds import FORMATS
from service.http.auth import require_token
from service.http.responses import redirect_to_canonical
from service.json_api.documents import paper_json, source_json, suggestion_json
from service.markup.clean import single_line
from service.pages.parts.page_response import STATIC_PAGE_MAX_AGE, uncached_page
from service.routes.openapi import describe_operations, openapi_document
from service.search_suggestions import counted_query, suggestions_for
from service.urls.keyword_urls import SEARCH_SLUG, SearchUrls
from service.urls.paging import numbered_path, parse_page_number, slice_page
from service.urls.params import DEFAULT_PARAMS, reject_parameters

api = Blueprint("api", __name__, url_prefix="/api/v1")
JSON_TYPE: Final = "application/json"
JSON_LINES_TYPE: Final = "application/x-ndjson"
KEYWORDS_PER_PAGE: Final = 500


@api.get("/papers")
def papers() -> Response:
    """Serve the papers of a keyword, a page at a time."""
    ctx = context()
    urls = ctx.parse_search_urls(SEARCH_SLUG)
    path = urls.api_path

    def render(version: StoreVersion) -> bytes | PreparedBody:
        found = ctx.search(urls, version)
        body = _to_json_bytes(_page_json(found, _suggestions(ctx, found)))
        return PreparedBody.of_bytes(body) if found.page.is_complete else body

    return redirect_to_canonical(request, path) or ctx.serve(
        path,
        render,
        content_type=JSON_TYPE,
        keywords=urls.keywords,
        shown_query=lambda version: counted_query(ctx, urls.params, version),
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

    return redirect_to_canonical(request, path) or _serve_json(ctx, path, document)


@api.get("/keywords")
def keywords() -> Response:
    """Serve the list of saved keywords, a page at a time."""
    reject_parameters(request.args, known=("page",))
    ctx, base_path, number = context(), "/api/v1/keywords", parse_page_number(request.args)
    path = numbered_path(base_path, number)

    def document(version: StoreVersion) -> dict[str, Any]:
        listed = slice_page(version.keywords_by_name, number, KEYWORDS_PER_PAGE, base_path)
        following = ctx.settings.base_url + listed.next_path if listed.next_path else None
        return {"keywords": [keyword_json(ctx, k) for k in listed.items], "next": following}

    return redirect_to_canonical(request, path) or _serve_json(
        ctx, path, document, keywords=(ALL_KEYWORDS,)
    )


@api.post("/keywords")
def import_keyword_list() -> Response:
    """Save the keywords of a list (OPML, JSON or lines); serve a line of JSON for each block."""
    reject_parameters(request.args)
    ctx = context()
    require_token(ctx.settings, request.headers, ctx.quota)
    blocks = import_keywords(ctx.redis, read_keyword_list(request.stream), now=ctx.now())
    first = next(blocks, [])  # what is no list is refused with a status of its own
    return Response(
        stream_with_context(_import_lines(chain([first], blocks))),
        headers={"Cache-Control": "no-store"},
        content_type=JSON_LINES_TYPE,
    )


def _import_lines(blocks: Iterable[list[ImportOutcome]]) -> Iterator[str]:
    """Yield after each block how many entries were read so far, and what was refused in it."""
    counts = Counter(dict.fromkeys(("saved", "known", "foreign", "refused"), 0))
    try:
        for block in blocks:
            counts.update(outcome.outcome for outcome in block)
            refused = [asdict(outcome) for outcome in block if outcome.outcome == "refused"]
            yield json.dumps({"read": counts.total(), **counts, "problems": refused}) + "\n"
    except PaperwireError as error:
        yield json.dumps({"read": counts.total(), **counts, "error": str(error)}) + "\n"


@api.get("/keywords/<name>")
def keyword(name: str) -> Response:
    """Serve one saved keyword."""
    reject_parameters(request.args)
    ctx = context()
    slug = ctx.resolve_slug(name)
    path = f"/api/v1/keywords/{quote(slug)}"
    return redirect_to_canonical(request, path) or _serve_json(
        ctx, path, lambda version: keyword_json(ctx, version.keywords[0]), keywords=(slug,)
    )


@api.get("/sources")
def sources() -> Response:
    """Serve the states of all tasks but initial fetches, never from a cache."""
    reject_parameters(request.args)
    states = [source_json(state) for state in context().source_states.all()]
    return Response(
        _to_json_bytes({"sources": states}),
        headers={"Cache-Control": "no-store"},
        content_type=JSON_TYPE,
    )


@api.get("")
def overview() -> Response:
    """Return the description of the API as a page."""
    document = openapi_document(context().settings.base_url)
    return uncached_page(
        "api.html",
        max_age=STATIC_PAGE_MAX_AGE,
        operations=describe_operations(document),
        base_url=context().settings.base_url,
    )


@api.get("/openapi.json")
def openapi() -> Response:
    """Serve the description of the API."""
    reject_parameters(request.args)
    ctx, path = context(), "/api/v1/openapi.json"
    return redirect_to_canonical(request, path) or _serve_json(
        ctx, path, lambda _: openapi_document(ctx.settings.base_url), keywords=(ALL_KEYWORDS,)
    )


def keyword_json(ctx: AppContext, keyword: Keyword) -> dict[str, Any]:
    """Return a saved keyword with its URLs."""
    urls = SearchUrls(ctx.settings.base_url, keyword.slug, DEFAULT_PARAMS)
    return {
        "slug": keyword.slug,
        "name": single_line(keyword.name),
        "query": keyword.query,
        "added": keyword.added_at.isoformat(),
        "page": urls.url("page"),
        "feeds": {suffix: urls.url(suffix) for suffix in FORMATS},
    }


def _suggestions(ctx: AppContext, found: FeedResult) -> list[Suggestion]:
    """Return the suggestions for a search of a query of its own, on its first page."""
    params = found.address.params
    if found.keywords or found.search_request.before:
        return []
    return suggestions_for(ctx, found.query, params, ctx.counter.count(found.search_request.tree))


def _page_json(found: FeedResult, suggestions: Sequence[Suggestion]) -> dict[str, Any]:
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
        lambda version: _to_json_bytes(document(version)),
        content_type=JSON_TYPE,
        keywords=keywords,
    )


def _to_json_bytes(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
