"""Community feeds over the API: one to read, to save and to remove, as commands and /manage do."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, Response, request

from papers.errors import UnknownSource
from papers.state.communities import Community
from service.context import AppContext, context
from service.http.responses import JSON_TYPE, to_json_bytes
from service.json_api.documents import community_json
from service.routes.api_v1.written import (
    parse_object,
    removed_response,
    request_body,
    written_response,
)
from service.urls.params import abbreviate, reject_parameters

saved_sources = Blueprint("saved_sources", __name__, url_prefix="/api/v1")


@saved_sources.get("/sources/<name>")
def get_source(name: str) -> Response:
    """Serve one community feed, never from a cache."""
    reject_parameters(request.args)
    feed = _known(context(), name)
    if feed is None:
        raise UnknownSource(f"there is no community feed {abbreviate(name)!r}")
    headers = {"Cache-Control": "no-store"}
    return Response(to_json_bytes(community_json(feed)), headers=headers, content_type=JSON_TYPE)


@saved_sources.post("/sources")
def post_source() -> Response:
    """Save a community feed, or change the URL of one."""
    reject_parameters(request.args)
    ctx = context()
    ctx.token_guard.require(request.headers, "sources")
    given = parse_object(request_body(), {"name": str, "url": str})
    return _save(ctx, given["name"], given["url"])


@saved_sources.put("/sources/<name>")
def put_source(name: str) -> Response:
    """Save a community feed under its name; to repeat it changes nothing."""
    reject_parameters(request.args)
    ctx = context()
    ctx.token_guard.require(request.headers, "sources")
    given = parse_object(request_body(), {"url": str})
    return _save(ctx, name, given["url"])


@saved_sources.delete("/sources/<name>")
def delete_source(name: str) -> Response:
    """Remove a saved feed; its picks stay."""
    reject_parameters(request.args)
    ctx = context()
    ctx.token_guard.require(request.headers, "sources")
    ctx.communities.remove(name)
    return removed_response()


def _known(ctx: AppContext, name: str) -> Community | None:
    return next((feed for feed in ctx.communities.all() if feed.name == name.strip()), None)


def _save(ctx: AppContext, name: str, url: str) -> Response:
    is_new = _known(ctx, name) is None
    feed = ctx.communities.add(name, url, now=ctx.now())
    path = f"/api/v1/sources/{quote(feed.name)}"
    return written_response(ctx, community_json(feed), path, is_new=is_new)
