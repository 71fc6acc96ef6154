"""Exports: the saved keywords as a list of subscriptions (`/opml`) and as the table of the day."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, request

from papers.state.keywords import Keyword
from service.cache.version_stamp import EVERY_KEYWORD
from service.context import Desk, desk
from service.exports import keyword_lists, markdown, opml
from service.exports.selection import Chosen, chosen
from service.http.responses import redirected

exports = Blueprint("exports", __name__)

MOST_ROWS: Final = 5_000
"""Rows of the table of the day in all; many keywords share them evenly."""
MOST_CHOSEN_ROWS: Final = 500
"""The same where keywords or rows are chosen: anyone may make up any number of choices."""


@exports.get("/opml")
def subscriptions() -> Response:
    """The feeds of all saved keywords, or of those that `k=` names, in a folder for each order."""
    at, choice = desk(), chosen(request.args, ("k", "when"))
    path = choice.path("/opml")
    return redirected(request, path) or at.serve(
        path,
        lambda: keyword_lists.subscriptions(
            at.settings.base_url, _keywords(at, choice), choice.orders
        ),
        content_type=opml.CONTENT_TYPE,
        keywords=choice.slugs or (EVERY_KEYWORD,),
        headers={"Content-Disposition": 'attachment; filename="paperwire.opml"'},
    )


@exports.get("/export/daily.md")
def daily() -> Response:
    """The newest papers of all saved keywords, or of those that `k=` names, as Markdown tables."""
    at, choice = desk(), chosen(request.args, ("k", "n"))
    path = choice.path("/export/daily.md")
    return redirected(request, path) or at.serve(
        path,
        lambda: _daily(at, choice),
        content_type=markdown.CONTENT_TYPE,
        keywords=choice.slugs or (EVERY_KEYWORD,),
    )


def _daily(at: Desk, choice: Chosen) -> bytes:
    """The page, its keywords sharing the rows there may be in all."""
    keywords = _keywords(at, choice)
    most = MOST_ROWS if choice == Chosen() else MOST_CHOSEN_ROWS
    rows = max(1, min(choice.rows, most // max(1, len(keywords))))
    return keyword_lists.daily(at.store, keywords, rows=rows, site_url=at.settings.base_url)


def _keywords(at: Desk, choice: Chosen) -> list[Keyword]:
    """The chosen keywords, by name; all of them where none is chosen. Raises UnknownKeyword."""
    named = {at.keywords.get(slug).slug for slug in choice.slugs}
    return [keyword for keyword in at.keywords.all() if not named or keyword.slug in named]
