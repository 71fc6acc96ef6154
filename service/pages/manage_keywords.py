"""The page that manages saved keywords: anyone may read it, changes require the token.

    find ─▶ the keywords whose name or query contains a text, a page of them at a time
    form ─▶ preview: the query's newest papers; nothing is saved
         ─▶ save, rename, merge, remove, restore ─▶ the page with a message
         ─▶ import a file ─▶ a page that grows as the keywords of the file are saved

The token is a field of the form, not a cookie, so no other site can make a browser send it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, request

from papers.errors import (
    BadInput,
    BadParameter,
    FormerNameTaken,
    Unauthorized,
    UnknownKeyword,
)
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.search.counts import MatchCounts
from papers.state.former_names import UNDO_PERIOD
from papers.state.keyword_record import Keyword
from papers.state.slugs import slug_of
from service.context import AppContext, context
from service.feeds.entry import Entry
from service.http.auth import require_form_token
from service.http.error_pages import status_of
from service.markup.clean import single_line
from service.pages.parts.highlight import HighlightedEntry, highlight_entry
from service.pages.parts.import_progress import import_response
from service.pages.parts.page_response import pages, uncached_page
from service.pages.parts.plots import BarPlot, month_plot
from service.pages.parts.reader_links import mailed_keywords
from service.urls.paging import ListPage, parse_page_number, slice_page

PREVIEW_PAPERS: Final = 8
KEYWORDS_PER_PAGE: Final = 50
MAX_FIND_LENGTH: Final = 500
_FORM_FIELDS: Final = ("token", "name", "query", "keyword", "into", "find", "page", "take_over")


@dataclass(frozen=True, slots=True)
class QueryPreview:
    """The newest papers of a query that is not saved."""

    query: str
    papers: list[HighlightedEntry]
    counts: MatchCounts | None
    plot: BarPlot | None


@pages.get("/manage")
def manage() -> Response:
    """Return a page of the saved keywords and their forms; `name` and `query` prefill the first.

    `find` selects keywords by a text in their name or query, and `page` a page of these.
    """
    given = {name: request.args.get(name, "") for name in ("name", "query", "find", "page")}
    return _render_manage(context(), given)


@pages.post("/manage")
def managed() -> Response:
    """Preview or make a change; return the page with the result."""
    ctx = context()
    given = {name: request.form.get(name, "").strip() for name in _FORM_FIELDS}
    action = request.form.get("action", "")
    try:
        if action == "preview":
            return _render_manage(ctx, given, preview=_build_preview(ctx, given))
        if action not in (*_ACTIONS, "import"):
            raise BadParameter("action", f"is none of preview, import, {', '.join(_ACTIONS)}")
        require_form_token(ctx.settings, given["token"], ctx.quota)
        if action == "import":
            return import_response(ctx)
        message = _ACTIONS[action](ctx, given)
    except (BadInput, Unauthorized, UnknownKeyword) as error:
        asks = isinstance(error, FormerNameTaken)
        status = status_of(error)
        return _render_manage(ctx, given, error=str(error), status=status, offers_take_over=asks)
    kept = {name: given[name] for name in ("token", "find", "page")}
    return _render_manage(ctx, kept, message=message)


def _render_manage(
    ctx: AppContext, given: Mapping[str, str], *, status: int = 200, **result: Any
) -> Response:
    return uncached_page(
        "manage.html",
        status=status,
        page=_find_keywords(ctx, given),
        given={**dict.fromkeys(_FORM_FIELDS, ""), **given},
        writable=bool(ctx.settings.token),
        mailed=mailed_keywords(ctx.settings),
        removed=ctx.keywords.former_names.removed_lately(ctx.now()),
        **{"message": "", "error": "", "preview": None, "offers_take_over": False, **result},
    )


def _find_keywords(ctx: AppContext, given: Mapping[str, str]) -> ListPage[Keyword]:
    """Return the page of keywords to show: the last one if the list has become shorter."""
    text = single_line(given.get("find", ""))[:MAX_FIND_LENGTH]
    found = ctx.directory.read().find(text)
    last = max(1, -(-len(found) // KEYWORDS_PER_PAGE))
    number = min(parse_page_number(given), last)
    return slice_page(found, number, KEYWORDS_PER_PAGE, "/manage", {"find": text})


def _build_preview(ctx: AppContext, given: Mapping[str, str]) -> QueryPreview:
    ctx.quota.spend_question()
    query = parse_query(given["query"])
    if given["name"]:
        slug_of(given["name"])
    ask = SearchRequest(query=query, limit=PREVIEW_PAPERS)
    papers = [highlight_entry(Entry(paper), query) for paper in ctx.store.search(ask).papers]
    counts = ctx.counter.count(ask.tree)
    return QueryPreview(query.display_text, papers, counts, month_plot(counts) if counts else None)


def _save(ctx: AppContext, given: Mapping[str, str]) -> str:
    take_over = bool(given["take_over"])
    keyword = ctx.keywords.add(given["name"], given["query"], now=ctx.now(), take_over=take_over)
    return f"{keyword.name} is saved; its first papers are being fetched."


def _rename(ctx: AppContext, given: Mapping[str, str]) -> str:
    take_over = bool(given["take_over"])
    keyword = ctx.keywords.rename(given["keyword"], given["name"], take_over=take_over)
    return f"Renamed to {keyword.name}; old URLs of its feeds lead to /feeds/{keyword.slug}."


def _merge(ctx: AppContext, given: Mapping[str, str]) -> str:
    keyword = ctx.keywords.merge(given["keyword"], given["into"], now=ctx.now())
    return f"{keyword.name} now finds the papers of both."


def _fetch_past(ctx: AppContext, given: Mapping[str, str]) -> str:
    keyword = ctx.keywords.fetch_past(given["keyword"], now=ctx.now())
    return f"The newest papers of {keyword.name} will be fetched from arXiv."


def _remove(ctx: AppContext, given: Mapping[str, str]) -> str:
    keyword = ctx.keywords.remove(given["keyword"], now=ctx.now())
    return f"{keyword.name} is removed; below it can be restored for {UNDO_PERIOD.days} days."


def _restore(ctx: AppContext, given: Mapping[str, str]) -> str:
    return f"{ctx.keywords.restore(given['keyword']).name} is saved again."


_ACTIONS: Final[dict[str, Callable[[AppContext, Mapping[str, str]], str]]] = {
    "save": _save,
    "rename": _rename,
    "merge": _merge,
    "fetch": _fetch_past,
    "remove": _remove,
    "restore": _restore,
}
