"""The digest: the newest papers of every saved keyword, a section and a table each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response, render_template

from papers.query.parser import parse
from papers.query.request import Ask
from papers.state.keywords import Keyword
from service.cache.version_stamp import EVERY_KEYWORD
from service.context import Desk, desk
from service.feeds.entry import Entry
from service.pages.parts.highlight import Shown, shown
from service.pages.parts.page_response import kept, pages

SECTION_PAPERS: Final = 10


@dataclass(frozen=True, slots=True)
class Section:
    """One keyword's part of the digest, newest paper first."""

    keyword: Keyword
    papers: list[Shown]


@pages.get("/digest")
def digest() -> Response:
    """The newest papers of every saved keyword."""
    at = desk()
    return kept("/digest", lambda: _digest(at), keywords=(EVERY_KEYWORD,))


def _digest(at: Desk) -> bytes:
    sections = [_section(at, keyword) for keyword in at.keywords.all()]
    return render_template("digest.html", sections=sections, most=SECTION_PAPERS, q="").encode()


def _section(at: Desk, keyword: Keyword) -> Section:
    query = parse(keyword.query)
    page = at.store.search(Ask(query=query, limit=SECTION_PAPERS))
    return Section(keyword, [shown(Entry(paper), query) for paper in page.papers])
