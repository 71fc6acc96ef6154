"""Writing the saved keywords, one or a whole list: the same operations as commands and /manage."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from io import BytesIO
from itertools import chain
from typing import IO, Any, Final
from urllib.parse import quote

from flask import Blueprint, Response, request, stream_with_context

from papers.command_name import command_line
from papers.errors import BadParameter, FormerNameTaken, PaperwireError, UnknownKeyword
from papers.state.import_blocks import ImportOutcome, import_keywords
from papers.state.keyword_record import Keyword
from papers.state.slugs import slug_of
from service.context import AppContext, context
from service.edge.request_bodies import MAX_BODY_BYTES
from service.exports.keyword_list_reader import read_keyword_list
from service.http.responses import JSON_TYPE
from service.json_api.documents import keyword_json
from service.routes.api_v1.written import (
    parse_object,
    removed_response,
    request_body,
    written_response,
)
from service.urls.params import reject_parameters

saved_keywords = Blueprint("saved_keywords", __name__, url_prefix="/api/v1")
JSON_LINES_TYPE: Final = "application/x-ndjson"


@saved_keywords.post("/keywords")
def post_keyword() -> Response:
    """Save one keyword; or those of a list, and serve a line of JSON for each block."""
    reject_parameters(request.args)
    ctx = context()
    ctx.token_guard.require(request.headers, "keywords")
    if not request.content_length:
        raise BadParameter("body", "is empty; send a keyword as JSON, or a list of them")
    if not _is_single_object():
        return _import_list(ctx)
    given = parse_object(request_body(), {"name": str, "query": str}, {"take_over": bool})
    return _save(ctx, given["name"], given, _known(ctx, given["name"]))


@saved_keywords.put("/keywords/<name>")
def put_keyword(name: str) -> Response:
    """Save a keyword under its name; to repeat it changes nothing."""
    reject_parameters(request.args)
    ctx = context()
    ctx.token_guard.require(request.headers, "keywords")
    given = parse_object(request_body(), {"query": str}, {"name": str, "take_over": bool})
    known = _known(ctx, name)
    new_name = given.get("name", known.name if known else name)
    slug = known.slug if known else slug_of(name)
    if known and new_name == known.name:
        return _save(ctx, new_name, given, known)
    if slug_of(new_name) != slug:
        renamed_by = command_line("keyword rename")
        mend = f"put it there; `{renamed_by}` and /manage give a keyword another name"
        raise BadParameter("name", f"has the slug {slug_of(new_name)!r}, not {slug!r}; {mend}")
    if known:
        ctx.keywords.rename(known.slug, new_name)
    return _save(ctx, new_name, given, known)


@saved_keywords.delete("/keywords/<name>")
def delete_keyword(name: str) -> Response:
    """Remove a keyword, which can be restored for a week."""
    reject_parameters(request.args)
    ctx = context()
    ctx.token_guard.require(request.headers, "keywords")
    ctx.keywords.remove(name, now=ctx.now())
    return removed_response()


def _known(ctx: AppContext, name: str) -> Keyword | None:
    with suppress(UnknownKeyword):
        return ctx.keywords.get(name)
    return None


def _save(ctx: AppContext, name: str, given: dict[str, Any], known: Keyword | None) -> Response:
    take_over = given.get("take_over", False)
    try:
        keyword = ctx.keywords.add(name, given["query"], now=ctx.now(), take_over=take_over)
    except FormerNameTaken as error:
        how = 'with "take_over": true'
        raise FormerNameTaken(error.former_name, error.successor, how=how) from error
    is_new = known is None and keyword.slug == slug_of(name)  # else a former name leads to it
    document = keyword_json(keyword, ctx.settings.base_url)
    return written_response(ctx, document, f"/api/v1/keywords/{quote(keyword.slug)}", is_new=is_new)


def _is_long() -> bool:
    return (request.content_length or 0) > MAX_BODY_BYTES


def _body_file() -> IO[bytes]:
    """Return the body as a file; what is short was read already."""
    return request.stream if _is_long() else BytesIO(request_body())


def _is_single_object() -> bool:
    """Return whether the body is one JSON object, rather than a list to import.

    Raises BadParameter if it is neither, but says that it is JSON.
    """
    if request.mimetype == JSON_LINES_TYPE or _is_long():
        return False
    body = request_body().lstrip()
    if request.mimetype == JSON_TYPE and not body.startswith((b"{", b"[")):
        raise BadParameter("body", "is no JSON object or list; send a keyword, or a list of them")
    if not body.startswith(b"{"):
        return False
    try:
        return "keywords" not in json.loads(body)
    except (ValueError, RecursionError):
        return False  # several objects, or broken ones: the import says what is wrong


def _import_list(ctx: AppContext) -> Response:
    blocks = import_keywords(ctx.redis, read_keyword_list(_body_file()), now=ctx.now())
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
