"""The page that manages saved keywords: anyone may read it, changes require the token.

    find ─▶ the keywords whose name or query contains a text, a page of them at a time
    form ─▶ preview: the query's newest papers; nothing is saved
         ─▶ save, rename, merge, remove, restore ─▶ the page with a message
         ─▶ import a file ─▶ a page that grows as the keywords of the file are saved
         ─▶ save, fetch with `then=show` ─▶ the keyword's page, for forms that are elsewhere

The token is a header or a field of the form, not a cookie, so no other site can make a browser
send it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from flask import Response, request, url_for

from papers.errors import (
    BadInput,
    BadParameter,
    FormerNameTaken,
    ScopeMissing,
    Unauthorized,
    UnknownKeyword,
)
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.search.counts import MatchCounts
from papers.state.former_names import UNDO_PERIOD
from papers.state.keyword_record import Keyword
from papers.state.slugs import MAX_NAME_LENGTH, slug_of, slugify
from service.context import AppContext, context
from service.feeds.entry import Entry
from service.http.error_pages import status_of
from service.markup.clean import single_line
from service.pages.manage.token_access import describe_access
from service.pages.parts.highlight import HighlightedEntry, highlight_entry
from service.pages.parts.import_progress import import_response
from service.pages.parts.page_response import pages, uncached_page
from service.pages.parts.plots import BarPlot, month_plot
from service.pages.parts.reader_links import mailed_keywords
from service.urls.paging import ListPage, parse_page_number, slice_page

PREVIEW_PAPERS: Final = 8
KEYWORDS_PER_PAGE: Final = 50
MAX_FIND_LENGTH: Final = 500
_NO_RESULT: Final[Mapping[str, Any]] = {
    "message": "",
    "error": "",
    "preview": None,
    "twin": None,
    "offers_take_over": False,
}
_FORM_FIELDS: Final = (
    *("token", "name", "query", "keyword", "into", "find", "page"),
    *("take_over", "also", "then"),
)


@dataclass(frozen=True, slots=True)
class QueryPreview:
    """The newest papers of a query that is not saved."""

    query: str
    papers: list[HighlightedEntry]
    counts: MatchCounts | None
    plot: BarPlot | None


class _Done(NamedTuple):
    """A change that was made: the keyword as it is now, and what the page says."""

    keyword: Keyword
    text: str


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
        ctx.token_guard.require_form(given["token"], request.headers, "keywords")
        if action == "import":
            return import_response(ctx)
        if action == "save" and (twin := _find_twin(ctx, given)):
            given["name"] = given["name"] or _name_of(given["query"])
            return _render_manage(ctx, given, status=409, twin=twin)
        done = _ACTIONS[action](ctx, given)
    except (BadInput, Unauthorized, ScopeMissing, UnknownKeyword) as error:
        asks = isinstance(error, FormerNameTaken)
        status = status_of(error)
        return _render_manage(ctx, given, error=str(error), status=status, offers_take_over=asks)
    if given["then"] == "show":
        page = url_for("pages.keyword", name=done.keyword.slug)
        return Response(status=303, headers={"Location": page, "Cache-Control": "no-store"})
    kept = {name: given[name] for name in ("token", "find", "page")}
    return _render_manage(ctx, kept, message=done.text)


def _render_manage(
    ctx: AppContext, given: Mapping[str, str], *, status: int = 200, **result: Any
) -> Response:
    return uncached_page(
        "manage.html",
        status=status,
        page=_find_keywords(ctx, given),
        given={**dict.fromkeys(_FORM_FIELDS, ""), **given},
        access=describe_access(ctx),
        mailed=mailed_keywords(ctx.settings),
        removed=ctx.keywords.former_names.removed_lately(ctx.now()),
        **{
            "message": "",
            "error": "",
            "preview": None,
            "twin": None,
            "offers_take_over": False,
            **result,
        },
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


def _find_twin(ctx: AppContext, given: Mapping[str, str]) -> Keyword | None:
    """Return the saved keyword that finds the same under another name, unless that is intended.

    Raises BadQuery.
    """
    if given["also"]:
        return None
    twin = ctx.percolators.same_query(parse_query(given["query"]), ctx.directory.read())
    return None if twin and twin.slug == slugify(given["name"]) else twin


def _save(ctx: AppContext, given: Mapping[str, str]) -> _Done:
    take_over, name = bool(given["take_over"]), given["name"] or _name_of(given["query"])
    if not given["name"] and ctx.keywords.is_saved(slugify(name)):
        raise BadParameter("name", f"{name!r} is saved with another query; choose another")
    keyword = ctx.keywords.add(name, given["query"], now=ctx.now(), take_over=take_over)
    return _Done(keyword, f"{keyword.name} is saved; its first papers are being fetched.")


def _name_of(query_text: str) -> str:
    """Return the name of a keyword that is saved without one: what was typed, as far as it fits."""
    text = parse_query(query_text).display_text
    is_phrase = text.count('"') == 2 and text.startswith('"') and text.endswith('"')
    name = text.strip('"') if is_phrase else text
    return name if len(name) <= MAX_NAME_LENGTH else name[:MAX_NAME_LENGTH].rpartition(" ")[0]


def _rename(ctx: AppContext, given: Mapping[str, str]) -> _Done:
    take_over = bool(given["take_over"])
    keyword = ctx.keywords.rename(given["keyword"], given["name"], take_over=take_over)
    text = f"Renamed to {keyword.name}; old URLs of its feeds lead to /feeds/{keyword.slug}."
    return _Done(keyword, text)


def _merge(ctx: AppContext, given: Mapping[str, str]) -> _Done:
    keyword = ctx.keywords.merge(given["keyword"], given["into"], now=ctx.now())
    return _Done(keyword, f"{keyword.name} now finds the papers of both.")


def _fetch_past(ctx: AppContext, given: Mapping[str, str]) -> _Done:
    keyword = ctx.keywords.fetch_past(given["keyword"], now=ctx.now())
    return _Done(keyword, f"The newest papers of {keyword.name} will be fetched from arXiv.")


def _remove(ctx: AppContext, given: Mapping[str, str]) -> _Done:
    keyword = ctx.keywords.remove(given["keyword"], now=ctx.now())
    days = UNDO_PERIOD.days
    return _Done(keyword, f"{keyword.name} is removed; below it can be restored for {days} days.")


def _restore(ctx: AppContext, given: Mapping[str, str]) -> _Done:
    keyword = ctx.keywords.restore(given["keyword"])
    return _Done(keyword, f"{keyword.name} is saved again.")


_ACTIONS: Final[dict[str, Callable[[AppContext, Mapping[str, str]], _Done]]] = {
    "save": _save,
    "rename": _rename,
    "merge": _merge,
    "fetch": _fetch_past,
    "remove": _remove,
    "restore": _restore,
}
