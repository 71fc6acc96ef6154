"""For clients that keep a copy of all papers: the list of all, and what has changed since.

    GET /changes                  the cursor of now
    GET /listing, then its next   every paper, newest first
    GET /changes?after=CURSOR     what changed since: again and again

A paper that changes while the list is read is in the changes afterwards, so the copy is complete
whatever was read when. Nothing here is cached: each client is somewhere else.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, request

from papers.errors import CursorGone
from service.context import AppContext, context
from service.http.error_pages import error_response
from service.http.responses import JSON_TYPE, to_json_bytes
from service.json_api.documents import change_json, paper_json
from service.urls.cursor_parameters import (
    AFTER_PARAMETER,
    BEFORE_PARAMETER,
    DEFAULT_SIZE,
    SIZE_PARAMETER,
)
from service.urls.params import parse_plain_params

changes = Blueprint("changes", __name__, url_prefix="/api/v1")
LISTING_PATH: Final = "/api/v1/listing"
_CHANGES_PATH: Final = "/api/v1/changes"


@changes.get("/changes")
def follow() -> Response:
    """Serve what changed after a cursor, oldest first: a row a paper, its last change."""
    ctx, given = context(), parse_plain_params(request.args, (AFTER_PARAMETER, SIZE_PARAMETER))
    after, limit = given.get("after"), given.get("n", DEFAULT_SIZE)
    with ctx.quota.charging():
        if after is None:
            return _uncached_json(_changes_json(ctx, [], ctx.store.changed_papers.last_cursor()))
        try:
            found = ctx.store.changed_papers.read(after, limit)
        except CursorGone as error:
            return _gone(ctx, error)
        papers = ctx.store.get_papers([move.id for move in found.moves])
        rows = [change_json(*each) for each in zip(found.moves, papers, strict=True)]
        return _uncached_json(_changes_json(ctx, rows, found.cursor, has_more=found.has_more))


def _changes_json(
    ctx: AppContext, rows: list[dict[str, Any]], cursor: int, *, has_more: bool = False
) -> dict[str, Any]:
    base_url = ctx.settings.base_url
    return {
        "changes": rows,
        "cursor": str(cursor),
        "next": f"{base_url}{_CHANGES_PATH}?after={cursor}",
        "more": has_more,
        "listing": base_url + LISTING_PATH,
    }


def _gone(ctx: AppContext, error: CursorGone) -> Response:
    """Return the 410 for a cursor, with the address of the list of all papers."""
    listing = ctx.settings.base_url + LISTING_PATH
    mend = f"request {_CHANGES_PATH} for a new cursor, then read all papers again at {listing}"
    response = error_response(CursorGone(f"{error}; {mend}"))
    response.headers["Link"] = f'<{listing}>; rel="related"'
    response.data = to_json_bytes({**response.get_json(), "listing": listing})
    return response


@changes.get("/listing")
def all_papers() -> Response:
    """Serve every paper, newest id first, a page at a time."""
    ctx, given = context(), parse_plain_params(request.args, (BEFORE_PARAMETER, SIZE_PARAMETER))
    before, limit = given.get("before"), given.get("n", DEFAULT_SIZE)
    with ctx.quota.charging():
        ids = ctx.store.list_ids(before, limit)
        size = f"&n={limit}" if limit != DEFAULT_SIZE else ""
        url = ctx.settings.base_url + LISTING_PATH
        document = {
            "papers": [paper_json(paper) for paper in ctx.store.get_papers(ids) if paper],
            "next": f"{url}?before={ids[-1]}{size}" if len(ids) == limit else None,
        }
        return _uncached_json(document)


def _uncached_json(document: dict[str, Any]) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(to_json_bytes(document), headers=headers, content_type=JSON_TYPE)
