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

from papers.errors import BadInput, BadParameter, NotAllowed, UnknownKeyword
from papers.query.parser import parse
from papers.query.request import Ask
from papers.search.counts import Counts
from papers.state.keywords import slug_of
from service.context import Desk, desk
from service.feeds.entry import Entry
from service.http.auth import require_in_form
from service.http.error_pages import status_of
from service.pages.parts.highlight import Shown, shown
from service.pages.parts.page_response import fresh, pages
from service.pages.parts.plots import BarPlot, month_plot
from service.pages.parts.reader_links import mailed

PREVIEW_PAPERS: Final = 8
_FIELDS: Final = ("token", "name", "query", "keyword", "into")


@dataclass(frozen=True, slots=True)
class Preview:
    """What a query would find."""

    query: str
    papers: list[Shown]
    counts: Counts | None
    plot: BarPlot | None


@pages.get("/manage")
def manage() -> Response:
    """The saved keywords, and the forms that change them; `name` and `query` may be given."""
    given = {name: request.args.get(name, "") for name in ("name", "query")}
    return _shown(desk(), given)


@pages.post("/manage")
def managed() -> Response:
    """One change, or a preview of one; then the page again, with what came of it."""
    at = desk()
    given = {name: request.form.get(name, "").strip() for name in _FIELDS}
    action = request.form.get("action", "")
    try:
        if action == "preview":
            return _shown(at, given, preview=_preview(at, given))
        if action not in _CHANGES:
            raise BadParameter("action", f"is none of preview, {', '.join(_CHANGES)}")
        require_in_form(at.settings, given["token"])
        said = _CHANGES[action](at, given)
    except (BadInput, NotAllowed, UnknownKeyword) as error:
        return _shown(at, given, fault=str(error), status=status_of(error))
    return _shown(at, {"token": given["token"]}, said=said)


def _shown(at: Desk, given: Mapping[str, str], *, status: int = 200, **came: Any) -> Response:
    response = fresh(
        "manage.html",
        keywords=at.keywords.all(),
        given=given,
        writable=bool(at.settings.token),
        mailed=mailed(at.settings),
        **{"said": "", "fault": "", "preview": None, **came},
    )
    response.status_code = status
    return response


def _preview(at: Desk, given: Mapping[str, str]) -> Preview:
    at.rates.spend(request.remote_addr or "")
    query = parse(given["query"])
    if given["name"]:
        slug_of(given["name"])
    ask = Ask(query=query, limit=PREVIEW_PAPERS)
    papers = [shown(Entry(paper), query) for paper in at.store.search(ask).papers]
    counts = at.counter.count(ask.tree)
    return Preview(query.canonical, papers, counts, month_plot(counts) if counts else None)


def _save(at: Desk, given: Mapping[str, str]) -> str:
    keyword = at.keywords.add(given["name"], given["query"], now=at.now())
    return f"{keyword.name} is saved; its first papers are being fetched."


def _rename(at: Desk, given: Mapping[str, str]) -> str:
    keyword = at.keywords.rename(given["keyword"], given["name"])
    return f"It is called {keyword.name} now, and its feeds are under /feeds/{keyword.slug}."


def _merge(at: Desk, given: Mapping[str, str]) -> str:
    keyword = at.keywords.merge(given["keyword"], given["into"], now=at.now())
    return f"{keyword.name} finds both now."


def _remove(at: Desk, given: Mapping[str, str]) -> str:
    return f"{at.keywords.remove(given['keyword']).name} is removed."


_CHANGES: Final[dict[str, Callable[[Desk, Mapping[str, str]], str]]] = {
    "save": _save,
    "rename": _rename,
    "merge": _merge,
    "remove": _remove,
}
