"""A paper's page: all that is known of it, where to read it, and papers like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import Response, render_template

from papers.errors import UnknownPaper
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.search.percolate import met_by
from papers.search.similar import Like
from papers.state.keywords import Keyword
from papers.state.votes import Votes
from service.cache.version_stamp import EVERY_KEYWORD
from service.context import Desk, desk
from service.feeds.entry import Entry
from service.markup.clean import line, link
from service.pages.parts.highlight import shown
from service.pages.parts.page_response import kept, pages
from service.pages.parts.plots import vote_plot

MOST_LIKE: Final = 6
MOST_VERSIONS: Final = 12
_DOI: Final = "https://doi.org/"


@dataclass(frozen=True, slots=True)
class Relative:
    """A paper like the one shown, and the words that the two share."""

    entry: Entry
    like: Like


@pages.get("/papers/<path:id>")
def paper(id: str) -> Response:
    """One paper, by any form of its id."""
    at, wanted = desk(), ArxivId.parse(id)
    return kept(
        f"/papers/{wanted}", lambda: _page(at, wanted), keywords=(EVERY_KEYWORD,), archive=True
    )


def _page(at: Desk, wanted: ArxivId) -> bytes:
    (known,) = at.store.papers([wanted])
    if known is None:
        raise UnknownPaper(f"{wanted} is not here; arXiv may have it: {wanted.url}")
    keywords: Sequence[Keyword] = at.keywords.all()
    return render_template(
        "paper.html",
        shown=shown(Entry(known), None),
        paper=known,
        versions=versions(known),
        doi=link(_DOI + line(known.doi)) if known.doi else "",
        met=met_by(known, keywords),
        growth={who: vote_plot(days) for who, days in Votes(at.redis).of(wanted).items()},
        relatives=_relatives(at, known),
        q="",
    ).encode()


def versions(paper: Paper) -> list[tuple[int, str]]:
    """The numbers of the newest versions, newest first, and arXiv's page of each."""
    oldest = max(paper.version - MOST_VERSIONS, 0)
    return [(n, f"{paper.id.url}v{n}") for n in range(paper.version, oldest, -1)]


def _relatives(at: Desk, paper: Paper) -> list[Relative]:
    likes = at.likeness.like(paper, MOST_LIKE)
    papers = at.store.papers([like.id for like in likes])
    pairs = zip(papers, likes, strict=True)
    return [Relative(Entry(known), like) for known, like in pairs if known]
