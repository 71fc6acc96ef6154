"""A paper's page: all that is known of it, where to read it, and papers like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import Response, render_template

from papers.errors import UnknownPaper
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.search.similar import SimilarPaper
from papers.state.keywords import Keyword
from papers.state.votes import VoteHistory
from service.cache.version_stamp import ALL_KEYWORDS
from service.context import AppContext, context
from service.feeds.entry import Entry
from service.markup.clean import single_line, valid_http_url
from service.pages.parts.highlight import highlight_entry
from service.pages.parts.page_response import cached_page, pages
from service.pages.parts.plots import vote_plot

MAX_SIMILAR_PAPERS: Final = 6
MAX_VERSION_LINKS: Final = 12
_DOI_RESOLVER: Final = "https://doi.org/"


@dataclass(frozen=True, slots=True)
class SimilarEntry:
    """A paper like the one shown, and the words that the two share."""

    entry: Entry
    similarity: SimilarPaper


@pages.get("/papers/<path:id>")
def paper(id: str) -> Response:
    """One paper, by any form of its id."""
    ctx, wanted = context(), ArxivId.parse(id)
    return cached_page(
        f"/papers/{wanted}",
        lambda: _render_paper(ctx, wanted),
        keywords=(ALL_KEYWORDS,),
        archive=True,
    )


def _render_paper(ctx: AppContext, wanted: ArxivId) -> bytes:
    (known,) = ctx.store.get_papers([wanted])
    if known is None:
        raise UnknownPaper(f"{wanted} is not here; arXiv may have it: {wanted.url}")
    keywords: Sequence[Keyword] = ctx.keywords.all()
    return render_template(
        "paper.html",
        shown=highlight_entry(Entry(known), None),
        paper=known,
        versions=version_links(known),
        doi=valid_http_url(_DOI_RESOLVER + single_line(known.doi)) if known.doi else "",
        met=ctx.percolators.matching_keywords(known, keywords),
        growth={
            who: vote_plot(days) for who, days in VoteHistory(ctx.redis).history(wanted).items()
        },
        relatives=_similar_entries(ctx, known),
        q="",
    ).encode()


def version_links(paper: Paper) -> list[tuple[int, str]]:
    """The numbers of the newest versions, newest first, and arXiv's page of each."""
    oldest = max(paper.version - MAX_VERSION_LINKS, 0)
    return [(n, f"{paper.id.url}v{n}") for n in range(paper.version, oldest, -1)]


def _similar_entries(ctx: AppContext, paper: Paper) -> list[SimilarEntry]:
    likes = ctx.similar_papers.similar_to(paper, MAX_SIMILAR_PAPERS)
    papers = ctx.store.get_papers([like.id for like in likes])
    pairs = zip(papers, likes, strict=True)
    return [SimilarEntry(Entry(known), like) for known, like in pairs if known]
