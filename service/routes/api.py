"""The JSON API: the same questions as the feeds, answered for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response, request

from papers.errors import UnknownPaper
from papers.model.arxiv_id import ArxivId
from papers.model.merge import published_at, updated_at
from papers.model.paper import Paper, Pick
from papers.state.keywords import Keyword
from papers.state.task_states import SourceState
from service.cache.version_stamp import EVERY_KEYWORD
from service.context import Desk, Found, desk
from service.feeds import FORMATS
from service.http.responses import redirected
from service.markup.clean import clean, line, link
from service.routes.openapi import describe
from service.urls.keyword_urls import SEARCH, Address
from service.urls.params import Asked, without_parameters

api = Blueprint("api", __name__, url_prefix="/api/v1")
JSON: Final = "application/json"
_NO_OPTIONS: Final = Asked(None, {})


@api.get("/papers")
def papers() -> Response:
    """The papers of a keyword, a page at a time."""
    at = desk()
    address = at.address(SEARCH)
    path = address.api_path
    return redirected(request, path) or _served(
        at, path, lambda: _page(at.find(address)), keywords=address.keywords
    )


@api.get("/papers/<path:id>")
def paper(id: str) -> Response:
    """One paper, by any form of its id."""
    without_parameters(request.args)
    at, wanted = desk(), ArxivId.parse(id)
    path = f"/api/v1/papers/{wanted}"

    def found() -> dict[str, Any]:
        (known,) = at.store.papers([wanted])
        if known is None:
            raise UnknownPaper(f"{wanted} is not here; arXiv may have it: {wanted.url}")
        return paper_json(known)

    return redirected(request, path) or _served(at, path, found)


@api.get("/keywords")
def keywords() -> Response:
    """The saved keywords."""
    without_parameters(request.args)
    at, path = desk(), "/api/v1/keywords"

    def found() -> dict[str, Any]:
        return {"keywords": [keyword_json(at, keyword) for keyword in at.keywords.all()]}

    return redirected(request, path) or _served(at, path, found, keywords=(EVERY_KEYWORD,))


@api.get("/keywords/<name>")
def keyword(name: str) -> Response:
    """One saved keyword."""
    without_parameters(request.args)
    at = desk()
    slug = at.slug(name)
    path = f"/api/v1/keywords/{slug}"
    return redirected(request, path) or _served(
        at, path, lambda: keyword_json(at, at.keywords.get(slug)), keywords=(slug,)
    )


@api.get("/sources")
def sources() -> Response:
    """The states of the sources: always the newest, never from the cache."""
    without_parameters(request.args)
    states = [source_json(state) for state in desk().states.all()]
    return Response(
        _dumped({"sources": states}), headers={"Cache-Control": "no-store"}, content_type=JSON
    )


@api.get("/openapi.json")
def openapi() -> Response:
    """The API, described."""
    without_parameters(request.args)
    at, path = desk(), "/api/v1/openapi.json"
    return redirected(request, path) or _served(
        at, path, lambda: describe(at.settings.base_url), keywords=(EVERY_KEYWORD,)
    )


def paper_json(paper: Paper, met: tuple[Keyword, ...] = ()) -> dict[str, Any]:
    """All that is known of a paper; null is what nobody has said.

    `met` are the keywords that it met, of several asked for.
    """
    announced = paper.announce_type
    return {
        "id": str(paper.id),
        "url": paper.id.url,
        "pdf_url": paper.id.pdf_url,
        "title": line(paper.title) or None,
        "abstract": clean(paper.abstract) or None,
        "authors": [line(name) for name in paper.authors],
        "primary_category": line(paper.primary) or None,
        "categories": [line(name) for name in paper.categories],
        "published": published_at(paper).isoformat(),
        "updated": updated_at(paper).isoformat(),
        "submitted": _time(paper.submitted_at),
        "version": paper.version or None,
        "announce_type": announced.label if announced else None,
        "withdrawn": paper.withdrawn,
        **{name: line(getattr(paper, name)) or None for name in ("comment", "journal_ref", "doi")},
        **{name: link(getattr(paper, name)) or None for name in ("license", "code", "project")},
        "organization": line(paper.organization) or None,
        "votes": paper.votes,
        "picks": [_pick_json(pick) for pick in paper.picks],
        "sources": [line(name) for name in paper.sources],
        "keywords": [keyword.slug for keyword in met] or None,
    }


def keyword_json(at: Desk, keyword: Keyword) -> dict[str, Any]:
    """A saved keyword with its addresses."""
    address = Address(at.settings.base_url, keyword.slug, _NO_OPTIONS)
    return {
        "slug": keyword.slug,
        "name": line(keyword.name),
        "query": keyword.query,
        "added": keyword.added_at.isoformat(),
        "page": address.url("page"),
        "feeds": {suffix: address.url(suffix) for suffix in FORMATS},
    }


def source_json(state: SourceState) -> dict[str, Any]:
    """How a source is."""
    return {
        "name": state.name,
        "state": str(state.state),
        "since": state.since.isoformat(),
        "attempted": state.attempted_at.isoformat(),
        "succeeded": _time(state.succeeded_at),
        "next": _time(state.next_at),
        "said": line(state.said),
        "got": state.got,
        "usual": state.usual,
        "failures": state.failures,
    }


def _page(found: Found) -> dict[str, Any]:
    address, following = found.address, found.page.next
    return {
        "query": found.query.canonical,
        "papers": [paper_json(paper, found.met(paper)) for paper in found.page.papers],
        "next": address.base_url + address.after(following).api_path if following else None,
        "complete": found.page.complete,
    }


def _pick_json(pick: Pick) -> dict[str, Any]:
    return {
        "community": line(pick.community),
        "picked": pick.picked_at.isoformat(),
        "url": link(pick.url) or None,
        "discussion": link(pick.discussion) or None,
        "votes": pick.votes,
        "comments": pick.comments,
        "submitter": line(pick.submitter) or None,
        "thumbnail": link(pick.thumbnail) or None,
    }


def _served(
    at: Desk, path: str, found: Callable[[], dict[str, Any]], *, keywords: tuple[str, ...] = ()
) -> Response:
    return at.serve(path, lambda: _dumped(found()), content_type=JSON, keywords=keywords)


def _dumped(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _time(value: datetime | None) -> str | None:
    return value.isoformat() if value else None
