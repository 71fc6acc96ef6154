"""Managing the saved keywords: looked at by anyone, changed by whoever has the token.

    form ─▶ preview: what the query would find, nothing is written
         ─▶ save, rename, merge, remove: with the token ─▶ done, and said

The token is a field of the form: no cookie, so no other site can have a browser send it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, request

from papers.errors import BadInput, BadParameter, Unauthorized, UnknownKeyword
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.search.counts import MatchCounts
from papers.state.keywords import slug_of
from service.context import AppContext, context
from service.feeds.entry import Entry
from service.http.auth import require_form_token
from service.http.error_pages import status_of
from service.pages.parts.highlight import HighlightedEntry, highlight_entry
from service.pages.parts.page_response import pages, uncached_page
from service.pages.parts.plots import BarPlot, month_plot
from service.pages.parts.reader_links import mailed_keywords

PREVIEW_PAPERS: Final = 8
_FORM_FIELDS: Final = ("token", "name", "query", "keyword", "into")


@dataclass(frozen=True, slots=True)
class QueryPreview:
    """What a query would find."""

    query: str
    papers: list[HighlightedEntry]
    counts: MatchCounts | None
    plot: BarPlot | None


@pages.get("/manage")
def manage() -> Response:
    """The saved keywords, and the forms that change them; `name` and `query` may be given."""
    given = {name: request.args.get(name, "") for name in ("name", "query")}
    return _render_manage(context(), given)


@pages.post("/manage")
def managed() -> Response:
    """One change, or a preview of one; then the page again, with what came of it."""
    ctx = context()
    given = {name: request.form.get(name, "").strip() for name in _FORM_FIELDS}
    action = request.form.get("action", "")
    try:
        if action == "preview":
            return _render_manage(ctx, given, preview=_build_preview(ctx, given))
        if action not in _ACTIONS:
            raise BadParameter("action", f"is none of preview, {', '.join(_ACTIONS)}")
        require_form_token(ctx.settings, given["token"])
        said = _ACTIONS[action](ctx, given)
    except (BadInput, Unauthorized, UnknownKeyword) as error:
        return _render_manage(ctx, given, fault=str(error), status=status_of(error))
    return _render_manage(ctx, {"token": given["token"]}, said=said)


def _render_manage(
    ctx: AppContext, given: Mapping[str, str], *, status: int = 200, **came: Any
) -> Response:
    response = uncached_page(
        "manage.html",
        keywords=ctx.keywords.all(),
        given=given,
        writable=bool(ctx.settings.token),
        mailed=mailed_keywords(ctx.settings),
        **{"said": "", "fault": "", "preview": None, **came},
    )
    response.status_code = status
    return response


def _build_preview(ctx: AppContext, given: Mapping[str, str]) -> QueryPreview:
    ctx.consume_quota()
    query = parse_query(given["query"])
    if given["name"]:
        slug_of(given["name"])
    ask = SearchRequest(query=query, limit=PREVIEW_PAPERS)
    papers = [highlight_entry(Entry(paper), query) for paper in ctx.store.search(ask).papers]
    counts = ctx.counter.count(ask.tree)
    return QueryPreview(query.canonical, papers, counts, month_plot(counts) if counts else None)


def _save(ctx: AppContext, given: Mapping[str, str]) -> str:
    keyword = ctx.keywords.add(given["name"], given["query"], now=ctx.now())
    return f"{keyword.name} is saved; its first papers are being fetched."


def _rename(ctx: AppContext, given: Mapping[str, str]) -> str:
    keyword = ctx.keywords.rename(given["keyword"], given["name"])
    return f"It is called {keyword.name} now, and its feeds are under /feeds/{keyword.slug}."


def _merge(ctx: AppContext, given: Mapping[str, str]) -> str:
    keyword = ctx.keywords.merge(given["keyword"], given["into"], now=ctx.now())
    return f"{keyword.name} finds both now."


def _remove(ctx: AppContext, given: Mapping[str, str]) -> str:
    return f"{ctx.keywords.remove(given['keyword']).name} is removed."


_ACTIONS: Final[dict[str, Callable[[AppContext, Mapping[str, str]], str]]] = {
    "save": _save,
    "rename": _rename,
    "merge": _merge,
    "remove": _remove,
}
