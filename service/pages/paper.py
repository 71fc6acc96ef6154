"""The page of a paper: its metadata, links, votes over time, and similar papers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from flask import Response, render_template, request

from papers.errors import BadId
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.search.similar import SimilarPaper
from papers.state.voting.votes import VoteHistory
from service.cache.version_stamp import ALL_KEYWORDS, StoreVersion
from service.context import AppContext, context
from service.exports.formats import REFERENCE_FORMATS
from service.feeds import FORMATS
from service.feeds.entry import Entry
from service.http.responses import redirect_to_canonical, requested_path
from service.markup.clean import single_line, valid_http_url
from service.pages.parts.highlight import highlight_entry
from service.pages.parts.page_response import cached_page, pages
from service.pages.parts.plots import vote_plot
from service.urls.forgiving import forgiven_path
from service.urls.keyword_urls import MAX_HEAD_KEYWORDS, feeds_of_keywords

MAX_SIMILAR_PAPERS: Final = 6
MAX_VERSION_LINKS: Final = 12
MAX_MATCHED_KEYWORDS: Final = 50
_DOI_RESOLVER: Final = "https://doi.org/"


@dataclass(frozen=True, slots=True)
class SimilarEntry:
    """A similar paper, and the words that the two share."""

    entry: Entry
    similarity: SimilarPaper


@pages.get("/papers/<path:id>")
def paper(id: str) -> Response:
    """Return a paper by any form of its id."""
    try:
        ctx, paper_id = context(), ArxivId.parse(id)
    except BadId:
        path = requested_path(request, forgiven_path(request.path))
        if redirect := redirect_to_canonical(request, path):  # this route matches any path
            return redirect
        raise
    return cached_page(
        f"/papers/{paper_id}",
        lambda version: _render_paper(ctx, version, paper_id),
        keywords=(ALL_KEYWORDS,),
        archive=True,
    )


def _render_paper(ctx: AppContext, version: StoreVersion, paper_id: ArxivId) -> bytes:
    (known,) = ctx.store.get_papers([paper_id])
    if known is None:
        raise ctx.store.missing_paper(paper_id)
    return render_template(
        "paper.html",
        highlighted=highlight_entry(Entry(known), None),
        paper=known,
        feeds=[
            (form.name, f"/papers/{known.id}.{suffix}", form.media_type)
            for suffix, form in FORMATS.items()
        ],
        versions=version_links(known),
        doi=valid_http_url(_DOI_RESOLVER + single_line(known.doi)) if known.doi else "",
        matched_keywords=ctx.percolators.matching_keywords(
            [known], version.all_keywords, MAX_MATCHED_KEYWORDS
        )[0],
        vote_plots={
            community: vote_plot(days)
            for community, days in VoteHistory(ctx.redis).history(paper_id).items()
            if known.pick_by(community)
        },
        similar_entries=_similar_entries(ctx, known),
        reference_formats=REFERENCE_FORMATS,
        saved_feeds=partial(
            feeds_of_keywords,
            ctx.settings.base_url,
            version.all_keywords.keywords[:MAX_HEAD_KEYWORDS],
        ),
        q="",
    ).encode()


def version_links(paper: Paper) -> list[tuple[int, str]]:
    """Return (number, arXiv URL) of the newest versions, newest first."""
    oldest = max(paper.version - MAX_VERSION_LINKS, 0)
    return [(n, f"{paper.id.url}v{n}") for n in range(paper.version, oldest, -1)]


def _similar_entries(ctx: AppContext, paper: Paper) -> list[SimilarEntry]:
    similar = ctx.similar_papers.similar_to(paper, MAX_SIMILAR_PAPERS)
    papers = ctx.store.get_papers([found.id for found in similar])
    rows = zip(papers, similar, strict=True)
    return [SimilarEntry(Entry(known), found) for known, found in rows if known]
