"""The JSON API: the same searches as the feeds, for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from itertools import chain, zip_longest
from typing import Any, Final
from urllib.parse import quote

from flask import Blueprint, Response, request, stream_with_context

from papers.errors import PaperwireError, UnknownPaper
from papers.model.arxiv_id import ArxivId
from papers.model.events import EventRef, revision_event
from papers.model.merge import code_known_at, published_at, updated_at
from papers.model.paper import Paper, Pick, Revision
from papers.model.resources import PaperResource, paper_resources
from papers.state.import_blocks import ImportOutcome, import_keywords
from papers.state.keyword_record import Keyword
from papers.state.task_states import TaskState
from papers.text.paper_links import LinkKind
from service.cache.render_request import PreparedBody
from service.cache.version_stamp import ALL_KEYWORDS, StoreVersion
from service.context import AppContext, FeedResult, context
from service.exports.keyword_list_reader import read_keyword_list
from service.feeds import FORMATS
from service.http.auth import require_token
from service.http.responses import redirect_to_canonical
from service.markup.clean import clean_xml_text, single_line, valid_http_url
from service.markup.paper_text import author_names
from service.routes.openapi import openapi_document
from service.search_title import shown_query
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
        body = _to_json_bytes(_page_json(found))
        return PreparedBody.of_bytes(body) if found.page.is_complete else body

    return redirect_to_canonical(request, path) or ctx.serve(
        path,
        render,
        content_type=JSON_TYPE,
        keywords=urls.keywords,
        shown_query=lambda version: shown_query(urls.params, version),
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
            raise UnknownPaper(f"{wanted} is not here; arXiv may have it: {wanted.url}")
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


@api.get("/openapi.json")
def openapi() -> Response:
    """Serve the description of the API."""
    reject_parameters(request.args)
    ctx, path = context(), "/api/v1/openapi.json"
    return redirect_to_canonical(request, path) or _serve_json(
        ctx, path, lambda _: openapi_document(ctx.settings.base_url), keywords=(ALL_KEYWORDS,)
    )


def paper_json(
    paper: Paper, matched: tuple[Keyword, ...] = (), event: EventRef | None = None
) -> dict[str, Any]:
    """Return all that is known of a paper; null if no source has stated it.

    `matched` are the keywords that it matches, if several were requested; `event` is what put it
    where it stands, in an order of events.
    """
    announced = paper.announce_type
    resources = paper_resources(paper)
    return {
        "id": str(paper.id),
        "url": paper.id.url,
        "pdf_url": paper.id.pdf_url,
        "title": single_line(paper.title) or None,
        "abstract": clean_xml_text(paper.abstract) or None,
        "authors": list(author_names(paper)),
        "primary_category": single_line(paper.primary) or None,
        "categories": [single_line(name) for name in paper.categories],
        "published": published_at(paper).isoformat(),
        "updated": updated_at(paper).isoformat(),
        "submitted": _iso_time(paper.submitted_at),
        "version": paper.version or None,
        "announce_type": announced.label if announced else None,
        "withdrawn": paper.withdrawn,
        **{
            name: single_line(getattr(paper, name)) or None
            for name in ("comment", "journal_ref", "doi")
        },
        **{
            name: valid_http_url(url) or None
            for name, url in (
                ("license", paper.license),
                ("code", _first_url(resources, LinkKind.CODE)),
                ("project", _first_url(resources, LinkKind.PROJECT)),
            )
        },
        "resources": [
            _resource_json(resource) for resource in resources if valid_http_url(resource.url)
        ],
        "organization": single_line(paper.organization) or None,
        "votes": paper.votes,
        "picks": [_pick_json(pick) for pick in paper.picks],
        "sources": [single_line(name) for name in paper.sources],
        "versions": [_version_json(paper, revision) for revision in paper.versions],
        "code_since": _iso_time(code_known_at(paper)),
        "keywords": [keyword.slug for keyword in matched] or None,
        "event": _event_json(event) if event else None,
    }


def _first_url(resources: Iterable[PaperResource], kind: LinkKind) -> str:
    """Return the first URL of a kind that is not only announced; empty if there is none."""
    found = (each.url for each in resources if kind in each.kind and not each.is_announced)
    return next(found, "")


def _resource_json(resource: PaperResource) -> dict[str, Any]:
    return {
        "url": valid_http_url(resource.url),
        "kinds": [kind.name.lower() for kind in LinkKind if kind in resource.kind and kind.name],
        "announced": resource.is_announced,
    }


def _version_json(paper: Paper, revision: Revision) -> dict[str, Any]:
    event = revision_event(paper, revision)
    return {"version": event.version, "announced": event.at.isoformat()}


def _event_json(event: EventRef) -> dict[str, Any]:
    return {"at": event.at.isoformat(), "version": event.version or None}


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


def source_json(state: TaskState) -> dict[str, Any]:
    """Return the state of a task."""
    return {
        "name": state.name,
        "state": str(state.state),
        "since": state.since.isoformat(),
        "attempted": state.attempted_at.isoformat(),
        "succeeded": _iso_time(state.succeeded_at),
        "next": _iso_time(state.next_at),
        "said": single_line(state.said),
        "got": state.got,
        "usual": state.usual,
        "failures": state.failures,
    }


def _page_json(found: FeedResult) -> dict[str, Any]:
    urls, cursor = found.address, found.page.next_cursor
    return {
        "query": found.query.display_text,
        "read_as": found.query.canonical,
        "notes": [asdict(note) for note in found.notes],
        "papers": [
            paper_json(paper, found.matched_keywords(paper), event)
            for paper, event in zip_longest(found.page.papers, found.page.events)
        ],
        "next": urls.base_url + urls.at_cursor(cursor).api_path if cursor else None,
        "complete": found.page.is_complete,
    }


def _pick_json(pick: Pick) -> dict[str, Any]:
    return {
        "community": single_line(pick.community),
        "picked": pick.picked_at.isoformat(),
        "url": valid_http_url(pick.url) or None,
        "discussion": valid_http_url(pick.discussion) or None,
        "votes": pick.votes,
        "comments": pick.comments,
        "submitter": single_line(pick.submitter) or None,
        "thumbnail": valid_http_url(pick.thumbnail) or None,
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


def _iso_time(value: datetime | None) -> str | None:
    return value.isoformat() if value else None
