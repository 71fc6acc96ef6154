"""The front page: what was picked last, and the saved keywords with their newest papers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response, render_template

from papers.query.parser import parse
from papers.query.request import Ask
from papers.search.counts import Counts
from papers.state.keywords import Keyword
from service.cache.version_stamp import EVERY_KEYWORD
from service.context import Desk, desk
from service.feeds.entry import Entry
from service.pages.parts.page_response import kept, pages
from service.pages.parts.plots import BarPlot, month_plot
from service.pages.picks import newest_pick, picked_in, shown_pick
from service.source_status import summary
from service.urls.keyword_urls import Address
from service.urls.params import Asked

HOME_PAPERS: Final = 4
HOME_PICKS: Final = 6
_NO_OPTIONS: Final = Asked(None, {})


@dataclass(frozen=True, slots=True)
class Column:
    """A saved keyword on the front page."""

    keyword: Keyword
    address: Address
    entries: list[Entry]
    counts: Counts | None
    plot: BarPlot | None


@pages.get("/")
def home() -> Response:
    """What was picked last, and the saved keywords with their newest papers."""
    at = desk()
    return kept("/", lambda: _home(at), keywords=(EVERY_KEYWORD,))


def _home(at: Desk) -> bytes:
    keywords = at.keywords.all()
    day = newest_pick(at)
    picked = picked_in(at, day, day) if day else []
    return render_template(
        "home.html",
        day=day,
        picks=[shown_pick(paper, keywords) for paper in picked[:HOME_PICKS]],
        picked=len(picked),
        columns=[_column(at, keyword) for keyword in keywords],
        empty=at.store.size() == 0,
        sources=summary(at.states.all()),
        q="",
    ).encode()


def _column(at: Desk, keyword: Keyword) -> Column:
    address = Address(at.settings.base_url, keyword.slug, _NO_OPTIONS)
    ask = Ask(query=parse(keyword.query), limit=HOME_PAPERS)
    entries = [Entry(paper) for paper in at.store.search(ask).papers]
    counts = at.counter.count(ask.tree)
    plot = month_plot(counts) if counts and counts.year else None
    return Column(keyword, address, entries, counts, plot)
