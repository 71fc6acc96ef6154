"""Matches as one types: a piece of a page with the newest papers of a keyword, or what is wrong."""

from __future__ import annotations

from typing import Final

from flask import Response, render_template, request

from papers.errors import BadQuery
from papers.query.parser import parse
from papers.query.request import Ask
from service.context import Desk, desk
from service.feeds.entry import Entry
from service.pages.parts.highlight import shown
from service.pages.parts.page_response import HTML, PAGE_SECONDS, pages
from service.pages.parts.plots import month_plot
from service.urls.keyword_urls import SEARCH, Address
from service.urls.params import Asked

PREVIEW_PAPERS: Final = 6


@pages.get("/search/preview")
def preview() -> Response:
    """What `q` would find; 400 with the reason and the mend where it cannot be read.

    Nobody keeps these here: few of the keywords that pass by while someone types are ever seen
    again, and they are quickly made.
    """
    at, text = desk(), request.args.get("q", "")
    at.rates.spend(request.remote_addr or "", quick=True)
    try:
        body, status = _found(at, text), 200
    except BadQuery as error:
        body, status = render_template("_preview_error.html", error=error), 400
    seconds = PAGE_SECONDS if status == 200 else 0
    headers = {"Cache-Control": f"public, max-age={seconds}" if seconds else "no-store"}
    return Response(body, status, headers, content_type=HTML)


def _found(at: Desk, text: str) -> str:
    query = parse(text)
    ask = Ask(query=query, limit=PREVIEW_PAPERS)
    page, counts = at.store.search(ask), at.counter.count(ask.tree)
    return render_template(
        "_preview.html",
        query=query,
        path=Address(at.settings.base_url, SEARCH, Asked(query, {})).path("page"),
        papers=[shown(Entry(paper), query) for paper in page.papers],
        counts=counts,
        plot=month_plot(counts) if counts else None,
    )
