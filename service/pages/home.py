"""The front page: the saved keywords with their newest papers."""

from __future__ import annotations

from typing import Final

from flask import Response, render_template

from papers.keywords import Keyword
from papers.query import parse
from papers.search import Ask
from service.addresses import Address
from service.caching import EVERY_KEYWORD
from service.desk import Desk, desk
from service.feeds.entry import Entry, entry_of
from service.pages.site import kept, pages
from service.params import Asked
from service.source_lines import summary

HOME_PAPERS: Final = 5
_NO_OPTIONS: Final = Asked(None, {})


@pages.get("/")
def home() -> Response:
    """The saved keywords with their newest papers."""
    at = desk()
    return kept("/", lambda: _home(at), keywords=(EVERY_KEYWORD,))


def _home(at: Desk) -> bytes:
    keywords = at.keywords.all()
    return render_template(
        "home.html",
        columns=[_column(at, keyword) for keyword in keywords],
        empty=at.store.size() == 0,
        sources=summary(at.states.all()),
        q="",
    ).encode()


def _column(at: Desk, keyword: Keyword) -> tuple[Keyword, Address, list[Entry]]:
    address = Address(at.settings.base_url, keyword.slug, _NO_OPTIONS)
    page = at.store.search(Ask(query=parse(keyword.query), limit=HOME_PAPERS))
    return keyword, address, [entry_of(paper) for paper in page.papers]
